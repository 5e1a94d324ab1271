# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has of Docker, and what it lacks or forbids.

Private to the collection. assess() is pure; look() only reads.
"""

from __future__ import annotations

import os
import re
import shlex

from ansible_collections.selfhost.aistack.plugins.module_utils._changes import change
from ansible_collections.selfhost.aistack.plugins.module_utils._daemon_service import UNIT, program
from ansible_collections.selfhost.aistack.plugins.module_utils._docker import Docker, DockerError
from ansible_collections.selfhost.aistack.plugins.module_utils._version import numbers

SYSTEMS = {
    ("debian", "12"): "Debian 12",
    ("debian", "13"): "Debian 13",
    ("ubuntu", "22.04"): "Ubuntu 22.04",
    ("ubuntu", "24.04"): "Ubuntu 24.04",
    ("ubuntu", "26.04"): "Ubuntu 26.04",
}
# Its docker-compose package is the first one, written in Python, which knows neither "docker compose" nor today's files.
WITHOUT_COMPOSE_2 = ("debian", "12")
REPOSITORY_FILE = "/etc/apt/sources.list.d/docker.sources"
_CAP_SYS_RESOURCE = 24
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_ALWAYS = ["ca-certificates", "apparmor", "nftables"]
# What the module that writes the apt source needs, besides what is always installed.
_FOR_REPOSITORY = ["python3-debian"]
_DISTRIBUTION = {
    "debian": ["docker.io", "docker-cli", "docker-compose", "docker-buildx", *_ALWAYS],
    "ubuntu": ["docker.io", "docker-compose-v2", "docker-buildx", *_ALWAYS],
}
_UPSTREAM = ["docker-ce", "docker-ce-cli", "containerd.io", "docker-buildx-plugin", "docker-compose-plugin", *_ALWAYS]
_ENGINES = {"distribution": "docker.io", "docker": "docker-ce"}


def look(run):
    """The facts about this host that assess() needs. `run` is the run_command of an AnsibleModule."""
    release = os_release()
    running, enabled = _service(run)
    return {
        "system": [release.get("ID", ""), release.get("VERSION_ID", "")],
        "codename": release.get("VERSION_CODENAME", ""),
        "architecture": os.uname().machine,
        "root": os.geteuid() == 0,
        "systemd": os.path.isdir("/run/systemd/system"),
        "packages": installed(
            run, sorted({name for names in (*_DISTRIBUTION.values(), _UPSTREAM, _FOR_REPOSITORY) for name in names})
        ),
        "engine_version": _running_version() if running else _output(run, "dockerd", "--version"),
        "compose_version": _output(run, "docker", "compose", "version", "--short"),
        "running": running,
        "enabled": enabled,
        "repository_url": _repository_url(),
        "dpkg_interrupted": any(name.isdigit() for name in _names("/var/lib/dpkg/updates")),
        "nofile_limit": host_nofile_limit(),
    }


def os_release(path="/etc/os-release"):
    """The host's own description of its operating system."""
    with open(path, encoding="utf-8") as handle:
        pairs = [line.strip().split("=", 1) for line in handle if "=" in line and not line.startswith("#")]
    return {name: "".join(shlex.split(value)) for name, value in pairs}


def installed(run, names):
    """{name: version} of those Debian packages that are installed."""
    if program("dpkg-query") is None:
        return {}
    # A package that apt knows and that is not installed has no version.
    shape = "${Package}\t${Version}\t${db:Status-Status}\n"
    rows = [
        line.split("\t") for line in _output(run, "dpkg-query", "--show", "--showformat", shape, *names).splitlines()
    ]
    return {name: version for name, version, status in rows if status == "installed"}


def _output(run, name, *arguments):
    """What a program prints, or nothing if it is missing or refuses; its exit status says no more than its output here."""
    path = program(name)
    return run([path, *arguments], environ_update={"LC_ALL": "C"})[1].strip() if path else ""


def _service(run):
    """Whether the engine's unit is active, and whether it starts at boot."""
    lines = _output(run, "systemctl", "show", UNIT, "--property=ActiveState,UnitFileState").splitlines()
    return "ActiveState=active" in lines, "UnitFileState=enabled" in lines


def _repository_url():
    """Where Docker's packages come from according to this host's apt, or nothing."""
    found = re.search(r"^URIs:\s*(\S+)", _read(REPOSITORY_FILE), re.MULTILINE)
    return found.group(1) if found else ""


def host_nofile_limit():
    """The most open files that a container on this host can be given."""
    return nofile_limit(
        _read("/proc/1/limits"), _read("/proc/1/status"), _read("/proc/1/uid_map"), _read("/proc/sys/fs/nr_open")
    )


def within_reach(config, limit):
    """Keys of daemon.json with a C(default-ulimits) for open files that this host can give.

    :param config: the keys as they are wanted.
    :param limit: the most open files of a container here; what is wanted above it is lowered to it.
    """
    nofile = (config.get("default-ulimits") or {}).get("nofile")
    if not isinstance(nofile, dict):
        return config
    lowered = {key: min(value, limit) if key in ("Soft", "Hard") else value for key, value in nofile.items()}
    return dict(config, **{"default-ulimits": dict(config["default-ulimits"], nofile=lowered)})


def nofile_limit(limits, status, uid_map, nr_open):
    """The most open files that a container on this host can be given, from four files of /proc.

    A host that is itself a container often may not raise the limit that it was started with, and an engine that tries
    starts no container at all.
    """
    capabilities = re.search(r"^CapEff:\s*([0-9a-f]+)", status, re.MULTILINE)
    may_raise = capabilities and int(capabilities.group(1), 16) >> _CAP_SYS_RESOURCE & 1
    everybody = uid_map.split() == ["0", "0", "4294967295"]
    started_with = re.search(r"^Max open files\s+\d+\s+(\d+)", limits, re.MULTILINE)
    return int(nr_open) if (may_raise and everybody) or not started_with else int(started_with.group(1))


def _names(folder):
    """The names in a folder, none if it is not there."""
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _read(path):
    """A text file's content, or nothing if it is not there."""
    try:
        with open(path, encoding="utf-8") as handle:
            return handle.read()
    except FileNotFoundError:
        return ""


def _running_version():
    try:
        return Docker(timeout=30).get("/version")["Version"]
    except DockerError:
        return ""


def assess(facts, source, minimum_engine, minimum_compose):
    """What this host needs and why it cannot be used, from look()'s facts.

    :param source: "auto", "distribution" or "docker": where the engine shall come from.
    :param minimum_engine: oldest acceptable engine, such as "25.0".
    :param minimum_compose: oldest acceptable compose plugin.
    :returns: {"source": the one that is used, "missing": package names, "problems": sentences}; with problems the
        other two say nothing.
    """
    problems = _unusable(facts)
    if problems:
        return {"source": source, "missing": [], "problems": problems}
    packages = facts["packages"]
    there = [name for name, engine in _ENGINES.items() if engine in packages]
    chosen = _choose(facts, source, there)
    label = SYSTEMS[tuple(facts["system"])]
    if chosen == "distribution" and tuple(facts["system"]) == WITHOUT_COMPOSE_2:
        problems.append(
            f"docker_host_source is {source} and means the distribution's engine here, but {label} has only docker-compose 1: "
            f"{'remove docker.io and ' if there else ''}set docker_host_source to docker."
        )
    if there and chosen not in there:
        engine = _ENGINES[there[0]]
        problems.append(
            f"docker_host_source is {source}, but {engine} {packages[engine]} is installed: set docker_host_source to "
            f"{there[0]}, or remove {engine} first (its images and volumes stay in /var/lib/docker)."
        )
    if not problems:
        problems += _too_old("docker_host_minimum_engine", "engine", facts["engine_version"], minimum_engine)
        problems += _too_old("docker_host_minimum_compose", "compose plugin", facts["compose_version"], minimum_compose)
    wanted = {"distribution": _DISTRIBUTION[facts["system"][0]], "docker": _UPSTREAM, "existing": []}[chosen]
    return {"source": chosen, "missing": [name for name in wanted if name not in packages], "problems": problems}


def planned(facts, assessed, repository):
    """What the role docker_host does about what is missing, in the form that all modules share.

    :param facts: look()'s facts.
    :param assessed: assess()'s answer.
    :param repository: the address that Docker's packages shall come from, or nothing where another source is used.
    """
    if assessed["problems"]:
        return []
    changes = []
    if repository and facts["repository_url"] != repository:
        needed = [name for name in _FOR_REPOSITORY if name not in facts["packages"]]
        changes += [change("package", name, "install") for name in needed]
        changes.append(change("file", REPOSITORY_FILE, "change" if facts["repository_url"] else "create"))
    if facts["dpkg_interrupted"] and (changes or assessed["missing"]):
        changes.append(change("package", "dpkg", "finish"))
    changes += [change("package", name, "install") for name in assessed["missing"]]
    # The engine's package, when it is installed now, starts its service by itself.
    if not set(_ENGINES.values()) & set(assessed["missing"]) and not (facts["running"] and facts["enabled"]):
        why = [
            word for word, true in (("not running", facts["running"]), ("not enabled", facts["enabled"])) if not true
        ]
        changes.append(change("engine", "docker", "start", why))
    return changes


def _unusable(facts):
    problems = []
    if tuple(facts["system"]) not in SYSTEMS:
        found = " ".join(facts["system"]).strip() or "not named in /etc/os-release"
        problems.append(
            f"The operating system is {found}, but docker_host knows only {', '.join(SYSTEMS.values())}: use a host with one of these."
        )
    if facts["architecture"] not in ARCHITECTURES:
        problems.append(
            f"The processor is {facts['architecture']}, but docker_host knows only {' and '.join(ARCHITECTURES)}: use a host with one of these."
        )
    if not facts["systemd"]:
        problems.append(
            "The host does not run systemd, which docker_host needs to run the engine: boot it with systemd."
        )
    if not facts["root"]:
        problems.append("docker_host was not run as root: set become to true in the play, or connect as root.")
    return problems


def _choose(facts, source, there):
    if source != "auto":
        return source
    if there:
        return there[0]
    if facts["engine_version"] and facts["compose_version"]:
        return "existing"
    return "docker" if tuple(facts["system"]) == WITHOUT_COMPOSE_2 else "distribution"


def _too_old(variable, what, found, minimum):
    version = numbers(found)
    if not version or version >= numbers(minimum):
        return []
    shown = ".".join(map(str, version))
    return [
        f"The {what} is version {shown}, older than {variable} ({minimum}): upgrade it, or take it from a newer docker_host_source."
    ]
