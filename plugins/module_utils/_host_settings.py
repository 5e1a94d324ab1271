# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel settings, now and after a boot, small files and units of a host, all compared in one go.

Private to the collection.
"""

from __future__ import annotations

import os
import re
import stat

from ansible_collections.selfhost.aistack.plugins.module_utils import _files
from ansible_collections.selfhost.aistack.plugins.module_utils._changes import LEFT, change, verb
from ansible_collections.selfhost.aistack.plugins.module_utils._daemon_service import is_off
from ansible_collections.selfhost.aistack.plugins.module_utils._diff import DifferenceTracker
from ansible_collections.selfhost.aistack.plugins.module_utils._docker import Docker
from ansible_collections.selfhost.aistack.plugins.module_utils._host_units import Unit
from ansible_collections.selfhost.aistack.plugins.module_utils._nvidia_holders import (
    container_name,
    loses_gpus_on_reload,
    running,
)

_NAME = re.compile(r"[A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)+")


class SettingsError(Exception):
    """A setting that cannot be; the text is one sentence."""


def settings_argument_spec():
    """The options of host_settings."""
    return {
        "sysctls": {"type": "dict", "default": {}},
        "optional_sysctls": {"type": "list", "elements": "str", "default": []},
        "sysctl_file": {"type": "path", "default": "/etc/sysctl.d/90-aistack.conf"},
        "files": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {"path": {"type": "path", "required": True}, "content": {"type": "str"}},
        },
        "units": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "name": {"type": "str", "required": True},
                "wanted": {"type": "bool", "default": True},
                "files": {"type": "list", "elements": "path", "default": []},
                "check": {"type": "list", "elements": "str", "required": True},
            },
        },
    }


class HostSettings:
    """What a host shall have.

    :param sysctls: {name: value} of kernel settings.
    :param optional: the names among them that are left out where the kernel does not let them be set.
    :param sysctl_file: the file that sets them at boot; it belongs to this module alone.
    :param files: {path: content, or None for a file that shall not be there}.
    :param units: a list of _host_units.Unit.
    :param proc: the folder of the kernel's settings.
    """

    def __init__(self, sysctls, optional, sysctl_file, files, units=(), proc="/proc/sys"):
        self._proc = proc
        self._units = units
        self.absent = []
        self._sysctls = {}
        for name in sorted(sysctls):
            if not _NAME.fullmatch(name):
                raise SettingsError(
                    f"sysctls has the name '{name}', but a name is like vm.overcommit_memory: correct it."
                )
            if self._can_be_set(name):
                self._sysctls[name] = _plain(sysctls[name])
            elif name in optional:
                self.absent.append(name)
            else:
                raise SettingsError(
                    f"sysctls has {name}, which this host's kernel ({os.uname().release}) does not let be set: correct the name or take it out."
                )
        self._files = dict(files)
        self._files[sysctl_file] = self._boot_file()

    @classmethod
    def of(cls, options, run):
        """From the options of host_settings; `run` is the run_command of an AnsibleModule."""
        files = {entry["path"]: entry["content"] for entry in options["files"]}
        units = [Unit(run, spec, lambda: _losers_of_gpus(run)) for spec in options["units"]]
        return cls(options["sysctls"], options["optional_sysctls"], options["sysctl_file"], files, units)

    def converge(self, check=False):
        """Do what is missing, or only tell it. Returns the module's result; SettingsError if the kernel refuses a value."""
        differences = DifferenceTracker()
        kernel = [name for name, value in self._sysctls.items() if differences.add(name, self._present(name), value)]
        files = [path for path, content in sorted(self._files.items()) if differences.add(path, _text(path), content)]
        units = [unit for unit in self._units if differences.add(unit.name, unit.state(files), unit.goal)]
        for unit in units:
            unit.refuse_where_gpus_are_lost(files)
        left = [path for folder in self._folders() for path in _files.half_written(folder)]
        changes = [change("leftover", path, "remove", [LEFT]) for path in left]
        changes += [change("sysctl", name, "change") for name in kernel]
        changes += [change("file", path, verb(_text(path), self._files[path])) for path in files]
        changes += [change("unit", unit.name, "start" if unit.wanted else "remove") for unit in units]
        if not check:
            _files.remove(left)
            for name in kernel:
                self._set(name)
            for unit in units:
                if not unit.wanted:
                    unit.end()
            for path in files:
                _put(path, self._files[path])
            for unit in units:
                if unit.wanted:
                    unit.start()
        return {
            "changed": bool(changes),
            "changes": changes,
            "sysctls": kernel,
            "absent": self.absent,
            "files": files,
            "healed": left,
            "warnings": [f"{path} was left half-written by a run that was cut off, and is removed." for path in left],
            "units": [unit.name for unit in units],
            "diff": differences.diff,
        }

    def _folders(self):
        return sorted({os.path.dirname(path) for path in self._files})

    def _place(self, name):
        return os.path.join(self._proc, name if "/" in name else name.replace(".", "/"))

    def _can_be_set(self, name):
        """A kernel lacks some settings, and shows some of the others only to read (in a container's network, for example)."""
        try:
            return bool(os.stat(self._place(name)).st_mode & stat.S_IWUSR)
        except FileNotFoundError:
            return False

    def _boot_file(self):
        if not self._sysctls:
            return None
        lines = [f"{name} = {value}\n" for name, value in self._sysctls.items()]
        return "# Written by selfhost.aistack.host_settings; changes by hand are lost.\n" + "".join(lines)

    def _present(self, name):
        with open(self._place(name), encoding="utf-8") as handle:
            return _plain(handle.read())

    def _set(self, name):
        value = self._sysctls[name]
        try:
            with open(self._place(name), "w", encoding="utf-8") as handle:
                handle.write(value)
        except OSError as exc:
            raise SettingsError(
                f"sysctls has {name}={value}, which the kernel refuses ({exc.strerror}): use a value that it takes, or take it out."
            ) from exc
        if self._present(name) != value:
            raise SettingsError(
                f"sysctls has {name}={value}, but the kernel made it {self._present(name)}: use a value that it keeps."
            )


def _losers_of_gpus(run):
    # systemd would start an engine that is off if its socket were asked.
    containers = running(Docker(timeout=30, off=is_off(run)))
    return sorted(container_name(each) for each in containers if loses_gpus_on_reload(each))


def _plain(value):
    return " ".join(str(value).split())


def _text(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except FileNotFoundError:
        return None


def _put(path, content):
    if content is None:
        os.unlink(path)
        return
    os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
    _files.write(path, content.encode())
