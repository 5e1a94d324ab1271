# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd units that set something on a host once, and whether what they set is still so.

Private to the collection.
"""

from __future__ import annotations

import os

IN_EFFECT = "in effect"
NOT_IN_EFFECT = "not in effect"
REMOVED = "removed"
_LOG_LINES = "5"
# The links alone are made or removed. With --no-reload instead systemd says of every unit that it has to be read anew.
_OFFLINE = "--root=/"


class UnitError(Exception):
    """A unit that systemd cannot start or end; the text is one sentence."""


class Unit:
    """One unit of the host.

    :param run: the run_command of an AnsibleModule.
    :param spec: name; wanted, whether it shall be there; files, the paths of what it is made of; check, a command that
        succeeds exactly when the unit starts at boot and what it sets is so now.
    :param losers: tells the names of the containers that lose their GPUs when systemd reads its units anew.
    """

    def __init__(self, run, spec, losers=list):
        self._run = run
        self._losers = losers
        self.name = spec["name"]
        self.wanted = spec["wanted"]
        self._files = set(spec["files"])
        self._check = spec["check"]

    @property
    def goal(self):
        """The state that the unit shall have."""
        return IN_EFFECT if self.wanted else REMOVED

    def state(self, changed_files):
        """The state that it has; changed_files: the paths that are written anew or removed."""
        if not self.wanted:
            known = [self._systemctl(verb)[0] == 0 for verb in ("is-enabled", "is-active")]
            return IN_EFFECT if any(known) else REMOVED
        if self._files & set(changed_files) or self._run(self._check)[0] != 0:
            return NOT_IN_EFFECT
        return IN_EFFECT

    def refuse_where_gpus_are_lost(self, changed_files):
        """UnitError if systemd would have to read its units anew while containers lose their GPUs by that.

        Before anything is written. A unit's own file that is not there yet is read without that.
        """
        own = [path for path in self._files & set(changed_files) if os.path.basename(path) == self.name]
        if self.wanted and (any(map(os.path.exists, own)) or self._is_read_amiss()):
            self._keep_gpus()

    def start(self):
        """Have its files read, start it anew, and have it start at boot."""
        # Only where it must be: all other units are read anew with it.
        if self._is_read_amiss():
            self._keep_gpus()
            self._must("daemon-reload", named=False)
        self._must("enable", _OFFLINE)
        self._must("reload-or-restart")
        if self._run(self._check)[0] != 0:
            raise UnitError(
                f"The unit {self.name} was started, but what it sets is not so: look for another program that sets the same."
            )

    def end(self):
        """Take back what it sets, now and for the next boot. Its files are still there."""
        self._must("disable", _OFFLINE)
        self._must("stop")

    def _is_read_amiss(self):
        """Whether systemd knows the unit by a file that is another one by now."""
        return "NeedDaemonReload=yes" in self._systemctl("show", "--property=NeedDaemonReload")[1]

    def _keep_gpus(self):
        losers = self._losers()
        if losers:
            raise UnitError(
                f"The containers {', '.join(losers)} have GPUs by NVIDIA's hook and would lose them, since systemd has to read its units"
                f" anew for {self.name}: stop them, or give them their GPUs by CDI (driver: cdi), and run this again."
            )

    def _must(self, verb, *options, named=True):
        code, out, err = self._systemctl(verb, *options, named=named)
        if code != 0:
            told = self._run(["journalctl", "--unit", self.name, "--lines", _LOG_LINES, "--no-pager", "--output=cat"])[
                1
            ]
            reason = " | ".join(
                line.strip() for line in (err or out or told).splitlines() + told.splitlines() if line.strip()
            )
            raise UnitError(f"systemctl {verb} failed for the unit {self.name}: {reason}")

    def _systemctl(self, verb, *options, named=True):
        return self._run(["systemctl", verb, *options, *([self.name] if named else [])])
