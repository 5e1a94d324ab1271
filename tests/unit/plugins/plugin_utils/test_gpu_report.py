# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils._nvidia_toolkit import PACKAGES
from ansible_collections.selfhost.aistack.plugins.plugin_utils.gpu_report import (
    collect,
    shared,
    summary,
    table,
    wrong,
)

OWN = "/etc/cdi/nvidia.yaml"
WHOLE, DIVIDED, PART = "GPU-5d5ba0d6", "GPU-eb87cf61", "MIG-c6d4f1ef"
DEVICES = ["0", "1:0", WHOLE, PART, "all"]
# What nvidia_host_info returns of a host on which nothing is wrong.
LOOKED = {
    "changed": False,
    "problems": [],
    "changes": [],
    "settled": True,
    "driver": {"loaded": "580.95.05", "installed": "580.95.05", "on_disk": ""},
    "uvm": True,
    "gpus": [
        {"index": 0, "uuid": WHOLE, "name": "NVIDIA L4", "mig_mode": False, "mig": []},
        {
            "index": 1,
            "uuid": DIVIDED,
            "name": "NVIDIA A100",
            "mig_mode": True,
            "mig": [{"index": 0, "uuid": PART, "profile": "3g.20gb"}],
        },
    ],
    "packages": dict.fromkeys(PACKAGES, "1.20.1-1"),
    "held": sorted(PACKAGES),
    "install": [],
    "install_driver": [],
    "accepts_envvar": False,
    "cdi": {OWN: {"kind": "nvidia.com/gpu", "devices": DEVICES, "drivers": ["580.95.05"]}},
    "holders": [],
    "engine_off": False,
    "persistenced": {"installed": True, "enabled": True, "active": True},
}


def holder(name, *gpus, project="", by="cdi", privileged=False, unknown=()):
    return {
        "container": name,
        "project": project,
        "service": "web" if project else "",
        "by": by,
        "privileged": privileged,
        "gpus": list(gpus),
        "unknown": list(unknown),
    }


def look(**told):
    return {**LOOKED, **told}


def collected(**hosts):
    return collect(list(hosts), {name: {"__nvidia_runtime_found": looked} for name, looked in hosts.items()})


def test_a_host_on_which_nothing_is_wrong():
    held = [holder("docling-web-1", WHOLE, project="docling"), holder("train", PART, by="device")]
    found = collected(gpu1=look(holders=held))
    assert (found["outcome"], found["wrong"], found["notes"], found["errors"]) == ("none", [], [], [])
    assert found["hosts"][0]["toolkit"]["held"] == sorted(PACKAGES)
    assert found["hosts"][0]["gpus"] == LOOKED["gpus"]
    assert (
        table(found)
        == f"""\
HOST  DRIVER LOADED  INSTALLED  ON DISK  TOOLKIT   HELD
gpu1  580.95.05      580.95.05  -        1.20.1-1  4 of 4 packages

HOST  GPU  NAME              UUID          HELD BY
gpu1  0    NVIDIA L4         {WHOLE}  docling-web-1 (docling/web, cdi)
gpu1  1    NVIDIA A100, MIG  {DIVIDED}  -
gpu1  1:0  MIG 3g.20gb       {PART}  train (device)

HOST  CDI SPECIFICATION     FOR DRIVER  DEVICES
gpu1  /etc/cdi/nvidia.yaml  580.95.05   nvidia.com/gpu: 0, 1:0, all, 2 by UUID

Nothing is wrong: 1 GPU host."""
    )


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"problems": ["The host has\nno NVIDIA driver."]}, ["The host has no NVIDIA driver."]),
        ({"install_driver": ["nvidia-open"]}, ["has no NVIDIA driver (nvidia-open would bring it): play the role"]),
        ({"uvm": False}, ["there is no /dev/nvidia-uvm", "run nvidia-modprobe -u -c=0"]),
        ({"held": sorted(PACKAGES)[1:]}, [f"are not on hold ({sorted(PACKAGES)[0]})"]),
        ({"install": PACKAGES, "packages": dict.fromkeys(PACKAGES, "1.17.8-1")}, ["toolkit is 1.17.8-1, older than"]),
        (
            {"packages": {}, "held": [], "install": PACKAGES},
            [f"are missing ({', '.join(PACKAGES)}): play the role nvidia_runtime"],
        ),
        ({"cdi": {}}, [f"{OWN} is missing"]),
        (
            {"cdi": {OWN: {"kind": "nvidia.com/gpu", "devices": DEVICES, "drivers": ["570.86.15"]}}},
            [f"{OWN} does not fit the host any more (made for driver 570.86.15, not 580.95.05)"],
        ),
        ({"settled": False}, ["Settings of the role nvidia_runtime, in daemon.json or"]),
        (
            {
                "changes": [
                    {"kind": "unit", "name": "nvidia-persistenced.service", "action": "start", "why": ["not active"]}
                ]
            },
            ["nvidia-persistenced.service is not as the role nvidia_runtime has it (not active)"],
        ),
        (
            {"holders": [holder("train", WHOLE, unknown=["1:1", "GPU-gone"])]},
            ["train was given 1:1, GPU-gone, which no GPU"],
        ),
        (
            {"holders": [holder("train", PART, by="hook", privileged=True)]},
            ["train has its GPUs by NVIDIA's hook and loses them", f"device_ids: [nvidia.com/gpu={PART}]"],
        ),
        (
            {"holders": [holder("train", WHOLE, PART, by="hook")], "accepts_envvar": True},
            ["train has its GPUs by NVIDIA's hook and loses them", "device_ids: [nvidia.com/gpu=all]"],
        ),
        (
            {"holders": [holder("train", WHOLE, by="hook")]},
            ["by NVIDIA's hook, which gives none to a container that is not privileged", "is false)"],
        ),
    ],
)
def test_what_is_wrong_is_one_sentence_each(told, words):
    found = collected(gpu1=look(**told), gpu2=LOOKED)
    assert found["outcome"] == "wrong"
    assert [entry["host"] for entry in found["wrong"]] == ["gpu1"], found["wrong"]
    assert all(word in found["wrong"][0]["what"] for word in words), found["wrong"]
    assert found["wrong"][0]["what"] in table(found)
    assert summary(found) == "Wrong: 1 problem on 1 GPU host."


def test_what_the_role_does_about_packages_and_the_specification_is_told_once():
    changes = [{"kind": "package", "name": name, "action": "hold", "why": []} for name in PACKAGES]
    changes.append({"kind": "file", "name": OWN, "action": "create", "why": []})
    assert len(wrong(look(held=[], cdi={}, changes=changes))) == 2


def test_where_no_gpu_is_seen_nothing_else_is_called_gone():
    problem = "The kernel has loaded the NVIDIA driver 570.86.15, but the installed libraries are of 580.95.05: reboot."
    held = [holder("train", unknown=["0"]), holder("old", by="hook", unknown=["0"])]
    assert wrong(look(problems=[problem], gpus=[], holders=held)) == [problem]


def test_what_the_role_would_refuse_is_told_once():
    claim = "docling_gpu names 7, which the host does not have: name one that is there (the host has 0)."
    hostvars = {"gpu1": {"__nvidia_runtime_found": look(problems=["One."]), "__gpu_report_failures": ["One.", claim]}}
    assert [entry["what"] for entry in collect(["gpu1"], hostvars)["wrong"]] == ["One.", claim]


def test_a_gpu_that_different_projects_hold_is_a_note():
    held = [
        holder("a-web-1", WHOLE, project="a"),
        holder("a-web-2", WHOLE, PART, project="a"),
        holder("b", WHOLE),
        holder("b", WHOLE, by="device"),
        holder("own", "first"),
    ]
    assert shared(held[:2]) == []
    found = collected(gpu1=look(holders=held))
    assert found["outcome"] == "none"
    assert found["notes"] == [
        {
            "host": "gpu1",
            "kind": "shared",
            "name": WHOLE,
            "what": "is held by a-web-1 and a-web-2 and b, which share its memory",
        }
    ]
    assert "gpu1  -    named by a specification  first         own (cdi)" in table(found)


def test_what_could_not_be_looked_at_hides_nothing_of_the_others():
    hostvars = {
        "away": {
            "__nvidia_runtime_found": {"unreachable": True, "msg": "Task failed: no route\nto host"},
            "__gpu_report_failures": ["undefined"],
        },
        "hung": {"__nvidia_runtime_found": {"failed": True, "msg": "The engine does not answer."}},
        "misset": {"__gpu_report_failures": ["nvidia_runtime_source is 'ppa'"]},
        "left": {},
        "off": {"__nvidia_runtime_found": look(engine_off=True, settled=False)},
        "well": {"__nvidia_runtime_found": look(uvm=False)},
    }
    found = collect(list(hostvars), hostvars)
    assert found["outcome"] == "error"
    assert [(entry["host"], entry["where"], entry["why"]) for entry in found["errors"][:4]] == [
        ("away", "host", "no route to host"),
        ("hung", "host", "The engine does not answer."),
        ("misset", "host", "nvidia_runtime_source is 'ppa'"),
        ("left", "host", "It was not looked at."),
    ]
    assert (found["errors"][4]["host"], found["errors"][4]["where"]) == ("off", "engine")
    assert [host["host"] for host in found["hosts"]] == ["off", "well"]
    assert [entry["host"] for entry in found["wrong"]] == ["well"]
    assert "away    host           no route to host" in table(found)
    assert summary(found) == "Not everything could be looked at: 5 errors on 5 hosts; 1 problem found besides."
