# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which containers hold which GPUs, in every form in which an engine is asked for them."""

from __future__ import annotations

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils import _nvidia_holders as nh

WHOLE, DIVIDED, PART = "GPU-5d5ba0d6", "GPU-eb87cf61", "MIG-c6d4f1ef"
GPUS = [
    {"index": 0, "uuid": WHOLE, "name": "NVIDIA L4", "mig_mode": False, "mig": []},
    {
        "index": 1,
        "uuid": DIVIDED,
        "name": "NVIDIA A100",
        "mig_mode": True,
        "mig": [{"index": 0, "uuid": PART, "profile": "3g.20gb"}],
    },
]
SPECS = {
    "/etc/cdi/nvidia.yaml": {"kind": "nvidia.com/gpu", "devices": ["0", "1:0", "1:1", "all"], "drivers": []},
    "/etc/cdi/mine.yaml": {"kind": "nvidia.com/gpu", "devices": ["first"], "drivers": []},
    "/etc/cdi/nic.yaml": {"kind": "vendor.example/nic", "devices": ["second"], "drivers": []},
}
# How the engine shows --gpus all, and other requests.
ALL = {"Driver": "", "Count": -1, "DeviceIDs": None, "Capabilities": [["gpu"]], "Options": {}}


def request(**settings):
    return {**ALL, "Count": 0, **settings}


def by_cdi(*names):
    return request(Driver="cdi", DeviceIDs=list(names), Capabilities=None)


def container(*requests, name="web", runtime="runc", env=(), devices=(), visible="", **more):
    return {
        "Name": f"/{name}",
        "State": {"Pid": 7},
        "Config": {
            "Env": [f"NVIDIA_VISIBLE_DEVICES={value}" for value in env] or None,
            "Labels": more.pop("labels", None),
        },
        "HostConfig": {
            "Runtime": runtime,
            "DeviceRequests": list(requests) or None,
            "Devices": [{"PathOnHost": path, "PathInContainer": path} for path in devices] or None,
            **more,
        },
        "Visible": visible,
    }


def held(*containers, gpus=None, minors=None):
    found = nh.holders(containers, GPUS if gpus is None else gpus, SPECS, minors or {})
    return [(holder["by"], holder["gpus"], holder["unknown"]) for holder in found]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (container(), []),
        (container(by_cdi("nvidia.com/gpu=0")), [("cdi", [WHOLE], [])]),
        (container(by_cdi("nvidia.com/gpu=1:0")), [("cdi", [PART], [])]),
        (container(by_cdi(f"nvidia.com/gpu={PART}", "nvidia.com/gpu=1:0")), [("cdi", [PART], [])]),
        (container(by_cdi("nvidia.com/gpu=all")), [("cdi", [WHOLE, PART], [])]),
        (container(by_cdi("nvidia.com/gpu=0"), by_cdi("nvidia.com/gpu=1:1")), [("cdi", [WHOLE], ["1:1"])]),
        # A name of a person's own, and another vendor's device.
        (container(by_cdi("nvidia.com/gpu=first", "nvidia.com/gpu=second")), [("cdi", ["first"], ["second"])]),
        (container(by_cdi("vendor.example/nic=second")), []),
        (container(ALL), [("hook", [WHOLE, PART], [])]),
        (container(request(Count=1)), [("hook", [WHOLE], [])]),
        (container(request(Driver="nvidia", Count=3)), [("hook", [WHOLE, DIVIDED], ["2"])]),
        (container(request(DeviceIDs=["0", "GPU-gone"])), [("hook", [WHOLE], ["GPU-gone"])]),
        (container(request(Count=-1, Capabilities=[["tpu"]])), []),
        (container(runtime="nvidia"), []),
        (container(runtime="nvidia", env=["all"]), [("hook", [WHOLE, PART], [])]),
        (container(runtime="nvidia", env=["all", "0, 1:0"]), [("hook", [WHOLE, PART], [])]),
        (container(runtime="nvidia", env=["runtime.nvidia.com/gpu=0"]), [("hook", [WHOLE], [])]),
        *[(container(runtime="nvidia", env=[value]), []) for value in ("", "none", "void", "0,void")],
        (container(env=["all"]), []),
        # What the image says is overruled by a request.
        (container(request(DeviceIDs=["0"]), runtime="nvidia", env=["all"]), [("hook", [WHOLE], [])]),
        (container(by_cdi("nvidia.com/gpu=0"), runtime="nvidia", env=["all"]), [("cdi", [WHOLE], [])]),
        (container(devices=["/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm"]), [("device", [WHOLE], [])]),
        (container(devices=["/dev/nvidia5", "/dev/fuse"]), [("device", [], ["5"])]),
        (container(ALL, devices=["/dev/nvidia1"]), [("device", [DIVIDED], []), ("hook", [WHOLE, PART], [])]),
        # Newer engines and toolkits answer a request for the hook by CDI, whose specification sets the variable to void.
        (container(ALL, visible="void"), [("cdi", [WHOLE, PART], [])]),
        (container(runtime="nvidia", env=["0"], visible="void"), [("cdi", [WHOLE], [])]),
    ],
)
def test_what_a_container_holds(shown, expected):
    assert held(shown) == expected


def test_devices_are_counted_as_the_driver_does():
    minors = {"0": DIVIDED, "1": WHOLE}
    assert held(container(devices=["/dev/nvidia1"]), minors=minors) == [("device", [WHOLE], [])]
    assert held(container(ALL, devices=["/dev/nvidia1"]), gpus=[], minors=minors) == [
        ("device", [WHOLE], []),
        ("hook", [], []),
    ]


def test_who_holds_it():
    labels = {"com.docker.compose.project": "docling", "com.docker.compose.service": "worker"}
    found = nh.holders(
        [container(ALL, name="train", CapAdd=["SYS_ADMIN"]), container(ALL, name="docling-1", labels=labels)],
        GPUS,
        {},
        {},
    )
    assert [(h["container"], h["project"], h["service"], h["privileged"]) for h in found] == [
        ("docling-1", "docling", "worker", False),
        ("train", "", "", True),
    ]
    assert nh.holders([container(ALL, Privileged=True)], GPUS, {}, {})[0]["privileged"] is True


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (container(), False),
        (container(runtime="nvidia"), True),
        (container(ALL), True),
        (container(request(Driver="nvidia", Count=1, Capabilities=[["gpu", "utility"]])), True),
        (container(by_cdi("nvidia.com/gpu=0")), False),
        (container(request(Driver="cdi", DeviceIDs=["nvidia.com/gpu=0"])), False),
        (container(request(Count=-1, Capabilities=[["tpu"]])), False),
        (container(devices=["/dev/nvidia0"]), False),
        (container(ALL, visible="void"), False),
        (container(runtime="nvidia", visible="all"), True),
    ],
)
def test_containers_that_lose_their_gpus_on_a_reload(shown, expected):
    assert nh.loses_gpus_on_reload(shown) is expected


class Engine:
    """A double of the engine with containers that run."""

    def __init__(self, containers, there=True):
        self._containers = containers
        self._there = there

    def available(self):
        return self._there

    def get(self, path):
        assert path == "/containers/json"
        return [{"Id": name} for name in self._containers]

    def inspect(self, name):
        return self._containers[name]


def test_containers_that_run(tmp_path):
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "proc/7/environ").write_bytes(b"PATH=/bin\0NVIDIA_VISIBLE_DEVICES=all\0NVIDIA_VISIBLE_DEVICES=void\0")
    seen, ended = container(ALL), {**container(ALL, name="ended"), "State": {"Pid": 8}}
    # The third one was removed between the list and the question.
    engine = Engine({"1": seen, "2": ended, "3": None})
    assert [found["Visible"] for found in nh.running(engine, root=str(tmp_path))] == ["void", ""]
    assert nh.running(Engine({"1": seen}, there=False)) == []
