# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has of NVIDIA's driver and container toolkit, and what it lacks or forbids.

Private to the collection. look() only reads; assess() and planned() are pure.
"""

from __future__ import annotations

import glob
import os

from ansible_collections.selfhost.aistack.plugins.module_utils import _nvidia_cdi as cdi
from ansible_collections.selfhost.aistack.plugins.module_utils import _nvidia_driver as driver_rules
from ansible_collections.selfhost.aistack.plugins.module_utils import _nvidia_toolkit as toolkit
from ansible_collections.selfhost.aistack.plugins.module_utils._changes import LEFT, change
from ansible_collections.selfhost.aistack.plugins.module_utils._daemon_service import program
from ansible_collections.selfhost.aistack.plugins.module_utils._docker_host import ARCHITECTURES

REPOSITORY_FILE = "/etc/apt/sources.list.d/nvidia-container-toolkit.sources"
# Where the role puts files of packages while it installs them.
FILES_FOLDER = "/var/cache/aistack-nvidia"
PERSISTENCED = "nvidia-persistenced.service"
# A GPU that does not answer lets nvidia-smi wait for ever.
_PATIENCE = "60"
_LIBRARIES = (
    "usr/lib/{machine}-linux-gnu/libnvidia-ml.so.1",
    "usr/lib/{machine}-linux-gnu/nvidia/current/libnvidia-ml.so.1",
    "usr/lib64/libnvidia-ml.so.1",
    "usr/lib/libnvidia-ml.so.1",
)


def look(run, root="/"):
    """The facts about this host that assess() needs.

    :param run: the run_command of an AnsibleModule.
    :param root: the folder that stands for the host's root where files are read.
    """
    machine = os.uname().machine
    listed, smi_error = _said(run, "nvidia-smi", "-L")
    query = f"--query-gpu={driver_rules.QUERY}"
    queried = _said(run, "nvidia-smi", query, "--format=csv,noheader")[0] if listed else ""
    packages, held = _packages(run)
    specs, unreadable = _specs(root)
    return {
        "apt_architecture": ARCHITECTURES.get(machine, ""),
        "apt": program("apt-get") is not None,
        "root": os.geteuid() == 0,
        "driver": {
            "loaded": driver_rules.loaded_version(_texts(root, "proc/driver/nvidia/version")),
            "installed": _installed_driver(root, machine),
            "on_disk": _said(run, "modinfo", "--field", "version", "nvidia")[0].strip(),
        },
        "gpus": driver_rules.gpus(listed, queried),
        "smi_error": smi_error,
        "minors": driver_rules.minors(_texts(root, "proc/driver/nvidia/gpus/*/information")),
        # Without it no program can use CUDA. nvidia-modprobe makes it, and nothing else at boot.
        "uvm": os.path.exists(os.path.join(root, "dev/nvidia-uvm")),
        "packages": packages,
        "held": held,
        "sources": toolkit.source_uris(
            _texts(root, "etc/apt/sources.list", "etc/apt/sources.list.d/*.list"),
            _texts(root, "etc/apt/sources.list.d/*.sources"),
            ARCHITECTURES.get(machine, ""),
        ),
        "dpkg_interrupted": any(path.rpartition("/")[2].isdigit() for path in _paths(root, "var/lib/dpkg/updates/*")),
        "config": _texts(root, toolkit.CONFIG_FILE),
        "cdi": specs,
        "cdi_unreadable": unreadable,
        "files_left": bool(_paths(root, FILES_FOLDER)),
        "persistenced": _unit(run, PERSISTENCED),
    }


def _said(run, name, *arguments):
    """(what a program prints, or '' if it is missing or fails; in that case, the first line of its complaint)."""
    path = program(name)
    if path is None:
        return "", f"{name} is not installed"
    code, out, err = run([program("timeout"), _PATIENCE, path, *arguments], environ_update={"LC_ALL": "C"})
    if code == 0:
        return out, ""
    lines = (out + err).strip().splitlines()
    return "", lines[0].strip().rstrip(".") if lines else f"it ended with status {code}"


def _packages(run):
    """({name: version} of the toolkit's installed packages, the names of those that are on hold)."""
    shape = "${Package}\t${Version}\t${db:Status-Status}\t${db:Status-Want}\n"
    path = program("dpkg-query")
    # It fails where it does not know one of the names, and tells of the others all the same.
    out = run([path, "--show", "--showformat", shape, *toolkit.PACKAGES])[1] if path else ""
    rows = [line.split("\t") for line in out.splitlines()]
    packages = {name: version for name, version, status, _want in rows if status == "installed"}
    return packages, sorted(name for name, _version, _status, want in rows if want == "hold" and name in packages)


def _installed_driver(root, machine):
    """The version of the driver's libraries, from where libnvidia-ml.so.1 leads."""
    for pattern in _LIBRARIES:
        path = os.path.join(root, pattern.format(machine=machine))
        if os.path.exists(path):
            return driver_rules.library_version(os.path.realpath(path))
    return ""


def _specs(root):
    """({path: specification}, {path: why it cannot be read}); of other vendors' files the latter says nothing."""
    specs, unreadable = {}, {}
    for folder in cdi.FOLDERS:
        for ending in ("json", "yaml"):
            for path in _paths(root, f"{folder}/*.{ending}"):
                text, name = _text(path), os.path.join(folder, os.path.basename(path))
                try:
                    specs[name] = cdi.parse(text)
                except cdi.SpecError as exc:
                    if "nvidia.com" in text:
                        unreadable[name] = str(exc)
    return specs, unreadable


def _unit(run, name):
    """{"installed", "enabled", "active"} of a unit; one that is enabled in another way than by us counts as enabled."""
    shown = _said(run, "systemctl", "show", name, "--property=LoadState,ActiveState")[0].splitlines()
    # What show tells of that is what systemd saw when it last read its units.
    path = program("systemctl")
    state = run([path, "is-enabled", name])[1].strip() if path else ""
    return {
        "installed": "LoadState=loaded" in shown,
        "enabled": state != "disabled",
        # Where udev or another unit starts it, it comes and goes with these.
        "active": "ActiveState=active" in shown or state == "static",
    }


def _paths(root, pattern):
    return sorted(glob.glob(os.path.join(root, pattern.lstrip("/"))))


def _text(path):
    """A text file's content, or nothing if it is not there."""
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except FileNotFoundError:
        return ""


def _texts(root, *patterns):
    return "\n".join(_text(path) for pattern in patterns for path in _paths(root, pattern))


def assess(facts, wanted):
    """What this host needs and why it cannot be used, from look()'s facts.

    :param wanted: {"minimum_driver", "driver_packages", "driver_version", "toolkit_version", "repository": address of its packages or '', "accept_envvar",
        "persistence"}.
    :returns: {"problems": sentences, "install_driver": packages, "install": packages, "hold": packages, "repository": the address that apt lacks or '',
        "config": whether the toolkit's file is to be changed, "cdi": why the specification is to be made,
        "leftovers": {path: why} of what is to be removed, "persistence": what to do with the unit}; with problems the others are empty.
    """
    nothing = {
        "install_driver": [],
        "install": [],
        "hold": [],
        "repository": "",
        "config": False,
        "cdi": [],
        "leftovers": {},
        "persistence": [],
    }
    driver = wanted["driver_packages"] if driver_rules.is_absent(facts["driver"]) else []
    problems = _unusable(facts) or [
        *([] if driver else driver_rules.problems(facts["driver"], facts["gpus"], facts["smi_error"], wanted)),
        *toolkit.problems(facts["packages"], wanted["toolkit_version"]),
        *cdi.problems(facts["cdi"], facts["cdi_unreadable"]),
    ]
    if problems:
        return {"problems": problems, **nothing}
    install = toolkit.to_install(facts["packages"], wanted["toolkit_version"])
    spec = facts["cdi"].get(cdi.OWN)
    unit = facts["persistenced"]
    leftovers = dict.fromkeys(cdi.leftovers(facts["cdi"]), f"{cdi.OWN} stands for it")
    if facts["files_left"]:
        leftovers[FILES_FOLDER] = LEFT
    return {
        "problems": [],
        "install_driver": driver,
        "install": install,
        "hold": [name for name in toolkit.PACKAGES if name not in facts["held"]],
        "repository": wanted["repository"] if install and wanted["repository"] not in facts["sources"] else "",
        "config": toolkit.takes_devices_from_environment(facts["config"]) != wanted["accept_envvar"],
        "cdi": _why_cdi(facts, spec, driver),
        "leftovers": leftovers,
        "persistence": [state for state in ("enabled", "active") if unit["installed"] and not unit[state]]
        if wanted["persistence"]
        else [],
    }


def _why_cdi(facts, spec, driver):
    if not spec:
        return ["missing"]
    return ["another driver"] if driver else cdi.stale(spec, facts["driver"]["installed"], facts["gpus"])


def _unusable(facts):
    problems = []
    if not facts["apt"] or not facts["apt_architecture"]:
        problems.append(
            "nvidia_runtime installs Debian packages for amd64 or arm64, and this host takes none of these: use Debian or Ubuntu on such a"
            " processor."
        )
    if not facts["root"]:
        problems.append("nvidia_runtime was not run as root: set become to true in the play, or connect as root.")
    return problems


def planned(facts, assessed):
    """What the role nvidia_runtime does about what is missing, in the form that all modules share."""
    changes = []
    if assessed["repository"]:
        changes.append(change("file", REPOSITORY_FILE, "create"))
    if (assessed["install"] or assessed["install_driver"]) and facts["dpkg_interrupted"]:
        changes.append(change("package", "dpkg", "finish"))
    changes += [change("package", name, "install") for name in assessed["install_driver"]]
    for name in assessed["install"]:
        there = facts["packages"].get(name)
        changes.append(change("package", name, "change" if there else "install", [f"version {there}"] if there else []))
    changes += [change("package", name, "hold") for name in assessed["hold"]]
    if assessed["config"]:
        action = "change" if facts["config"] else "create"
        changes.append(change("file", toolkit.CONFIG_FILE, action, [toolkit.ENVVAR_KEY]))
    if assessed["cdi"]:
        there = cdi.OWN in facts["cdi"]
        changes.append(change("file", cdi.OWN, "change" if there else "create", assessed["cdi"] if there else []))
    changes += [change("file", path, "remove", [why]) for path, why in assessed["leftovers"].items()]
    if assessed["persistence"]:
        why = [f"not {state}" for state in assessed["persistence"]]
        changes.append(change("unit", PERSISTENCED, "start", why))
    return changes
