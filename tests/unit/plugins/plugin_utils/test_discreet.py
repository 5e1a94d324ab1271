# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What callback plugins are shown of the options of a task."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from ansible_collections.selfhost.aistack import plugins
from ansible_collections.selfhost.aistack.plugins.plugin_utils.discreet import (
    SECRET_OPTIONS,
    DiscreetAction,
    DiscreetModule,
    shown,
)

PLUGINS = Path(next(iter(plugins.__path__)))
# In an argument specification: "name": {..., "no_log": True} and name={..., "no_log": True}.
_NO_LOG = re.compile(r'"?(\w+)"?[:=] ?\{[^{}]*"no_log": True')
_PACKAGE = "ansible_collections.selfhost.aistack.plugins"


def no_log_options(module: str) -> set[str]:
    """The options of a module, and of the private files that it imports, whose values its result never shows."""
    source = (PLUGINS / "modules" / f"{module}.py").read_text(encoding="utf-8")
    used = re.findall(r"module_utils\.(_\w+) import", source)
    texts = [source, *((PLUGINS / "module_utils" / f"{name}.py").read_text(encoding="utf-8") for name in used)]
    return {name for text in texts for name in _NO_LOG.findall(text)}


MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py") if no_log_options(path.stem))


def test_the_search_finds_options():
    assert {"garage_key", "reflow_proof", "s3_bucket", "compose_app"} <= set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_with_secrets_has_an_action_that_hides_them(module):
    action = importlib.import_module(f"{_PACKAGE}.action.{module}").ActionModule
    assert issubclass(action, DiscreetAction)
    # What compose_app ships is made by its action, and no option of the task.
    assert no_log_options(module) - {"bundle"} <= SECRET_OPTIONS


def test_what_is_below_a_secret_option_is_hidden_and_the_rest_is_kept():
    options = {
        "name": "app",
        "env": {"app": {"LEVEL": "INFO", "WORKERS": 2, "TOKEN": None}},
        "secrets": {"token": {"content": "the secret", "uid": 999}},
        "targets": [{"url": "http://site", "headers": {"X-Key": ["the secret"]}}],
    }
    told = shown(options)
    assert told["name"] == "app"
    assert told["secrets"]["token"]["uid"] == 999
    assert told["targets"][0]["url"] == "http://site"
    assert told["secrets"]["token"]["content"] == told["targets"][0]["headers"]["X-Key"][0]
    assert told["env"]["app"]["TOKEN"] is None
    hidden = [*told["env"]["app"].values(), told["secrets"]["token"]["content"]]
    assert all(re.fullmatch("sha256:[0-9a-f]{8}", value) for value in hidden if value is not None)
    assert options["secrets"]["token"]["content"] == "the secret"


class Task:
    """As much of a task as an action looks at."""

    def __init__(self, args):
        self.args = args
        self.async_val = 0


def action_of(task):
    """A new action of a task, as Ansible makes one for each attempt."""
    action = DiscreetModule(task, connection=None, play_context=None, loader=None, templar=None, shared_loader_obj=None)
    action._remove_tmp_path = lambda path, force=False: None
    action._connection = type("Connection", (), {"_shell": type("Shell", (), {"tmpdir": None})})
    return action


def test_a_second_attempt_gets_what_the_first_one_was_given():
    task = Task({"password": "the secret", "state": "present"})
    for _attempt in range(3):
        action = action_of(task)
        assert task.args == {"password": "the secret", "state": "present"}
        action.cleanup()
        action.cleanup(force=True)
        assert task.args == {"password": shown({"password": "the secret"})["password"], "state": "present"}
