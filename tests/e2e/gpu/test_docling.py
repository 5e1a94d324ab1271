# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docling-serve on a host with stand-ins for GPUs: it has the one that it asks for, or it does not run."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest
import yaml
from gpubed import FIRST, SECOND, VARIABLES, give_gpus
from truthbed.stand import Stand

BY_HAND = {"max-concurrent-downloads": 2}
CONTAINER = "aistack_docling-docling-serve-1"


class GpuBox(Stand):
    """A host that is in the groups of docling alone, as the GPU box of a site of two machines is."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        hosts = self.inventory / "hosts.yml"
        site = yaml.safe_load(hosts.read_text(encoding="utf-8"))
        alone = {group: {"hosts": {name: {}}} for group in ("docker_host", "nvidia_runtime", "docling")}
        hosts.write_text(json.dumps({"all": {**site["all"], "children": alone}}), encoding="utf-8")

    def inspect(self) -> dict[str, Any]:
        return json.loads(self.on_host(f"docker inspect {CONTAINER}"))[0]

    def engine(self) -> str:
        """What names the engine's process."""
        return self.on_host("systemctl show --property=MainPID,NRestarts docker")


@pytest.fixture(scope="module")
def box() -> GpuBox:
    """The host with docling on its first GPU, converged from nothing but a key of a person's own in daemon.json."""
    box = GpuBox(os.environ.get("AISTACK_GPU_HOST", "gpubox"))
    give_gpus(box.name)
    box.on_host(
        f"mkdir -p /etc/docker; test -e /etc/docker/daemon.json || echo '{json.dumps(BY_HAND)}' > /etc/docker/daemon.json"
    )
    box.foretold = box.play("site", "--check", variables={**VARIABLES, "docling_gpu": 1})
    box.first = box.converge(variables={**VARIABLES, "docling_gpu": 1})
    return box


def test_it_has_the_gpu_that_it_asks_for_and_no_other(box: GpuBox) -> None:
    requests = box.inspect()["HostConfig"]["DeviceRequests"]
    assert [(request["Driver"], request["DeviceIDs"]) for request in requests] == [("cdi", ["nvidia.com/gpu=0"])]
    assert box.on_host(f"docker exec {CONTAINER} sh -c 'ls -d /dev/nvidia[0-9]*'").split() == ["/dev/nvidia0"]
    assert box.inspect()["State"]["Health"]["Status"] == "healthy"


def test_check_mode_foretold_what_a_first_run_changed(box: GpuBox) -> None:
    assert box.foretold.rc == 0, box.foretold.output[-3000:]
    foretold, done = ({thing[:2] for thing in run.things} for run in (box.foretold, box.first))
    assert foretold == done


def test_a_second_run_changes_nothing(box: GpuBox) -> None:
    before = (box.engine(), box.inspect()["Id"], box.inspect()["State"]["StartedAt"])
    again = box.converge(variables={**VARIABLES, "docling_gpu": 1})
    assert again.changes == []
    assert (box.engine(), box.inspect()["Id"], box.inspect()["State"]["StartedAt"]) == before


def test_the_engine_was_started_once_in_all(box: GpuBox) -> None:
    """It was not there before the first run, and its first start has read what both roles want."""
    assert "restart" not in {change["action"] for change in box.first.changes if change["kind"] == "engine"}
    assert box.on_host("journalctl --unit docker --output=cat | grep -c 'Started docker.service'").strip() == "1"


def test_a_key_of_a_persons_own_is_still_there(box: GpuBox) -> None:
    config = json.loads(box.on_host("cat /etc/docker/daemon.json"))
    assert config["max-concurrent-downloads"] == 2
    assert config["features"]["cdi"] is True
    assert config["live-restore"] is True


def test_drift_is_none(box: GpuBox) -> None:
    run = box.play("drift", variables={**VARIABLES, "docling_gpu": 1})
    assert run.rc == 0, run.output[-3000:]


def test_a_gpu_that_somebody_else_has_is_refused(box: GpuBox) -> None:
    image = box.inspect()["Config"]["Image"]
    box.on_host(f"docker run --detach --name others-llm --device nvidia.com/gpu=1 --entrypoint sleep {image} 600")
    try:
        run = box.play("site", variables={**VARIABLES, "docling_gpu": "all"})
        assert run.rc != 0
        assert "docling_gpu is 'all', and the container others-llm has GPU 1: " in run.failures[0]
        assert run.changed_tasks == []
    finally:
        box.on_host("docker rm --force others-llm")


def test_what_would_go_on_without_its_gpu_is_put_back(box: GpuBox) -> None:
    """The real PyTorch sees that there is none, and says so in the container's log, which the run tells."""
    before = sorted(box.inspect()["Config"]["Env"])
    blind = {**VARIABLES, "docling_gpu": [SECOND], "docling_extra_env": {"DOCLING_DEVICE": "cpu"}}
    run = box.play("site", variables=blind)
    assert run.rc != 0
    assert "sees 0 GPUs, and docling_gpu asks for 1" in run.failures[0]
    assert "put back" in run.failures[0] or "restored" in run.failures[0]
    found = box.inspect()
    assert sorted(found["Config"]["Env"]) == before
    assert found["State"]["Health"]["Status"] == "healthy"
    assert found["HostConfig"]["DeviceRequests"][0]["DeviceIDs"] == ["nvidia.com/gpu=0"]


def test_an_image_that_does_not_fit_the_driver_is_refused(box: GpuBox) -> None:
    box.on_host("/var/lib/nvidia-doubles/set_driver.sh 550.163.01 550.163.01")
    try:
        image = "quay.io/docling-project/docling-serve-cu130:v1.36.0"
        run = box.play("site", variables={**VARIABLES, "docling_gpu": 1, "docling_image": image})
        assert run.rc != 0
        told = run.failures[0]
        for words in (image, "driver 550.163.01", "NVIDIA L4 (compute capability 8.9)", "cu128 would fit"):
            assert words in told
        assert run.changed_tasks == []
    finally:
        box.on_host("/var/lib/nvidia-doubles/set_driver.sh 580.95.05 580.95.05")


def test_after_a_power_cut_it_runs_again_with_its_gpu(box: GpuBox) -> None:
    box.bed("power", box.name, "off")
    box.bed("power", box.name, "on")
    state = f"docker inspect --format '{{{{.State.Health.Status}}}}' {CONTAINER}"
    box.on_host(f"timeout 120 sh -c 'until [ \"$({state})\" = healthy ]; do sleep 1; done'")
    assert box.on_host(f"docker exec {CONTAINER} nvidia-smi -L").split(":")[0] == "GPU 0"


def test_the_report_tells_the_truth(box: GpuBox) -> None:
    told = box.inventory / "gpus.json"
    run = box.play("gpu_report", "-e", json.dumps({"gpu_report_json": str(told)}), variables=VARIABLES)
    report = json.loads(told.read_text(encoding="utf-8"))
    (host,) = report["hosts"]
    assert host["driver"]["loaded"] == "580.95.05", run.output[-2000:]
    assert [(holder["container"], holder["by"], holder["gpus"]) for holder in host["holders"]] == [
        (CONTAINER, "cdi", [FIRST])
    ]
    assert [gpu["uuid"] for gpu in host["gpus"]] == [FIRST, SECOND]


def test_nothing_is_left_running(box: GpuBox) -> None:
    """The bed's host goes; what it was made for is over."""
    box.bed("down", box.name)
    listed = subprocess.run(
        ["docker", "ps", "--quiet", "--filter", f"name=aistack-bed-{box.name}$"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout == ""
