# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Docker engine: the one that is there, or Debian's, installed and started by hand where no init system runs."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from . import packages
from .paths import LABEL, STATE
from .say import BedError, say, step
from .shell import alone, logged, works

_SOCKET = Path("/var/run/docker.sock")
_PID_FILE = Path("/var/run/docker.pid")
_START_BUDGET_S = 60.0


@functools.cache
def docker() -> str:
    """Return the path of the docker command line program."""
    found = shutil.which("docker")
    if not found:
        raise BedError("No docker command is on PATH; run 'bed up' as root once, or install Docker, and try again.")
    return found


def answers() -> bool:
    """Tell whether an engine answers on the address that the docker command uses."""
    return bool(shutil.which("docker")) and works([docker(), "version", "--format", "{{.Server.Version}}"], timeout=20)


def ensure() -> None:
    """Have an engine answer: take the one that runs, else start or install one (which needs root)."""
    if answers():
        return
    with alone("engine"):
        if answers():
            return
        if os.environ.get("DOCKER_HOST"):
            raise BedError("DOCKER_HOST is set but no engine answers there; start that engine or unset DOCKER_HOST.")
        if os.geteuid() != 0:
            raise BedError(
                "No Docker engine answers and this user may not start one; run 'bed up' as root,"
                " or start the engine and join the group docker."
            )
        install()
        if works(["systemctl", "is-system-running", "--quiet"]) or Path("/run/systemd/system").is_dir():
            with step("engine: systemctl start docker"):
                logged("engine-start", ["systemctl", "start", "docker"])
        else:
            _clear_remains()
            _start_by_hand()


def install() -> None:
    """Install Debian's or Ubuntu's engine where there is none."""
    if shutil.which("dockerd"):
        return
    # Debian 13 packs the command line program separately from the engine; older releases know no such package.
    separate = not shutil.which("docker") and packages.exists("docker-cli")
    packages.install("engine", "docker.io", "iptables", *(["docker-cli"] if separate else []))


def _start_by_hand() -> None:
    """Start dockerd in a session of its own; its label tells later runs that the bed started it."""
    STATE.mkdir(parents=True, exist_ok=True)
    log = STATE / "dockerd.log"
    with step("engine: starting dockerd"):
        with log.open("ab") as stream:
            process = subprocess.Popen(
                ["dockerd", "--label", LABEL, "--pidfile", str(_PID_FILE)],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                cwd="/",
            )
        end = time.monotonic() + _START_BUDGET_S
        while not answers():
            if process.poll() is not None:
                raise BedError(f"dockerd ended with {process.returncode} at once; the last lines of {log} say why.")
            if time.monotonic() > end:
                raise BedError(
                    f"dockerd does not answer after {_START_BUDGET_S:.0f} s; the last lines of {log} say why."
                )
            time.sleep(0.1)


def _clear_remains() -> None:
    """Remove pid files and sockets of an engine that died; a new dockerd would trip over each of them."""
    if _process_of(_PID_FILE, "dockerd"):
        _wait_for_running_engine()
        return
    for pid_file, program in (
        (_PID_FILE, "dockerd"),
        (Path("/var/run/docker/containerd/containerd.pid"), "containerd"),
    ):
        if pid_file.exists() and not _process_of(pid_file, program):
            say(f"engine: removing {pid_file}, whose process is gone")
            pid_file.unlink()
    for path in (_SOCKET, *Path("/var/run/docker/containerd").glob("*.sock*"), Path("/run/containerd/containerd.sock")):
        if path.exists() and not _listens(path):
            say(f"engine: removing {path}, nobody listens there")
            path.unlink()


def _wait_for_running_engine() -> None:
    """Give a dockerd that lives but does not answer yet its time."""
    say("engine: dockerd runs but does not answer yet, waiting for it")
    end = time.monotonic() + _START_BUDGET_S
    while not answers():
        if time.monotonic() > end:
            raise BedError(f"dockerd (pid in {_PID_FILE}) runs but does not answer; end that process and try again.")
        time.sleep(0.2)


def _process_of(pid_file: Path, program: str) -> int | None:
    """Return the process id in a pid file if that process lives, zombies apart, and is that program."""
    try:
        pid = int(pid_file.read_text().strip())
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except (OSError, ValueError):
        return None
    return pid if name == program and not _zombie(pid) else None


def _listens(path: Path) -> bool:
    """Tell whether somebody listens on a unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def started_by_bed() -> bool:
    """Tell whether the engine that answers is one that the bed started."""
    labels = subprocess.run(
        [docker(), "info", "--format", '{{join .Labels " "}}'], capture_output=True, text=True, timeout=20, check=False
    )
    return LABEL in labels.stdout.split()


def stop() -> None:
    """End the engine if the bed started it, and wait until it is gone."""
    if not started_by_bed():
        return
    pid = _process_of(_PID_FILE, "dockerd")
    if pid is None or os.geteuid() != 0:
        say("engine: left running, only root can end it")
        return
    with step("engine: ending dockerd, which the bed started"):
        os.kill(pid, signal.SIGTERM)
        while Path(f"/proc/{pid}").exists() and not _zombie(pid):
            time.sleep(0.1)


def _zombie(pid: int) -> bool:
    """Tell whether a process has ended and merely was not collected by its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
