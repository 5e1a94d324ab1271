# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""This repository passes every check of repo_checks, and every check finds what it is there to find."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

_spec = importlib.util.spec_from_file_location("repo_checks", Path(__file__).with_name("repo_checks.py"))
repo_checks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(repo_checks)

# A repository in which everything agrees.
_SOUND = {
    ".gitignore": ".secrets.yml\n",
    "CHANGELOG.rst": "",
    "Makefile": "up: ## bring it up\n",
    "README.md": "`redis` `garage_key` and `make up`; make sure that prose is not a verb.\n",
    "changelogs/changelog.yaml": "releases: {0.9.0: {modules: [{name: garage_key}]}, 0.10.0: {}}\n",
    "galaxy.yml": "version: 0.10.0\nbuild_ignore: ['*/.secrets.yml*']\n",
    "meta/runtime.yml": "action_groups: {garage: [garage_key]}\n",
    "playbooks/site.yml": "- hosts: redis\n  roles:\n    - role: selfhost.aistack.redis\n",
    "plugins/modules/garage_key.py": "import json\nimport boto3\n",
    "pyproject.toml": (
        '[project]\nversion = "0.10.0"\n[tool.setuptools.dynamic]\ndependencies = { file = ["requirements.txt"] }\n'
        'optional-dependencies.dev = { file = ["requirements-dev.txt"] }\n'
    ),
    "requirements-dev.txt": "# tests\nmoto[server]==5.2.5\n",
    "requirements.txt": "ansible-core==2.21.5 ; python_version >= '3.12'\nboto3==1.44.5\n",
    "roles/redis/README.md": "| redis_image | redis_password |\n",
    "roles/redis/defaults/main.yml": "redis_image: redis:8.8.3\n",
    "roles/redis/meta/argument_specs.yml": (
        "argument_specs: {main: {options: {redis_image: {default: 'redis:8.8.3'}, redis_password: {required: true}}}}\n"
    ),
    "roles/redis/meta/main.yml": "",
    "roles/redis/tasks/main.yml": "- name: Deploy\n",
    "roles/redis/vars/main.yml": "__redis_problems: []\n",
    "tests/integration/targets/garage_key/tasks/main.yml": "",
}

# Check, file, what the file says instead (None: it is missing), and a word of the sentence that must come of it.
_FAULTS = [
    ("role_files", "roles/redis/README.md", None, "README.md"),
    ("role_variables", "roles/redis/README.md", "redis_image", "redis_password"),
    ("role_variables", "roles/redis/defaults/main.yml", "", "no line in defaults"),
    ("role_variables", "roles/redis/defaults/main.yml", "redis_image: redis:7\n", "another in argument_specs"),
    (
        "role_variables",
        "roles/redis/defaults/main.yml",
        "redis_image: redis:8.8.3\nredis_port: 1\n",
        "not in argument_specs",
    ),
    (
        "role_variables",
        "roles/redis/defaults/main.yml",
        "redis_image: redis:8.8.3\nredis_password: x\n",
        "yet has a default",
    ),
    ("role_variables", "roles/redis/defaults/main.yml", "image: redis:8.8.3\n", "does not start with redis_"),
    ("role_variables", "roles/redis/vars/main.yml", "redis_problems: []\n", "nor is told of"),
    ("role_tasks", "roles/redis/tasks/main.yml", "#\n" * 61, "61 lines"),
    ("roles_in_playbooks", "playbooks/site.yml", "", "No playbook plays the role redis"),
    (
        "roles_in_playbooks",
        "playbooks/site.yml",
        _SOUND["playbooks/site.yml"] + "    - role: selfhost.aistack.rediss\n",
        "rediss",
    ),
    (
        "roles_in_playbooks",
        "playbooks/site.yml",
        "- hosts: a\n  tasks:\n    - ansible.builtin.import_role: {name: selfhost.aistack.valkey}\n",
        "plays valkey",
    ),
    ("modules_tested", "tests/integration/targets/garage_key/tasks/main.yml", None, "garage_key"),
    ("action_groups", "meta/runtime.yml", "action_groups: {garage: []}\n", "lacks garage_key"),
    ("action_groups", "meta/runtime.yml", "action_groups: {garage: [garage_key, garage_kee]}\n", "garage_kee"),
    ("versions", "galaxy.yml", "version: 0.11.0\n", "galaxy.yml says 0.11.0"),
    ("versions", "changelogs/changelog.yaml", "releases: {0.9.0: {}}\n", "says 0.9.0"),
    ("changelog_names_plugins", "changelogs/changelog.yaml", "releases: {0.10.0: {}}\n", "garage_key"),
    ("requirements", "requirements.txt", "boto3>=1\n", "not pinned"),
    ("requirements", "requirements-dev.txt", "boto3==1.44.5\n", "both"),
    ("requirements", "pyproject.toml", '[project]\nversion = "0.10.0"\n', "does not read"),
    ("imports_declared", "plugins/modules/garage_key.py", "from redis.client import Redis\n", "redis"),
    ("no_moving_images", "roles/redis/defaults/main.yml", "redis_image: docker.io/library/redis:latest\n", "latest"),
    ("no_foreign_paths", "playbooks/site.yml", "- src: /home/me/x\n", "one machine"),
    ("readme_verbs", "README.md", "`make app`\n", "make app"),
    ("readme_verbs", "README.md", "make up\n", "does not tell of 'make up'"),
    ("readme_parts", "README.md", "`redis`\n", "garage_key"),
    ("secrets_stay_out", "galaxy.yml", "version: 0.10.0\nbuild_ignore: []\n", ".secrets.yml"),
    ("secrets_stay_out", ".gitignore", "", "secret store"),
]


@pytest.mark.parametrize("check", repo_checks.CHECKS, ids=lambda check: check.__name__)
def test_this_repository(check):
    assert check(ROOT) == []


@pytest.mark.parametrize("check", repo_checks.CHECKS, ids=lambda check: check.__name__)
def test_sound_repository(check, tmp_path):
    _write(tmp_path, _SOUND)
    assert check(tmp_path) == []


@pytest.mark.parametrize(("check", "path", "content", "word"), _FAULTS)
def test_fault_is_found(check, path, content, word, tmp_path):
    _write(tmp_path, {**_SOUND, path: content})
    problems = getattr(repo_checks, check)(tmp_path)
    assert any(word in problem for problem in problems), problems


def test_every_check_has_a_fault():
    assert {name for name, *_rest in _FAULTS} == {check.__name__ for check in repo_checks.CHECKS}


def _write(root, files):
    for name, content in files.items():
        if content is not None:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
