# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One host of the test bed that carries the whole stack, and what a person does with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [path for path in [str(ROOT / "tools")] if path not in sys.path]

from site_access import ansible_playbook, playbook_command  # noqa: E402
from steps import Steps  # noqa: E402
from test_host import BED, prepare  # noqa: E402

_PLAYBOOKS = Path(__file__).resolve().parents[1] / "playbooks"
_CASE = "zz-case.yml"
_LIMIT_S = 1800
_HOST_STATE = Path(__file__).with_name("host_state.py")


@dataclass(frozen=True)
class Run:
    """What one call of ansible-playbook came to."""

    rc: int
    output: str
    seconds: float
    ledger: list[dict[str, Any]] = field(repr=False)

    @property
    def results(self) -> list[dict[str, Any]]:
        """The results of tasks that ran, one for each item of a loop."""
        return [entry for entry in self.ledger if entry["event"] not in ("start", "skipped")]

    @property
    def changed_tasks(self) -> list[str]:
        """The names of the tasks that changed something, or would."""
        return [entry["task"] for entry in self.results if entry["changed"]]

    @property
    def changes(self) -> list[dict[str, Any]]:
        """All `changes` of all modules; a foreign module that changed something counts as a change of kind task."""
        found = []
        for entry in self.results:
            if entry["changes"] is not None:
                found += entry["changes"]
            elif entry["changed"]:
                found.append({"kind": "task", "name": entry["task"], "action": "change", "why": []})
        return found

    @property
    def things(self) -> set[tuple[str, str, str]]:
        """The changes as (kind, name, action), to be compared."""
        return {(change["kind"], change["name"], change["action"]) for change in self.changes}

    @property
    def failures(self) -> list[str]:
        """The messages of failed and unreachable results."""
        return [str(entry["msg"]) for entry in self.results if entry["event"] in ("failed", "unreachable")]


class Stand:
    """A host of the test bed and the inventory of a site on it. The host is made, not yet converged."""

    def __init__(self, name: str) -> None:
        """Have the images, the host and its inventory."""
        self.name = name
        self.inventory = prepare(Steps(), name)
        self.address = self.bed("address", name).strip()
        self.play_variables({})

    def bed(self, *arguments: str) -> str:
        """Type a verb of the bed and return what it prints; a failure is an error."""
        done = subprocess.run(
            [BED, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False
        )
        assert done.returncode == 0, f"bed {' '.join(arguments)} ended with {done.returncode}: {done.stdout}"
        return done.stdout

    def on_host(self, script: str, *, check: bool = True) -> str:
        """Run a shell script as root on the host, by the bed's own way, and return what it prints, errors too."""
        done = subprocess.run(
            [BED, "run", self.name, "sh", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, f"{script!r} ended with {done.returncode}: {done.stdout}"
        return done.stdout

    def state(self) -> dict[str, Any]:
        """The host's whole state as host_state.py tells it, to be compared with truthbed.state."""
        done = subprocess.run(
            [BED, "run", self.name, "python3", "-"],
            input=_HOST_STATE.read_text(encoding="utf-8"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"host_state.py ended with {done.returncode}: {done.stderr}"
        return json.loads(done.stdout)

    def variables(self) -> dict[str, Any]:
        """The variables that the bed gives to all of its hosts."""
        return yaml.safe_load((self.inventory / "hosts.yml").read_text(encoding="utf-8"))["all"]["vars"]

    def play_variables(self, variables: dict[str, Any]) -> None:
        """Make these variables, and no others, part of the inventory besides what prepare() wrote."""
        (self.inventory / _CASE).write_text(json.dumps({"all": {"vars": variables}}), encoding="utf-8")

    def command(self, playbook: str, *extra: str) -> list[str]:
        """The command line that plays a playbook of the collection, or one of this folder's own."""
        own = _PLAYBOOKS / f"{playbook}.yml"
        if own.exists():
            return ansible_playbook(self.inventory, str(own), *extra)
        return playbook_command(self.inventory, playbook, *extra)

    def environment(self, ledger: str | Path) -> dict[str, str]:
        """The environment of a call whose results go to a ledger."""
        return {
            **os.environ,
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).resolve().parents[1] / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "ledger",
            "AISTACK_LEDGER": str(ledger),
            "ANSIBLE_NOCOLOR": "1",
        }

    def play(
        self,
        playbook: str = "site",
        *extra: str,
        variables: dict[str, Any] | None = None,
        env: dict[str, str] | None = None,
    ) -> Run:
        """Play a playbook (see command()) with an inventory that has these variables too; give --check and the like as extra.

        env: environment variables of Ansible besides those of environment().
        """
        self.play_variables(variables or {})
        with tempfile.NamedTemporaryFile() as ledger:
            began = time.monotonic()
            done = subprocess.run(
                self.command(playbook, *extra),
                cwd=ROOT,
                env={**self.environment(ledger.name), **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=_LIMIT_S,
                check=False,
            )
            seconds = time.monotonic() - began
            return Run(done.returncode, done.stdout, seconds, read_ledger(ledger.name))

    def converge(self, *extra: str, variables: dict[str, Any] | None = None) -> Run:
        """Play site.yml, which must succeed."""
        run = self.play("site", *extra, variables=variables)
        assert run.rc == 0, run.output[-6000:]
        return run


def read_ledger(path: str | Path) -> list[dict[str, Any]]:
    """What a run wrote down; the last line of one that was killed may be cut and is left out."""
    lines = Path(path).read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines]
