# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions and GPUs of the NVIDIA driver, from what the kernel and nvidia-smi really say."""

from __future__ import annotations

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils import _nvidia_driver as nd

PROPRIETARY = """\
NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023
GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)
"""
OPEN = """\
NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  (dvs-builder@U22-I3-B17-02-3)  Tue Sep 23 09:55:41 UTC 2025
GCC version:  gcc version 13.3.0 (Ubuntu 13.3.0-6ubuntu2~24.04)
"""
ARM = "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  570.86.15  Release Build  (dvs-builder@U16)\n"
BETA = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  384.81  Wed Aug 17 22:24:07 PDT 2016\n"

MIG_LISTED = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)
  MIG 1g.10gb+me  Device  1: (UUID: MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-eb87cf61-a5a7-4ee0-8f6f-2d7f7b0e4a11)
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PROPRIETARY, "535.129.03"),
        (OPEN, "580.95.05"),
        (ARM, "570.86.15"),
        (BETA, "384.81"),
        ("", ""),
        ("GCC version:  gcc version 12.2.0\n", ""),
    ],
)
def test_version_in_the_kernel(text, expected):
    assert nd.loaded_version(text) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.580.95.05", "580.95.05"),
        ("/usr/lib/x86_64-linux-gnu/nvidia/current/libnvidia-ml.so.535.183.01", "535.183.01"),
        ("/usr/lib64/libnvidia-ml.so.1", ""),
        ("/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1.old", ""),
    ],
)
def test_version_of_the_libraries(path, expected):
    assert nd.library_version(path) == expected


def test_gpus_and_mig_devices():
    found = nd.gpus(MIG_LISTED, "0, Enabled, 8.0\n1, Disabled, 8.0\n")
    assert [(gpu["index"], gpu["name"], gpu["mig_mode"]) for gpu in found] == [
        (0, "NVIDIA A100-SXM4-40GB", True),
        (1, "NVIDIA A100-SXM4-40GB", False),
    ]
    assert found[0]["mig"] == [
        {"index": 0, "uuid": "MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f", "profile": "3g.20gb"},
        {"index": 1, "uuid": "MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb", "profile": "1g.10gb+me"},
    ]
    assert found[1]["uuid"] == "GPU-eb87cf61-a5a7-4ee0-8f6f-2d7f7b0e4a11"


def test_gpus_that_cannot_be_divided():
    found = nd.gpus("GPU 0: NVIDIA L4 (UUID: GPU-00000000-1111-2222-3333-444444444444)\n", "0, [N/A], 8.9\n")
    assert [(gpu["name"], gpu["mig_mode"], gpu["mig"]) for gpu in found] == [("NVIDIA L4", False, [])]
    assert nd.gpus("No devices found.\n", "") == []


def driver(loaded="580.95.05", installed="580.95.05", on_disk="580.95.05"):
    return {"loaded": loaded, "installed": installed, "on_disk": on_disk}


GPUS = [{"index": 0}]


def wanted(minimum="525", version=""):
    return {"minimum_driver": minimum, "driver_version": version}


@pytest.mark.parametrize(
    ("driver", "gpus", "minimum", "words"),
    [
        (driver("", "", ""), [], "580", ["has no NVIDIA driver: install one of version 580 or newer"]),
        (
            driver(loaded=""),
            [],
            "580",
            ["580.95.05 is installed, but its kernel module is not loaded", "modprobe nvidia"],
        ),
        (driver(installed=""), [], "580", ["580.95.05 is loaded, but the host has no libnvidia-ml.so.1"]),
        (
            driver(loaded="580.65.06"),
            [],
            "580",
            ["has loaded the NVIDIA driver 580.65.06", "libraries are of 580.95.05", ": reboot."],
        ),
        (
            driver(loaded="580.65.06", on_disk="580.65.06"),
            [],
            "580",
            ["install the kernel module 580.95.05 (that on the disk is 580.65.06) and reboot"],
        ),
        (driver(loaded="580.65.06", on_disk=""), [], "580", [": reboot."]),
        (
            driver("550.163.01", "550.163.01"),
            GPUS,
            "580",
            ["is version 550.163.01, older than nvidia_runtime_minimum_driver (580)"],
        ),
        (driver(), [], "580", ["shows no GPU (No devices were found)"]),
    ],
)
def test_a_driver_that_cannot_be_used_is_one_sentence(driver, gpus, minimum, words):
    problems = nd.problems(driver, gpus, "No devices were found", wanted(minimum))
    assert len(problems) == 1
    assert all(word in problems[0] for word in words), problems
    assert problems[0].endswith(".")
    assert ". " not in problems[0]


@pytest.mark.parametrize("minimum", ["525", "580", "580.95", "580.95.05"])
def test_a_driver_that_is_new_enough(minimum):
    assert nd.problems(driver(), GPUS, "", wanted(minimum)) == []


def test_a_module_on_the_disk_that_is_not_known_does_not_matter():
    assert nd.problems(driver(on_disk=""), GPUS, "", wanted()) == []


@pytest.mark.parametrize("version", ["580", "580.95", "580.95.05"])
def test_a_driver_of_the_version_that_is_wanted(version):
    assert nd.problems(driver(), GPUS, "", wanted(version=version)) == []


@pytest.mark.parametrize("version", ["58", "580.9", "580.105.08", "550"])
def test_a_driver_of_another_version_than_is_wanted_is_one_sentence(version):
    (told,) = nd.problems(driver(), GPUS, "", wanted(version=version))
    assert told.startswith(f"The NVIDIA driver is version 580.95.05, and nvidia_runtime_driver_version is {version}: ")
