# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that are cut off at a place that is given: where there are such places, and the deed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .stand import BED, ROOT, Run, Stand, read_ledger
from .state import settled

_ONHOST = Path(__file__).resolve().parents[1] / "onhost"
_FOLDER = "/run/aistack-cut"
_HOOK = "/usr/local/lib/python3*/dist-packages"
# How long a run may take to notice the deed, until it is ended as an impatient person would.
_PATIENCE_S = 120.0
_UNDISTURBED_S = 1800.0
_CUT_S = 900.0
# How long the host's network stays cut, if the run does not end before.
_PLUG_S = 3.0

#: What else is done at an effect than to kill the process on the host: to ansible-playbook with all its processes, to the ssh
#: connection, the engine, a container, the host's network, the host's power.
OUTSIDE = ("controller", "engine", "container", "ssh", "network", "power")


@dataclass(frozen=True)
class Point:
    """A place at which a run is cut, and what is done there.

    kind: task (the controller is killed when task `number` starts), effect (of our code on the host) or event (of the engine, while
    `docker compose` runs). deed: kill, for the process on the host, or one of OUTSIDE.
    """

    kind: str
    number: int
    deed: str
    label: str

    def __str__(self) -> str:
        return f"{self.kind} {self.number} ({self.label}): {self.deed}"


@dataclass(frozen=True)
class Counted:
    """The places of one undisturbed run, as labels in their order."""

    task: list[str]
    effect: list[str]
    event: list[str]

    def points(self) -> list[Point]:
        """Every cut there is: each task, each event of the engine, each effect, and each program and request by another deed in turn.

        Left out are changes of an open file that has no name in use yet: cutting there leaves what cutting at its rename leaves.
        """
        points = [Point("task", number, "controller", label) for number, label in enumerate(self.task, 1)]
        points += [Point("event", number, "kill", label) for number, label in enumerate(self.event, 1)]
        for number, label in enumerate(self.effect, 1):
            if not re.fullmatch(r"(chmod|chown) \d+", label):
                points.append(Point("effect", number, "kill", label))
            if label.startswith(("run ", "send ")):
                points.append(Point("effect", number, OUTSIDE[number % len(OUTSIDE)], label))
        return points

    def draw(self, kind: str, deed: str, chance: random.Random) -> Point:
        """Any one cut of a kind by a deed."""
        labels = getattr(self, kind)
        number = chance.randrange(len(labels))
        return Point(kind, number + 1, deed, labels[number])


class Cutter:
    """Plays site.yml on a stand and cuts it off. `with` it, the host has the hook that counts and cuts."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand

    def __enter__(self) -> Cutter:
        for name in ("aistack_cut.py", "engine_events.py"):
            self._put((_ONHOST / name).read_text(encoding="utf-8"), f"/usr/local/lib/aistack-cut/{name}")
        # Beside the packages of the host's Python, so that it is found whoever starts it and with whichever environment.
        line = "import sys; sys.path.append('/usr/local/lib/aistack-cut'); import aistack_cut; aistack_cut.start()"
        self.stand.on_host(f'for folder in {_HOOK}; do echo "{line}" > "$folder/aistack-cut.pth"; done')
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stand.bed("power", self.stand.name, "on")
        self.stand.on_host(f"rm -rf {_FOLDER} /usr/local/lib/aistack-cut {_HOOK}/aistack-cut.pth")

    def _put(self, text: str, path: str) -> None:
        command = [BED, "run", self.stand.name, "sh", "-c", 'mkdir -p "${0%/*}"; cat > "$0"', path]
        subprocess.run(command, input=text, text=True, check=True)

    def count(self, variables: dict[str, Any]) -> Counted:
        """Play site.yml undisturbed, which must succeed, and tell the places at which it could have been cut."""
        self._arm(0, "none")
        with self._watching(0):
            run = self._play(variables, 0, None, _UNDISTURBED_S)
        assert run.rc == 0, run.output[-6000:]
        effects = [json.loads(line)["label"] for line in self._read("log")]
        counted = Counted(
            [entry["task"] for entry in run.ledger if entry["event"] == "start"], effects, self._read("events")
        )
        self._disarm()
        return counted

    def cut(self, variables: dict[str, Any], point: Point) -> bool:
        """Play site.yml and cut it at a point; tell whether it came there. Afterwards the host is up and reached, and nobody waits."""
        outside = point.kind == "effect" and point.deed != "kill"
        self._arm(point.number if point.kind == "effect" else 0, "wait" if outside else point.deed)
        with self._watching(point.number) if point.kind == "event" else contextlib.nullcontext():
            task = point.number if point.kind == "task" else 0
            self._play(variables, task, self._deed(point) if outside else None, _CUT_S)
        reached = point.kind == "task" or self._was_reached(point)
        self._disarm()
        return reached

    def _disarm(self) -> None:
        self.stand.on_host(f"rm -rf {_FOLDER}")

    def _was_reached(self, point: Point) -> bool:
        if self.stand.on_host(f"cat {_FOLDER}/plan", check=False).startswith("cat:"):
            # A host whose power was cut has lost what was in its memory, and that is proof enough.
            return True
        return len(self._read("events" if point.kind == "event" else "log")) >= point.number

    def _arm(self, number: int, deed: str) -> None:
        plan = json.dumps({"number": number, "deed": deed})
        self.stand.on_host(f"rm -rf {_FOLDER}; mkdir {_FOLDER}; touch {_FOLDER}/log {_FOLDER}/events")
        self._put(plan, f"{_FOLDER}/plan")

    def _read(self, name: str) -> list[str]:
        return self.stand.on_host(f"cat {_FOLDER}/{name}").splitlines()

    @contextlib.contextmanager
    def _watching(self, number: int):
        """Count the engine's events meanwhile, and cut at the one of this number."""
        script = f"python3 /usr/local/lib/aistack-cut/engine_events.py {number}"
        command = [BED, "run", self.stand.name, "sh", "-c", script]
        watcher = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        try:
            self.stand.on_host(f"until [ -e {_FOLDER}/watching ]; do sleep 0.05; done")
            yield
        finally:
            watcher.kill()
            watcher.wait()

    def _play(
        self,
        variables: dict[str, Any],
        task: int,
        deed: Callable[[subprocess.Popen[bytes]], None] | None,
        limit_s: float,
    ) -> Run:
        """One run of site.yml in a session of its own. `task`: at which it is killed. `deed`: done when an effect is reached."""
        self.stand.play_variables(variables)
        with tempfile.NamedTemporaryFile() as ledger, tempfile.NamedTemporaryFile() as output:
            environment = self.stand.environment(ledger.name)
            if task:
                environment.update(ANSIBLE_CALLBACKS_ENABLED="ledger,cut", AISTACK_CUT_TASK=str(task))
            began = time.monotonic()
            run = subprocess.Popen(
                self.stand.command("site"), cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            try:
                if deed and self._await_effect(run):
                    deed(run)
                    limit_s = _PATIENCE_S
                with contextlib.suppress(subprocess.TimeoutExpired):
                    run.wait(limit_s)
            finally:
                kill_tree(run.pid)
                run.wait()
            told = Path(output.name).read_text(encoding="utf-8", errors="replace")
            return Run(run.returncode, told, time.monotonic() - began, read_ledger(ledger.name))

    def _await_effect(self, run: subprocess.Popen[bytes]) -> bool:
        """Wait until the effect is reached or the run has ended; tell which."""
        script = f"until [ -e {_FOLDER}/reached ]; do sleep 0.05; done"
        command = [BED, "run", self.stand.name, "sh", "-c", script]
        waiter = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        try:
            while waiter.poll() is None and run.poll() is None:
                time.sleep(0.05)
            return waiter.poll() == 0
        finally:
            waiter.kill()
            waiter.wait()

    def _deed(self, point: Point) -> Callable[[subprocess.Popen[bytes]], None]:
        """What is done to a run from outside while the process on the host stands before its effect."""
        stand = self.stand

        def go_on() -> None:
            stand.on_host(f"touch {_FOLDER}/go")

        def controller(run: subprocess.Popen[bytes]) -> None:
            kill_tree(run.pid)
            go_on()

        def ssh(_run: subprocess.Popen[bytes]) -> None:
            stand.on_host("pkill -KILL -u ops sshd")
            go_on()

        def engine(_run: subprocess.Popen[bytes]) -> None:
            stand.on_host("systemctl kill --signal=KILL docker.service", check=False)
            go_on()

        def container(_run: subprocess.Popen[bytes]) -> None:
            running = stand.on_host("docker ps --quiet --filter name=aistack_ | sort").split()
            if running:
                victim = running[point.number % len(running)]
                stand.on_host(f"kill -9 $(docker inspect --format '{{{{.State.Pid}}}}' {victim})", check=False)
            go_on()

        def network(run: subprocess.Popen[bytes]) -> None:
            stand.bed("cut", stand.name)
            go_on()
            with contextlib.suppress(subprocess.TimeoutExpired):
                run.wait(_PLUG_S)
            stand.bed("heal", stand.name)

        def power(_run: subprocess.Popen[bytes]) -> None:
            stand.bed("power", stand.name, "off")
            stand.bed("power", stand.name, "on")

        return {
            "controller": controller, "ssh": ssh, "engine": engine, "container": container, "network": network, "power": power,
        }[point.deed]  # fmt: skip


def kill_tree(pid: int) -> None:
    """SIGKILL a process and all that descend from it, wherever their sessions are; stopped first, so that none is missed."""
    tree = [pid]
    for parent in tree:
        with contextlib.suppress(ProcessLookupError):
            os.kill(parent, signal.SIGSTOP)
        tree += _children(parent)
    for member in tree:
        with contextlib.suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def comparable(state: dict[str, Any]) -> dict[str, Any]:
    """A state with the present release of each app as "newest" and without older ones; jobs that end by themselves left out.

    Two ways to the same site may have taken different numbers of changes, and have begun with different releases.
    """
    state = settled(state)
    kept = {}
    current = {}
    for path, entry in state["files"].items():
        match = re.fullmatch(r"/opt/aistack/([^/]+)/state\.json", path)
        if match:
            current[match[1]] = int(re.match(r"number (\d+)", entry[0])[1])
    for path, entry in state["files"].items():
        match = re.fullmatch(r"/opt/aistack/([^/]+)/releases/(\d+)(.*)", path)
        if match:
            if int(match[2]) < current.get(match[1], 0):
                continue
            path = f"/opt/aistack/{match[1]}/releases/newest{match[3]}"
        if not path.startswith("/run/aistack/"):
            kept[path] = [re.sub(r"^number \d+, ", "", entry[0]), *entry[1:]]
    left = [path for path in state["leftovers"] if not path.startswith("/run/aistack/")]
    return dict(state, files=kept, leftovers=left)
