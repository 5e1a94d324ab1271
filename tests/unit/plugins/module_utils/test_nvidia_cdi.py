# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CDI specifications: read in the forms in which they are written, told when they are stale or in each other's way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from ansible_collections.selfhost.aistack.plugins.module_utils import _nvidia_cdi as cdi

FIXTURES = Path(__file__).parents[2] / "fixtures/nvidia"
GENERATED = (FIXTURES / "nvidia-1.20.txt").read_text(encoding="utf-8")
GPU, MIG = "GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77", "MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f"
NAMES = ["0", "1:0", GPU, MIG, "all"]
DRIVER = "580.95.05"


def gpu(index, uuid, *mig, mig_mode=False):
    devices = [{"index": number, "uuid": name, "profile": "3g.20gb"} for number, name in enumerate(mig)]
    return {"index": index, "uuid": uuid, "name": "NVIDIA A100", "mig_mode": mig_mode or bool(mig), "mig": devices}


HOST = [gpu(0, GPU), gpu(1, "GPU-eb87cf61-a5a7-4ee0-8f6f-2d7f7b0e4a11", MIG)]


@pytest.mark.parametrize("name", ["nvidia-1.20.txt", "nvidia-1.18.yaml"])
def test_what_nvidia_writes(name):
    assert cdi.parse((FIXTURES / name).read_text(encoding="utf-8")) == {
        "kind": "nvidia.com/gpu",
        "devices": NAMES,
        "drivers": [DRIVER],
    }


def test_the_same_in_other_styles():
    spec = yaml.safe_load(GENERATED)
    for text in (
        json.dumps(spec),
        json.dumps(spec, indent=2),
        yaml.safe_dump(spec),
        yaml.safe_dump(spec, sort_keys=False),
        yaml.safe_dump(spec, indent=4, explicit_start=True),
        yaml.dump(spec, Dumper=_Indented),
    ):
        assert cdi.parse(text) == cdi.parse(GENERATED), text[:300]


class _Indented(yaml.SafeDumper):
    """Writes lists further in than their key, as many people do."""

    def increase_indent(self, flow=False, indentless=False):
        return super().increase_indent(flow, False)


HANDMADE = """\
cdiVersion: "0.6.0"   # what Docker 26 knows
kind: 'nvidia.com/gpu'
devices:
  # a stand-in
  - name: stand-in # for a test
    containerEdits:
      deviceNodes:
        - path: /dev/nvidia0
          hostPath: /dev/null
          name: not-a-device
  -   name: 'two'
      containerEdits: {env: [A=1]}
"""


def test_what_people_write():
    assert cdi.parse(HANDMADE) == {"kind": "nvidia.com/gpu", "devices": ["stand-in", "two"], "drivers": []}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "names no kind"),
        ("{", "no JSON"),
        ('{"kind": "nvidia.com/gpu", "devices": [{"nome": "0"}]}', "no JSON of a specification"),
        ("kind: nvidia.com/gpu\ndevices: [{name: '0'}]\n", "not written one below the other"),
        ("kind: nvidia.com/gpu\ndevices:\n-\n  name: '0'\n", "not where they are looked for"),
        ("kind: nvidia.com/gpu\ndevices:\n- containerEdits: {}\n", "not where they are looked for"),
        ("kind: nvidia.com/gpu\ndevices:\n  zero:\n    name: x\n", "not where they are looked for"),
        ("<html>\n", "is not understood"),
    ],
)
def test_what_cannot_be_read_is_told(text, why):
    with pytest.raises(cdi.SpecError, match=why):
        cdi.parse(text)


def test_one_that_fits():
    assert cdi.stale(cdi.parse(GENERATED), DRIVER, HOST) == []


@pytest.mark.parametrize(
    ("driver", "gpus", "reasons"),
    [
        ("580.105.08", HOST, ["made for driver 580.95.05, not 580.105.08"]),
        (DRIVER, [HOST[0]], ["1:0 is gone", f"{MIG} is gone"]),
        (DRIVER, [gpu(0, GPU), gpu(1, "GPU-1", "MIG-new")], [f"{MIG} is gone"]),
        (DRIVER, [*HOST, gpu(2, "GPU-2")], ["2 GPU-2 is missing"]),
        # Divided, but with nothing made of it yet: NVIDIA's generator leaves it out.
        (DRIVER, [*HOST, gpu(2, "GPU-2", mig_mode=True)], []),
    ],
)
def test_one_that_is_stale(driver, gpus, reasons):
    assert cdi.stale(cdi.parse(GENERATED), driver, gpus) == reasons


def test_one_by_index_alone_and_one_that_names_no_driver():
    spec = cdi.parse(GENERATED)
    assert cdi.stale({**spec, "devices": ["0", "1:0", "all"]}, DRIVER, HOST) == []
    assert cdi.stale({**spec, "drivers": []}, DRIVER, HOST) == ["made for driver unknown, not 580.95.05"]
    assert cdi.stale({**spec, "drivers": ["570.1", DRIVER]}, DRIVER, HOST) == [
        "made for driver 570.1 and 580.95.05, not 580.95.05"
    ]


def spec(*devices, kind=cdi.KIND):
    return {"kind": kind, "devices": list(devices), "drivers": [DRIVER]}


@pytest.mark.parametrize(
    "specs",
    [
        {},
        {cdi.OWN: spec("0", "all")},
        {cdi.REFRESHED: spec("0", "all")},
        {cdi.OWN: spec("0", "all"), cdi.REFRESHED: spec("0", "all")},
        {cdi.OWN: spec("0", "all"), "/etc/cdi/other.yaml": spec("0", "all", kind="vendor.example/nic")},
        {cdi.OWN: spec("0", "all"), "/etc/cdi/mine.yaml": spec("stand-in")},
    ],
)
def test_specifications_that_go_together(specs):
    assert cdi.problems(specs, {}) == []
    assert cdi.leftovers(specs) == ([cdi.REFRESHED] if cdi.REFRESHED in specs else [])


@pytest.mark.parametrize(
    ("specs", "words"),
    [
        (
            {cdi.OWN: spec("0", "all"), "/etc/cdi/gpu.yaml": spec("0", "all")},
            [
                "/etc/cdi/gpu.yaml describes",
                "nvidia.com/gpu=0 and 1 more",
                "refuse them as conflicting: remove /etc/cdi/gpu.yaml",
            ],
        ),
        # Before the first one is made: it would be a second.
        ({"/etc/cdi/gpu.json": spec("all")}, ["/etc/cdi/gpu.json describes", "(nvidia.com/gpu=all)"]),
        (
            {cdi.OWN: spec("0"), "/var/run/cdi/gpu.yaml": spec("0")},
            ["would take those of /var/run/cdi: remove /var/run/cdi/gpu.yaml"],
        ),
        (
            {"/etc/cdi/a.yaml": spec("stand-in"), "/etc/cdi/b.yaml": spec("stand-in")},
            ["/etc/cdi/b.yaml describes devices that belong in /etc/cdi/a.yaml"],
        ),
    ],
)
def test_duplicates_are_one_sentence(specs, words):
    (told,) = cdi.problems(specs, {})
    assert all(word in told for word in words), told


def test_what_cannot_be_read_is_one_sentence():
    assert cdi.problems({}, {"/etc/cdi/x.yaml": "it names no kind"}) == [
        "/etc/cdi/x.yaml cannot be read as a CDI specification (it names no kind): correct it, or move it away."
    ]
