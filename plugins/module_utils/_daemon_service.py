# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine as a systemd service: which process runs, since when, with which flags; reload it, restart it.

Private to the collection.
"""

from __future__ import annotations

import os
import shutil
import time

from ansible_collections.selfhost.aistack.plugins.module_utils._docker import Docker, DockerError

UNIT = "docker.service"
_ON = ("active", "reloading", "activating")
_TIMED_OUT = 124  # the exit status of timeout(1)


class ServiceError(Exception):
    """The engine did not do what it was asked; the text is one sentence."""


class EngineService:
    """Docker's systemd unit.

    :param run: the run_command of an AnsibleModule.
    :param timeout: seconds that any one command (the restart is the longest) may take.
    """

    def __init__(self, run, timeout):
        self._run_command = run
        self._timeout = timeout

    def _run(self, *argv):
        """Run one command in the C locale; returns (rc, stdout, stderr). ServiceError if it hangs."""
        limited = [program("timeout"), str(self._timeout), *argv]
        rc, out, err = self._run_command(limited, environ_update={"LC_ALL": "C", "LANGUAGE": "C"})
        if rc == _TIMED_OUT:
            raise ServiceError(f"{' '.join(argv)} did not end within {self._timeout} s")
        return rc, out, err

    def status(self):
        """{"daemon": identity of the running process or None, "started": its start in epoch seconds, "flags": its argv}."""
        systemctl = program("systemctl")
        if systemctl is None:
            raise ServiceError(
                "There is no systemctl on this host, so the engine's state cannot be known: use a host that runs systemd."
            )
        _rc, out, _err = self._run(systemctl, "show", UNIT, "--property=MainPID,ActiveState")
        shown = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
        pid = shown.get("MainPID", "0")
        if shown.get("ActiveState") not in ("active", "reloading") or pid == "0":
            return {"daemon": None, "started": None, "flags": []}
        return process(pid)

    def validate(self, path, target, flags):
        """Let dockerd itself check the file at `path` with the flags that the unit gives it. Does nothing where there is no dockerd.

        :param target: the file's name in messages.
        """
        dockerd = program("dockerd")
        if dockerd is None:
            return
        rc, out, err = self._run(dockerd, *other_flags(flags, target), "--validate", "--config-file", path)
        if rc != 0 and "unknown flag: --validate" not in err:
            lines = [line.strip() for line in (err or out).splitlines() if line.strip()]
            reason = lines[-1] if lines else f"exit status {rc}"
            raise ServiceError(
                f"dockerd refuses the configuration ({reason.replace(path, target)}): correct config; {target} is as it was."
            )

    def reload(self):
        """Let the engine reread its file. It does so a moment after the signal."""
        self._systemctl("reload")

    def restart(self):
        """Restart the engine and wait until it serves; its failures of the past do not count against it."""
        self._systemctl("reset-failed")
        self._systemctl("restart")

    def _systemctl(self, verb):
        rc, _out, _err = self._run(program("systemctl"), verb, UNIT)
        if rc != 0:
            raise ServiceError(f"systemctl {verb} {UNIT} failed ({self.last_words()})")

    def live_restore(self):
        """Whether the running engine keeps its containers over a restart of its own."""
        try:
            return bool(Docker(timeout=30).get("/info").get("LiveRestoreEnabled"))
        except DockerError as exc:
            raise ServiceError(str(exc).rstrip(".")) from exc

    def reload_live_restore(self):
        """Switch live-restore on in the running engine, so that the restart that follows spares the containers."""
        self.reload()
        deadline = time.monotonic() + 10
        while not self.live_restore():
            if time.monotonic() > deadline:
                raise ServiceError(f"the engine did not take live-restore within 10 s ({self.last_words()})")
            time.sleep(0.05)

    def last_words(self):
        """What the engine itself logged last."""
        journalctl = program("journalctl")
        if journalctl is None:
            return "no journal"
        _rc, out, _err = self._run(
            journalctl, "--unit", UNIT, "--identifier", "dockerd", "--lines", "1", "--no-pager", "--output", "cat"
        )
        return out.strip() or "nothing in the journal"


def program(name):
    """A program's path, also where PATH leaves out the sbin folders; None if it is not installed."""
    return shutil.which(name, path=os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/local/sbin:/usr/sbin:/sbin")


def is_off(run):
    """Whether the engine is a service of this host that does not run. `run` is the run_command of an AnsibleModule.

    Its socket may be there all the same: systemd then starts the engine at the first question.
    """
    systemctl = program("systemctl")
    if systemctl is None:
        return False
    _rc, out, _err = run([systemctl, "show", UNIT, "--property=LoadState,ActiveState"])
    shown = set(out.split())
    return "LoadState=loaded" in shown and not shown & {f"ActiveState={state}" for state in _ON}


def process(pid):
    """Identity, start and arguments of a process. The identity changes with every start and every boot."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as handle:
        ticks = int(handle.read().rpartition(")")[2].split()[19])
    with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as handle:
        boot = handle.read().strip()
    with open(f"/proc/{pid}/cmdline", "rb") as handle:
        argv = [part.decode("utf-8", "replace") for part in handle.read().split(b"\0") if part]
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return {"daemon": f"{boot}:{pid}:{ticks}", "started": time.time() - age, "flags": argv[1:]}


def other_flags(flags, target):
    """The engine's flags without its configuration file. ServiceError if that is another file than ours."""
    kept = []
    flags = iter(flags)
    for flag in flags:
        name, equals, value = flag.partition("=")
        if name != "--config-file":
            kept.append(flag)
            continue
        value = value if equals else next(flags, "")
        if value != target:
            raise ServiceError(
                f"The running engine was started with --config-file {value}, not {target}: set path to {value}."
            )
    return kept
