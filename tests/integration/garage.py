# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Throwaway real Garage nodes on loopback, for tests.

As a library: ``with running_garage(port) as garage: ...``. As a command:

    AISTACK_GARAGE_BIN=/path/to/garage python tests/integration/garage.py start --port 20300
    python tests/integration/garage.py stop DIRECTORY

``start`` prints what ``garage`` is as one JSON object: directory, garage_endpoint, garage_admin_token, s3_endpoint,
web_endpoint and nodes (endpoint and id of each). Its output may be handed to ansible-playbook as extra variables.
Node n uses the four ports from port + 10 * n: S3, RPC, web, admin. The cluster has no layout yet.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

START_PATIENCE_S = 30
STOP_PATIENCE_S = 20

CONFIG = """
replication_factor = {replication}
metadata_dir = "{directory}/meta"
data_dir = "{directory}/data"
db_engine = "sqlite"
rpc_bind_addr = "127.0.0.1:{rpc}"
rpc_public_addr = "127.0.0.1:{rpc}"
rpc_secret = "{rpc_secret}"

[s3_api]
api_bind_addr = "127.0.0.1:{s3}"
s3_region = "garage"

[s3_web]
bind_addr = "127.0.0.1:{web}"
root_domain = ".web.test"

[admin]
api_bind_addr = "127.0.0.1:{admin}"
admin_token = "{token}"
"""


def start(port, nodes=1, replication=1):
    """Start ``nodes`` connected Garage processes and return their description as a dict.

    The binary's path comes from the environment variable AISTACK_GARAGE_BIN.
    """
    binary = os.environ.get("AISTACK_GARAGE_BIN")
    if not binary or not os.access(binary, os.X_OK):
        raise SystemExit(f"AISTACK_GARAGE_BIN is '{binary}': set it to the path of a Garage 2 binary")
    directory = Path(tempfile.mkdtemp(prefix="aistack-garage-"))
    token, rpc_secret = secrets.token_hex(16), secrets.token_hex(32)
    garage = {"directory": str(directory), "garage_admin_token": token, "pids": [], "nodes": []}
    _record(garage)
    try:
        for number in range(4 * nodes):
            _claim(port + 10 * (number // 4) + number % 4)
        for number in range(nodes):
            garage["pids"].append(
                _start_node(binary, directory / str(number), port + 10 * number, replication, token, rpc_secret)
            )
            _record(garage)
        for number in range(nodes):
            endpoint = f"http://127.0.0.1:{port + 10 * number + 3}"
            garage["nodes"].append({"endpoint": endpoint, "id": _await_node(endpoint, token, directory / str(number))})
        if nodes > 1:
            peers = [f"{node['id']}@127.0.0.1:{port + 10 * number + 1}" for number, node in enumerate(garage["nodes"])]
            _connect(garage["nodes"][0]["endpoint"], token, peers[1:])
    except BaseException:
        stop(directory)
        raise
    garage["garage_endpoint"] = garage["nodes"][0]["endpoint"]
    garage["s3_endpoint"] = f"http://127.0.0.1:{port}"
    garage["web_endpoint"] = f"http://127.0.0.1:{port + 2}"
    return garage


def stop(directory):
    """End the processes that ``start`` started in ``directory`` and remove it."""
    directory = Path(directory)
    pids = json.loads((directory / "garage.json").read_text())
    for number, patience in ((signal.SIGTERM, STOP_PATIENCE_S), (signal.SIGKILL, None)):
        pids = [pid for pid in pids if _is_ours(pid, directory)]
        for pid in pids:
            os.kill(pid, number)
        _await_end(pids, directory, patience)
    shutil.rmtree(directory)


@contextlib.contextmanager
def running_garage(port, nodes=1, replication=1):
    """Yield the description of a running Garage; end it afterwards."""
    garage = start(port, nodes, replication)
    try:
        yield garage
    finally:
        stop(garage["directory"])


def call(endpoint, token, operation, body=None):
    """Call the admin API without any code of the collection; return the decoded answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{endpoint}/v2/{operation}", data, {"Authorization": f"Bearer {token}"})  # noqa: S310
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        return json.load(answer)


def _record(garage):
    """Keep on disk what a later ``stop`` needs."""
    (Path(garage["directory"]) / "garage.json").write_text(json.dumps(garage["pids"]))


def _claim(port):
    """Make sure that what will answer on the port is ours."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as problem:
            raise SystemExit(f"port {port} is in use: give another --port whose ports are free") from problem


def _start_node(binary, directory, port, replication, token, rpc_secret):
    for part in ("meta", "data"):
        (directory / part).mkdir(parents=True)
    config = directory / "garage.toml"
    config.touch(mode=0o600)
    config.write_text(
        CONFIG.format(
            replication=replication, directory=directory, token=token, rpc_secret=rpc_secret,
            s3=port, rpc=port + 1, web=port + 2, admin=port + 3,
        )
    )  # fmt: skip
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [binary, "-c", str(config), "server"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    return process.pid


def _await_node(endpoint, token, directory):
    """Return the node's id as soon as its admin API answers."""
    deadline = time.monotonic() + START_PATIENCE_S
    while True:
        try:
            return next(iter(call(endpoint, token, "GetNodeInfo?node=self")["success"]))
        except OSError as problem:
            if time.monotonic() > deadline:
                log = (directory / "log").read_text()[-2000:]
                raise SystemExit(
                    f"Garage at {endpoint} did not answer in {START_PATIENCE_S} s ({problem}); its log ends: {log}"
                ) from problem
        time.sleep(0.05)


def _connect(endpoint, token, peers):
    failed = [result for result in call(endpoint, token, "ConnectClusterNodes", peers) if not result["success"]]
    if failed:
        raise SystemExit(f"Garage nodes did not connect: {failed}")


def _await_end(pids, directory, patience):
    """Wait until the processes are gone, or for so many seconds (None: for as long as it takes)."""
    deadline = None if patience is None else time.monotonic() + patience
    while any(_is_ours(pid, directory) for pid in pids):
        if deadline is not None and time.monotonic() > deadline:
            return
        time.sleep(0.05)


def _is_ours(pid, directory):
    try:
        return str(directory).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def main():
    """Command line: ``start`` or ``stop``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    starter = verbs.add_parser("start", help="start Garage and print its description")
    starter.add_argument("--port", type=int, required=True, help="first of the ports")
    starter.add_argument("--nodes", type=int, default=1, help="number of connected nodes (1)")
    starter.add_argument("--replication", type=int, default=1, help="replication factor (1)")
    stopper = verbs.add_parser("stop", help="end what start started")
    stopper.add_argument("directory", help="the directory that start printed")
    arguments = parser.parse_args()
    if arguments.verb == "start":
        json.dump(start(arguments.port, arguments.nodes, arguments.replication), sys.stdout, indent=2)
        print()
    else:
        stop(arguments.directory)


if __name__ == "__main__":
    main()
