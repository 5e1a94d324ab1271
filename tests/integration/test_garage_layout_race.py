# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many layout runs at once, against real Garage nodes, never end in a layout that nobody asked for.

Needs AISTACK_GARAGE_BIN. Takes the loopback ports from AISTACK_GARAGE_PORT (20300) to 23 above it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils._garage import GarageClient, GarageError
from ansible_collections.selfhost.aistack.plugins.module_utils._garage_layout import (
    LayoutPlan,
    confirm_layout,
    converge_layout,
    roles_of,
)

MODULE = "ansible_collections.selfhost.aistack.plugins.modules.garage_layout"
RUNS = 3
AGREE_PATIENCE_S = 20


def _fixture_file():
    spec = importlib.util.spec_from_file_location("garage", Path(__file__).with_name("garage.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def cluster():
    with _fixture_file().running_garage(int(os.environ.get("AISTACK_GARAGE_PORT", "20300")), nodes=3) as garage:
        yield garage


@pytest.fixture
def clients(cluster):
    return [GarageClient(node["endpoint"], cluster["garage_admin_token"]) for node in cluster["nodes"]]


@pytest.fixture
def nobody_staged(clients):
    """The cluster agrees on one layout and nothing is staged."""
    clients[0].post("RevertClusterLayout")
    return agreed_layout(clients)


def agreed_layout(clients):
    """Return the layout as soon as all nodes tell the same one."""
    deadline = time.monotonic() + AGREE_PATIENCE_S
    while True:
        layouts = [client.get("GetClusterLayout") for client in clients]
        if all(layout == layouts[0] for layout in layouts):
            return layouts[0]
        assert time.monotonic() < deadline, layouts
        time.sleep(0.1)


def roles(cluster, zone):
    return {node["id"]: {"zone": zone, "capacity": 10**9, "tags": []} for node in cluster["nodes"]}


def run_module(cluster, zone, nodes, purge):
    """Run the module as a process of its own, as Ansible does, and return its result."""
    wanted = [dict(role, id=node_id) for node_id, role in roles(cluster, zone).items() if node_id in nodes]
    arguments = {
        "endpoint": cluster["garage_endpoint"],
        "admin_token": cluster["garage_admin_token"],
        "nodes": wanted,
        "purge": purge,
    }
    done = subprocess.run(
        [sys.executable, "-m", MODULE],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout)


def at_once(jobs):
    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result() for future in [pool.submit(*job) for job in jobs]]


def test_equal_runs_apply_one_layout(cluster, clients, nobody_staged):
    ids = [node["id"] for node in cluster["nodes"]]
    results = at_once([(run_module, cluster, "equal", ids, True)] * RUNS)
    assert [result.get("msg") for result in results] == [None] * RUNS
    assert sorted(result["changed"] for result in results) == [False] * (RUNS - 1) + [True]
    layout = agreed_layout(clients)
    assert layout["version"] == nobody_staged["version"] + 1
    assert roles_of(layout) == roles(cluster, "equal")


def test_different_runs_end_in_the_layout_of_the_last(cluster, clients, nobody_staged):
    ids = [node["id"] for node in cluster["nodes"]]
    results = at_once([(run_module, cluster, f"zone{number}", ids, True) for number in range(RUNS)])
    assert [result.get("msg") for result in results] == [None] * RUNS
    versions = sorted(result["version"] for result in results)
    assert versions == list(range(nobody_staged["version"] + 1, nobody_staged["version"] + 1 + RUNS))
    layout = agreed_layout(clients)
    last = next(result for result in results if result["version"] == layout["version"])
    assert roles_of(layout) == last["roles"]
    assert layout["stagedRoleChanges"] == []


def test_runs_for_different_nodes_do_not_take_each_others_role(cluster, clients, nobody_staged):
    jobs = [(run_module, cluster, f"own{n}", [node["id"]], False) for n, node in enumerate(cluster["nodes"])]
    assert [result.get("msg") for result in at_once(jobs)] == [None] * len(jobs)
    zones = {node_id: role["zone"] for node_id, role in roles_of(agreed_layout(clients)).items()}
    assert zones == {node["id"]: f"own{n}" for n, node in enumerate(cluster["nodes"])}


@pytest.mark.parametrize("turn", range(3))
def test_runs_on_different_hosts_end_in_one_of_their_layouts(cluster, clients, nobody_staged, turn):
    """Without the host's lock, each through another node: the nodes agree in the end, and who did not win is told."""
    barrier = threading.Barrier(len(clients))

    def run(number):
        wanted = roles(cluster, f"host{turn}-{number}")
        barrier.wait()
        try:
            plan = LayoutPlan(clients[number].get("GetClusterLayout"), wanted, None, True)
            version = converge_layout(clients[number], plan, 10)["version"]
            confirm_layout(clients[number], plan, version)
        except GarageError as problem:
            return str(problem)
        return wanted

    results = at_once([(run, number) for number in range(len(clients))])
    layout = roles_of(agreed_layout(clients))
    wanted = [roles(cluster, f"host{turn}-{number}") for number in range(len(clients))]
    assert layout in [roles_of(nobody_staged), *wanted], results
    successes = [result for result in results if isinstance(result, dict)]
    assert successes in ([], [layout]), results
