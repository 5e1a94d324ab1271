# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd units that set something on a host once, and whether what they set is still so.

Private to the collection.
"""

from __future__ import annotations

IN_EFFECT = "in effect"
NOT_IN_EFFECT = "not in effect"
REMOVED = "removed"
_LOG_LINES = "5"


class UnitError(Exception):
    """A unit that systemd cannot start or end; the text is one sentence."""


class Unit:
    """One unit of the host.

    :param run: the run_command of an AnsibleModule.
    :param spec: name; wanted, whether it shall be there; files, the paths of what it is made of; check, a command that
        succeeds exactly when the unit starts at boot and what it sets is so now.
    """

    def __init__(self, run, spec):
        self._run = run
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

    def start(self):
        """Have its files read, start it anew, and have it start at boot."""
        self._must("daemon-reload", named=False)
        self._must("enable")
        self._must("reload-or-restart")
        if self._run(self._check)[0] != 0:
            raise UnitError(
                f"The unit {self.name} was started, but what it sets is not so: look for another program that sets the same."
            )

    def end(self):
        """Take back what it sets, now and for the next boot. Its files are still there."""
        self._must("disable")
        self._must("stop")

    def _must(self, verb, named=True):
        code, out, err = self._systemctl(verb, named)
        if code != 0:
            told = self._run(["journalctl", "--unit", self.name, "--lines", _LOG_LINES, "--no-pager", "--output=cat"])[
                1
            ]
            reason = " | ".join(
                line.strip() for line in (err or out or told).splitlines() + told.splitlines() if line.strip()
            )
            raise UnitError(f"systemctl {verb} failed for the unit {self.name}: {reason}")

    def _systemctl(self, verb, named=True):
        return self._run(["systemctl", verb, *([self.name] if named else [])])
