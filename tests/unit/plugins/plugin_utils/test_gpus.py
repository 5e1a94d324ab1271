# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.selfhost.aistack.plugins.filter.gpu import gpu_choice
from ansible_collections.selfhost.aistack.plugins.plugin_utils import gpus

ROOT = Path(__file__).resolve().parents[4]
L4 = {"index": 0, "uuid": "GPU-a", "name": "NVIDIA L4", "capability": "8.9", "mig_mode": False, "mig": []}
OTHER = {**L4, "index": 1, "uuid": "GPU-b"}
DIVIDED = {
    "index": 2,
    "uuid": "GPU-c",
    "name": "NVIDIA H100",
    "capability": "9.0",
    "mig_mode": True,
    "mig": [
        {"index": 0, "uuid": "MIG-x", "profile": "1g.10gb"},
        {"index": 1, "uuid": "MIG-y", "profile": "1g.10gb"},
    ],
}
HOST = [L4, OTHER, DIVIDED]
BUILDS = yaml.safe_load((ROOT / "roles/docling/vars/main.yml").read_text(encoding="utf-8"))["__docling_builds"]


def claim(gpu: Any, name: str = "docling_gpu", **more: Any) -> dict[str, Any]:
    return {"name": name, "gpu": gpu, **more}


def holder(*held: str, project: str = "other") -> dict[str, Any]:
    return {
        "container": "other-llm-1",
        "project": project,
        "service": "llm",
        "by": "cdi",
        "gpus": list(held),
        "unknown": [],
    }


@pytest.mark.parametrize("value", ["none", "all", 1, "2", ["0"], [0], ["0:1"], ["GPU-a"], ["MIG-x", "0"]])
def test_a_choice_that_is_understood(value: Any) -> None:
    assert gpus.wish_problems(value, "docling_gpu") == []


@pytest.mark.parametrize("value", [None, "", 0, -1, True, "some", [], ["first"], [{}], {"count": 1}, "0:1"])
def test_a_choice_that_is_not_understood_is_one_sentence(value: Any) -> None:
    (told,) = gpus.wish_problems(value, "docling_gpu")
    assert told.startswith("docling_gpu is ")
    assert "set it to none, all, a number of GPUs" in told


def test_an_id_that_is_named_twice() -> None:
    assert gpus.wish_problems(["0", "0"], "docling_gpu") == ["docling_gpu names 0 more than once: name each once."]


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("none", []),
        ("all", ["all"]),
        (1, ["0"]),
        ("3", ["0", "1", "2:0"]),
        (["GPU-b", 0], ["GPU-b", "0"]),
        (["MIG-y"], ["MIG-y"]),
        (["2:1"], ["2:1"]),
    ],
)
def test_the_devices_of_a_choice(value: Any, names: list[str]) -> None:
    assert gpus.devices(value, HOST) == [f"nvidia.com/gpu={name}" for name in names]
    assert gpus.claim_problems([claim(value)], HOST, []) == []


@pytest.mark.parametrize(
    ("value", "seen"),
    [(1, 1), (2, 2), ("all", 1), (["GPU-b", 0], 2), (["MIG-x", "MIG-y"], 1), (["2:0", "2:1"], 1), ("none", 0)],
)
def test_how_many_gpus_pytorch_must_see(value: Any, seen: int) -> None:
    assert gpus.seen(gpus.devices(value, HOST)) == seen


@pytest.mark.parametrize(
    ("value", "driver", "build"),
    [("none", "", "cpu"), ("all", "580.95.05", "cu130"), (["GPU-b"], "550.54", "cu128"), (1, "", "cu130")],
    ids=["no GPU", "the best one", "an older driver", "no driver yet"],
)
def test_what_a_container_is_given(value: Any, driver: str, build: str) -> None:
    found = {"gpus": HOST if driver else [], "driver": {"installed": driver}, "apt_architecture": "amd64"}
    given = gpus.devices(value, found["gpus"])
    assert gpu_choice(value, {} if value == "none" else found, BUILDS) == {
        "build": build,
        "devices": given,
        "seen": gpus.seen(given),
    }


@pytest.mark.parametrize(
    ("value", "host", "words"),
    [
        (5, HOST, "docling_gpu is 5, and the host has 4 to give"),
        ("all", [], "docling_gpu is all, and the host has no GPU to give"),
        (["7"], HOST, "docling_gpu names 7, which the host does not have"),
        (["GPU-z"], [L4], "the host has 0 (GPU-a)"),
        (["MIG-z"], HOST, "docling_gpu names MIG-z, a MIG device that the host does not have any more"),
        (["2"], HOST, "docling_gpu names 2, which is divided by MIG and is not given as a whole"),
    ],
)
def test_what_the_host_does_not_have(value: Any, host: list[dict[str, Any]], words: str) -> None:
    (told,) = gpus.claim_problems([claim(value)], host, [])
    assert words in told


def test_one_gpu_for_two_services_is_refused_unless_both_share() -> None:
    two = [claim(["0"], "llm_gpu"), claim("all")]
    (told,) = gpus.claim_problems(two, HOST, [])
    assert told.startswith("llm_gpu and docling_gpu both ask for GPU 0: ")
    assert gpus.claim_problems([{**each, "shared": True} for each in two], HOST, []) == []
    assert gpus.claim_problems([two[0], {**two[1], "shared": True}], HOST, []) == [told]
    assert (
        gpus.claim_problems([claim(["0"], "llm_gpu"), claim(["GPU-b", "2:0"]), claim("none", "third")], HOST, []) == []
    )


def test_a_gpu_that_another_container_has_is_refused_unless_it_is_shared() -> None:
    (told,) = gpus.claim_problems([claim(1, app="docling")], HOST, [holder("GPU-a")])
    assert told.startswith("docling_gpu is 1, and the container other-llm-1 has GPU 0: ")
    assert gpus.claim_problems([claim(1, app="docling", shared=True)], HOST, [holder("GPU-a")]) == []
    assert gpus.claim_problems([claim(1, app="docling")], HOST, [holder("GPU-b")]) == []
    assert gpus.claim_problems([claim(1, app="docling")], HOST, [holder("GPU-a", project="aistack_docling")]) == []


@pytest.mark.parametrize(
    ("driver", "capability", "fitting"),
    [
        ("580.95.05", "8.9", ["cu130", "cu128"]),
        ("580.65.06", "7.5", ["cu130", "cu128"]),
        ("575.51.03", "8.9", ["cu128"]),
        ("525.60.13", "8.0", ["cu128"]),
        ("570.86.15", "12.0", ["cu128"]),
        ("550.163.01", "12.0", []),
        ("580.95.05", "7.0", []),
        ("470.256.02", "8.0", []),
        ("580.95.05", "", ["cu130", "cu128"]),
    ],
)
def test_builds_of_docling_by_driver_and_gpu(driver: str, capability: str, fitting: list[str]) -> None:
    wanted = gpus.units([{**L4, "capability": capability}])
    assert gpus.builds(BUILDS, driver, "amd64", wanted) == fitting
    assert gpus.builds(BUILDS, driver, "riscv64", wanted) == []


@pytest.mark.parametrize(
    ("image", "build"),
    [
        ("quay.io/docling-project/docling-serve-cu130:v1.36.0", "cu130"),
        ("registry.example.org:5000/docling-serve-cpu@sha256:0", "cpu"),
        ("registry.example.org:5000/docling-serve-standin:1.38.2@sha256:0", ""),
        ("docling-serve-cu128", "cu128"),
    ],
)
def test_what_an_image_is_built_for(image: str, build: str) -> None:
    assert gpus.build_of(image) == build


def test_an_image_that_cannot_run_is_one_sentence_with_driver_image_and_what_fits() -> None:
    wanted = gpus.units([L4])
    image = "quay.io/docling-project/docling-serve-cu130:v1.36.0"
    (told,) = gpus.build_problems(image, "docling_gpu", ["cu128"], "550.163.01", wanted)
    for words in (image, "550.163.01", "NVIDIA L4 (compute capability 8.9)", "cu128 would fit"):
        assert words in told
    assert gpus.build_problems(image, "docling_gpu", ["cu130"], "580.95.05", wanted) == []
    assert gpus.build_problems("mirror/docling:1", "docling_gpu", [], "550.163.01", wanted) == []
    assert gpus.build_problems("", "docling_gpu", ["cu128"], "550.163.01", wanted) == []
    (told,) = gpus.build_problems("", "docling_gpu", [], "470.256.02", wanted)
    assert told.startswith("no build of the image for docling_gpu runs with driver 470.256.02 and NVIDIA L4")
