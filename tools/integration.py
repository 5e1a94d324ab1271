# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plays the targets of tests/integration/targets, or the one of the environment variable TARGET.

A target is a role that tries one module. Most run on a test host, `it`, that has a Docker engine; those of S3 and Garage
run on this machine, against a server that is started for them alone.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from programs import ENVIRONMENT
from site_access import ansible_playbook
from steps import REPOSITORY, StepFailed, Steps, say
from test_host import BED, ask, prepare

_INTEGRATION = REPOSITORY / "tests" / "integration"
_PORTS = range(27300, 27400, 10)
_LIMIT_S = 900.0

Server = Callable[[], contextlib.AbstractContextManager[dict]]


@contextlib.contextmanager
def _virgin_garage() -> Iterator[dict]:
    """A Garage of one node without a layout."""
    sys.path.insert(0, str(_INTEGRATION))
    from garage import running_garage

    os.environ.update(ENVIRONMENT)
    with running_garage(_free_port()) as garage:
        yield garage


@contextlib.contextmanager
def _garage() -> Iterator[dict]:
    """A Garage with a layout."""
    with _virgin_garage() as garage:
        yield {**garage, "garage_prepared": True}


@contextlib.contextmanager
def _garage_s3() -> Iterator[dict]:
    """A Garage with a key that may create buckets."""
    key = {"s3_access_key": f"GK{secrets.token_hex(12)}", "s3_secret_key": secrets.token_hex(32)}
    with _garage() as garage:
        yield {**garage, **key, "s3_server": "garage", "s3_region": "garage"}


@contextlib.contextmanager
def _moto() -> Iterator[dict]:
    """A server that has the facets of AWS which Garage lacks."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    port = _free_port()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port)
    server.start()
    try:
        yield {
            "s3_server": "moto",
            "s3_endpoint": f"http://127.0.0.1:{port}",
            "s3_region": "us-east-1",
            "s3_access_key": "testing",
            "s3_secret_key": "testing",
        }
    finally:
        server.stop()


def _free_port() -> int:
    """Return the first of four ports that nobody uses; Garage takes all four, moto one."""
    for first in _PORTS:
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + 4):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first
    raise StepFailed(f"No four ports in a row are free from {_PORTS.start} to {_PORTS.stop}; end what uses them.")


# Targets that run on this machine, and the servers that they are played against, one after the other.
_HERE: dict[str, list[Server]] = {
    "garage_cluster": [_virgin_garage],
    "garage_layout": [_virgin_garage],
    "garage_key": [_garage],
    "garage_bucket": [_garage],
    "s3_bucket": [_garage_s3, _moto],
}


def _nvidia_toolkit(steps: Steps) -> dict:
    """What NVIDIA's programs are taken from; built where that was not done yet."""
    steps.run("NVIDIA's toolkit", [BED, "toolkit"], limit_s=_LIMIT_S, shown=True)
    return {"nvidia_host_info_toolkit": ask("toolkit").strip()}


# Targets that run on the test host and need something that is made first.
_MADE: dict[str, Callable[[Steps], dict]] = {"nvidia_host_info": _nvidia_toolkit}


def main() -> int:
    """Play the targets; return 0 if all succeeded."""
    known = sorted(path.name for path in (_INTEGRATION / "targets").iterdir() if (path / "tasks" / "main.yml").exists())
    targets = [os.environ["TARGET"]] if os.environ.get("TARGET") else known
    if not set(targets) <= set(known):
        say(f"TARGET={targets[0]} is not a target; there are: {', '.join(known)}.")
        return 2
    steps = Steps()
    try:
        steps.run("programs", [sys.executable, "tools/programs.py"], limit_s=300)
        for target in [target for target in targets if target in _HERE]:
            for server in _HERE[target]:
                with server() as variables:
                    _play(steps, f"{target} {server.__name__.strip('_')}", target, None, variables)
        on_host = [target for target in targets if target not in _HERE]
        if on_host:
            inventory = prepare(steps, "it")
            steps.run("Docker on it", ansible_playbook(inventory, str(_INTEGRATION / "docker.yml")), limit_s=_LIMIT_S)
            for target in on_host:
                _play(steps, target, target, inventory, _MADE[target](steps) if target in _MADE else {})
    except StepFailed as failure:
        say(steps.table())
        say(f"FAILED: {failure}")
        return 1
    say(steps.table())
    return 0


def _play(steps: Steps, name: str, target: str, inventory: Path | None, variables: dict) -> None:
    """Play one target on the host of an inventory, or on this machine."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        here = {} if inventory else {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        json.dump({**variables, **here, "target": target, "target_hosts": "all" if inventory else "localhost"}, file)
        file.flush()
        command = ansible_playbook(inventory or "localhost,", str(_INTEGRATION / "run.yml"), "-e", f"@{file.name}")
        roles = {"ANSIBLE_ROLES_PATH": str(_INTEGRATION / "targets")}
        steps.run(name, command, limit_s=_LIMIT_S, env=roles)


if __name__ == "__main__":
    sys.exit(main())
