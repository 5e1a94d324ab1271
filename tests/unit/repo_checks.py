# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of the repository against itself: what is written down twice must say the same in both places.

Every check takes the root of a repository and returns its problems, one sentence each.
"""

from __future__ import annotations

import ast
import fnmatch
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import yaml

_TASKS_MAIN_LINES = 60

_ROLE_ACTIONS = ("ansible.builtin.import_role", "ansible.builtin.include_role")

# How an import is called where the package that brings it has another name.
_PACKAGE_OF_IMPORT = {
    "ansible": "ansible-core",
    "ansible_test": "ansible-core",
    "argon2": "argon2-cffi",
    "botocore": "boto3",
    "cryptography": "ansible-core",
    "multipart": "python-multipart",
    "starlette": "fastapi",
    "testinfra": "pytest-testinfra",
    "werkzeug": "moto",
    "yaml": "ansible-core",
}


def role_files(root: Path) -> list[str]:
    """Every role has the files that its users and the other checks look for."""
    wanted = ["README.md", "defaults/main.yml", "meta/argument_specs.yml", "meta/main.yml", "tasks/main.yml"]
    return [f"{role.name} has no {name}." for role in _roles(root) for name in wanted if not (role / name).is_file()]


def role_variables(root: Path) -> list[str]:
    """Defaults, argument_specs and README of a role name the same variables, all under the prefix of the role."""
    problems = []
    for role in _roles(root):
        defaults = _yaml(role / "defaults/main.yml")
        specs = _yaml(role / "meta/argument_specs.yml").get("argument_specs", {})
        options = specs.get("main", {}).get("options", {})
        readme = _text(role / "README.md")
        for name in sorted({*defaults, *options}):
            option = options.get(name)
            if not name.startswith(f"{role.name}_"):
                problems.append(f"{role.name}: {name} does not start with {role.name}_.")
            if option is None:
                problems.append(f"{role.name}: {name} stands in defaults but not in argument_specs.")
            elif name not in defaults and not option.get("required"):
                problems.append(f"{role.name}: {name} is not required, yet has no line in defaults.")
            elif name in defaults and option.get("required"):
                problems.append(f"{role.name}: {name} is required, yet has a default.")
            elif "default" in option and option["default"] != defaults[name]:
                problems.append(f"{role.name}: {name} has one default in defaults and another in argument_specs.")
            if not re.search(rf"\b{re.escape(name)}\b", readme):
                problems.append(f"{role.name}: README.md does not tell of {name}.")
        # What a role hands on to others is a public name in vars/main.yml, and is told of like any other.
        problems += [
            f"{role.name}: {name} in vars/main.yml neither starts with __{role.name}_ nor is told of in README.md."
            for name in _yaml(role / "vars/main.yml")
            if not name.startswith(f"__{role.name}_")
            and not (name.startswith(f"{role.name}_") and re.search(rf"\b{re.escape(name)}\b", readme))
        ]
    return problems


def role_tasks(root: Path) -> list[str]:
    """A tasks/main.yml is a table of contents."""
    return [
        f"{role.name}: tasks/main.yml has {lines} lines, {_TASKS_MAIN_LINES} are allowed."
        for role in _roles(root)
        if (lines := len(_text(role / "tasks/main.yml").splitlines())) > _TASKS_MAIN_LINES
    ]


def roles_in_playbooks(root: Path) -> list[str]:
    """Every role is played by some playbook, and every role that a playbook names exists, perhaps beside the playbooks."""
    plays = [play for path in sorted((root / "playbooks").glob("*.yml")) for play in yaml.safe_load(_text(path)) or []]
    listed = [entry for play in plays for entry in play.get("roles", [])]
    entries = [entry if isinstance(entry, str) else entry["role"] for entry in listed]
    tasks = [task for play in plays for task in play.get("tasks", [])]
    tasks += [
        task for path in (root / "playbooks").glob("tasks/**/*.yml") for task in yaml.safe_load(_text(path)) or []
    ]
    entries += [task[action]["name"] for task in tasks for action in _ROLE_ACTIONS if action in task]
    named = {entry.removeprefix("selfhost.aistack.") for entry in entries if "{{" not in entry}
    roles = {role.name for role in _roles(root)}
    beside = {path.parents[1].name for path in (root / "playbooks").glob("*/vars/main.yml")}
    return [f"No playbook plays the role {role}." for role in sorted((roles | beside) - named)] + [
        f"A playbook plays {role}, which is not a role." for role in sorted(named - roles - beside)
    ]


def modules_tested(root: Path) -> list[str]:
    """Every module is tried against the real thing by an integration target of its name, or by a playbook that is tested."""
    played = "".join(_text(path) for path in sorted((root / "playbooks").rglob("*.yml")))
    return [
        f"The module {name} has no tests/integration/targets/{name}/tasks/main.yml and is in no playbook."
        for name in _modules(root)
        if not (root / "tests/integration/targets" / name / "tasks/main.yml").is_file()
        and f"selfhost.aistack.{name}:" not in played
    ]


def action_groups(root: Path) -> list[str]:
    """The group garage is exactly the modules that talk to Garage, and groups name modules that exist."""
    groups = _yaml(root / "meta/runtime.yml").get("action_groups", {})
    modules = _modules(root)
    garage = {name for name in modules if name.startswith("garage_")}
    problems = [
        f"meta/runtime.yml: group {group} names {name}, which is not a module."
        for group, names in groups.items()
        for name in names
        if name not in modules
    ]
    problems += [
        f"meta/runtime.yml: group garage lacks {name}." for name in sorted(garage - set(groups.get("garage", [])))
    ]
    return problems


def versions(root: Path) -> list[str]:
    """galaxy.yml, pyproject.toml and the newest release of the changelog carry one version."""
    released = _yaml(root / "changelogs/changelog.yaml").get("releases", {})
    newest = max(released, key=lambda text: [int(part) for part in text.split(".")], default=None)
    found = {
        "galaxy.yml": _yaml(root / "galaxy.yml").get("version"),
        "pyproject.toml": _toml(root / "pyproject.toml").get("project", {}).get("version"),
        "changelogs/changelog.yaml": newest,
    }
    if len(set(found.values())) == 1:
        return []
    return ["Versions differ: " + ", ".join(f"{place} says {version}" for place, version in found.items()) + "."]


def changelog_names_plugins(root: Path) -> list[str]:
    """The changelog tells of every module, so that a new one is announced in the release that brings it."""
    released = _yaml(root / "changelogs/changelog.yaml").get("releases", {}).values()
    told = {module["name"] for release in released for module in release.get("modules", [])}
    return [
        f"changelogs/changelog.yaml does not tell of the module {name}." for name in _modules(root) if name not in told
    ]


def requirements(root: Path) -> list[str]:
    """Each package stands in one requirements file with one version, and pyproject.toml reads both files."""
    problems = []
    seen: dict[str, str] = {}
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in _requirement_lines(root / name):
            package = _package(line)
            if not re.fullmatch(r"[A-Za-z0-9_.-]+(\[[a-z,]+\])?==[0-9][0-9a-z.]*( ; .+)?", line):
                problems.append(f"{name}: '{line}' is not pinned as package==version.")
            if seen.get(package, name) != name:
                problems.append(f"{package} stands in both requirements files.")
            seen[package] = name
    project = _toml(root / "pyproject.toml")
    dynamic = project.get("tool", {}).get("setuptools", {}).get("dynamic", {})
    if dynamic.get("dependencies") != {"file": ["requirements.txt"]}:
        problems.append("pyproject.toml does not read its dependencies from requirements.txt.")
    if dynamic.get("optional-dependencies", {}).get("dev") != {"file": ["requirements-dev.txt"]}:
        problems.append("pyproject.toml does not read its dev dependencies from requirements-dev.txt.")
    return problems


def imports_declared(root: Path) -> list[str]:
    """What the controller's and the tests' Python imports is a package of the requirements files.

    The tests also run the reference gateway, whose packages tools/venv installs with theirs. What make bench compares
    with has an environment of its own.
    """
    declared = {
        _package(line)
        for name in ("requirements.txt", "requirements-dev.txt")
        for line in _requirement_lines(root / name)
    }
    files = [
        path for folder in ("plugins", "tests", "tools", "molecule") for path in sorted((root / folder).rglob("*.py"))
    ]
    reference = root / "roles/gateway/files/reference"
    for folder in (reference, root / "tests/bench"):
        declared |= {_package(line) for line in _requirement_lines(folder / "requirements.txt")}
    sources = [*files, *reference.rglob("*.py")]
    own = {path.stem for path in sources} | {path.parent.name for path in sources} | {"ansible_collections"}
    return [
        f"{path.relative_to(root)} imports {name}, which no requirements file brings."
        for path in files
        if "images" not in path.parts  # what is built into a test image brings its own packages
        for name in sorted(_imports(path))
        if name not in sys.stdlib_module_names | own
        and _PACKAGE_OF_IMPORT.get(name, name).replace("_", "-") not in declared
    ]


def no_moving_images(root: Path) -> list[str]:
    """No image that moves: neither `latest` nor an image without a tag is deployed by anything."""
    return [
        f"{path.relative_to(root)}:{number} names an image by the tag latest."
        for path, number, line in _lines(
            root, ("roles", "playbooks", "inventories"), (".yml", ".yaml", ".j2", "Dockerfile")
        )
        if re.search(r"[\w/]:latest\b", line)
    ]


def no_foreign_paths(root: Path) -> list[str]:
    """No path of a developer's machine gets into the collection."""
    return [
        f"{path.relative_to(root)}:{number} names a path of one machine."
        for path, number, line in _lines(
            root, ("roles", "playbooks", "inventories", "plugins", "tools"), (".yml", ".py", ".j2", ".md")
        )
        if re.search(r"(?<![\w.])/(home/\w+|root/\.pyenv|work)/", line)
    ]


def readme_verbs(root: Path) -> list[str]:
    """Every `make verb` that the README mentions exists, and every verb of the Makefile is in the README."""
    verbs = set(re.findall(r"^([a-z0-9-]+):.*## ", _text(root / "Makefile"), re.MULTILINE))
    told = set(re.findall(r"\bmake ([a-z0-9-]+)\b", _code(_text(root / "README.md"))))
    return [f"README.md tells of 'make {verb}', which the Makefile does not have." for verb in sorted(told - verbs)] + [
        f"README.md does not tell of 'make {verb}'." for verb in sorted(verbs - told)
    ]


def readme_parts(root: Path) -> list[str]:
    """The README names every role and every module."""
    readme = _text(root / "README.md")
    names = [role.name for role in _roles(root)] + _modules(root)
    return [f"README.md does not name {name}." for name in names if not re.search(rf"`{name}`", readme)]


def secrets_stay_out(root: Path) -> list[str]:
    """What git ignores because it is secret stays out of the artifact too."""
    ignored = {line.strip() for line in _text(root / ".gitignore").splitlines() if "secret" in line}
    patterns = _yaml(root / "galaxy.yml").get("build_ignore", [])
    if not ignored:
        return [".gitignore does not name the secret store."]
    # ansible-galaxy compares each pattern with a file's path from the root of the collection.
    beside = [f"inventories/some_site/{name}" for name in sorted(ignored)]
    return [
        f"galaxy.yml: build_ignore does not cover {path}."
        for path in beside
        if not any(fnmatch.fnmatch(path, pattern) for pattern in patterns)
    ]


CHECKS = [
    role_files,
    role_variables,
    role_tasks,
    roles_in_playbooks,
    modules_tested,
    action_groups,
    versions,
    changelog_names_plugins,
    requirements,
    imports_declared,
    no_moving_images,
    no_foreign_paths,
    readme_verbs,
    readme_parts,
    secrets_stay_out,
]


def _roles(root: Path) -> list[Path]:
    return sorted(path for path in (root / "roles").glob("*") if path.is_dir())


def _modules(root: Path) -> list[str]:
    return sorted(path.stem for path in (root / "plugins/modules").glob("*.py") if path.stem != "__init__")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _yaml(path: Path) -> dict:
    return yaml.safe_load(_text(path)) or {}


def _toml(path: Path) -> dict:
    return tomllib.loads(_text(path))


def _code(markdown: str) -> str:
    """Return what stands in code blocks and between back quotes, where a command is meant and not the English verb."""
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", markdown, re.DOTALL))


def _requirement_lines(path: Path) -> list[str]:
    lines = (line.strip() for line in _text(path).splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _package(line: str) -> str:
    return re.split(r"[\[=<>!~; ]", line)[0].lower().replace("_", "-")


def _imports(path: Path) -> set[str]:
    """Return the top names of the absolute imports of a file."""
    names = set()
    for node in ast.walk(ast.parse(_text(path))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def _lines(root: Path, folders: tuple[str, ...], ends: tuple[str, ...]) -> Iterator[tuple[Path, int, str]]:
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.name.endswith(ends):
                for number, line in enumerate(_text(path).splitlines(), 1):
                    yield path, number, line
