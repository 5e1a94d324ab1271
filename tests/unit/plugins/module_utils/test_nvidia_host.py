# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seen of a host with a driver, on a tree of files and programs that are doubles, and what comes of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils import _nvidia_host as nh
from ansible_collections.selfhost.aistack.plugins.module_utils import _nvidia_toolkit as nt

GENERATED = (Path(__file__).parents[2] / "fixtures/nvidia/nvidia-1.20.txt").read_text(encoding="utf-8")
DRIVER = "580.95.05"
NVRM = f"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {DRIVER}  Release Build  (dvs-builder@U22)\n"
LISTED = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-eb87cf61-a5a7-4ee0-8f6f-2d7f7b0e4a11)
  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)
"""
CONFIG = f"{nt.ENVVAR_KEY} = false\n"
REPOSITORY = "https://nvidia.github.io/libnvidia-container/stable/deb/amd64"
WANTED = {
    "minimum_driver": "525",
    "driver_packages": [],
    "driver_version": "",
    "toolkit_version": "1.20.1-1",
    "repository": REPOSITORY,
    "accept_envvar": False,
    "persistence": True,
}


class Host:
    """A double of a host's programs: what each prints, by the first words of its command."""

    def __init__(self, root):
        self.root = root
        self.says = {
            "nvidia-smi -L": LISTED,
            "nvidia-smi --query-gpu=": "0, Disabled, 8.0\n1, Enabled, 8.0\n",
            "modinfo --field version nvidia": f"{DRIVER}\n",
            "systemctl show nvidia-persistenced.service": "LoadState=loaded\nActiveState=active\n",
            "systemctl is-enabled nvidia-persistenced.service": "enabled\n",
            "dpkg-query": "".join(f"{name}\t1.20.1-1\tinstalled\thold\n" for name in nt.PACKAGES),
        }
        self.put("proc/driver/nvidia/version", NVRM)
        self.put(f"usr/lib/{os.uname().machine}-linux-gnu/libnvidia-ml.so.{DRIVER}", "")
        (root / f"usr/lib/{os.uname().machine}-linux-gnu/libnvidia-ml.so.1").symlink_to(f"libnvidia-ml.so.{DRIVER}")
        self.put("etc/nvidia-container-runtime/config.toml", CONFIG)
        self.put("etc/cdi/nvidia.yaml", GENERATED)

    def put(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def __call__(self, argv, environ_update=None):
        words = " ".join(part for part in argv if part != "60").replace("timeout ", "", 1)
        for begin, text in self.says.items():
            if words.startswith(begin):
                return (0, text, "") if text is not None else (9, "Failed to initialize NVML: Unknown Error\n", "")
        return 1, "", f"{words}: no such double"

    def look(self):
        return {**nh.look(self, root=str(self.root)), "root": True, "apt": True, "apt_architecture": "amd64"}

    def assess(self, **wanted):
        return nh.assess(self.look(), {**WANTED, **wanted})


@pytest.fixture
def host(tmp_path, monkeypatch):
    # Every program is there, and is called by its name.
    monkeypatch.setattr(nh, "program", lambda name: name)
    return Host(tmp_path)


def changes(host, **wanted):
    facts = host.look()
    return [(c["kind"], c["name"], c["action"]) for c in nh.planned(facts, nh.assess(facts, {**WANTED, **wanted}))]


def test_what_is_seen(host):
    facts = host.look()
    assert facts["driver"] == {"loaded": DRIVER, "installed": DRIVER, "on_disk": DRIVER}
    assert [len(gpu["mig"]) for gpu in facts["gpus"]] == [0, 1]
    assert facts["packages"] == dict.fromkeys(nt.PACKAGES, "1.20.1-1")
    assert facts["held"] == sorted(nt.PACKAGES)
    assert list(facts["cdi"]) == ["/etc/cdi/nvidia.yaml"]
    assert facts["persistenced"] == {"installed": True, "enabled": True, "active": True}
    assert facts["dpkg_interrupted"] is False
    assert (facts["uvm"], facts["minors"]) == (False, {})


def test_devices_of_the_driver(host):
    host.put("dev/nvidia-uvm", "")
    for minor, uuid in ((1, "GPU-5d5b"), (0, "GPU-eb87")):
        host.put(
            f"proc/driver/nvidia/gpus/0000:0{minor}:00.0/information",
            f"Model: \t\t NVIDIA L4\nGPU UUID: \t {uuid}\nBus Location: \t 0000:0{minor}:00.0\nDevice Minor: \t {minor}\n",
        )
    facts = host.look()
    assert (facts["uvm"], facts["minors"]) == (True, {"1": "GPU-5d5b", "0": "GPU-eb87"})


def test_a_host_that_has_everything_needs_nothing(host):
    assert host.assess()["problems"] == []
    assert changes(host) == []


def test_a_host_with_a_driver_and_nothing_else(host):
    host.says["dpkg-query"] = ""
    (host.root / "etc/cdi/nvidia.yaml").unlink()
    (host.root / "etc/nvidia-container-runtime/config.toml").unlink()
    host.says["systemctl show nvidia-persistenced.service"] = "LoadState=not-found\nActiveState=inactive\n"
    host.says["systemctl is-enabled nvidia-persistenced.service"] = "not-found\n"
    assert changes(host) == [
        ("file", nh.REPOSITORY_FILE, "create"),
        *[("package", name, "install") for name in nt.PACKAGES],
        *[("package", name, "hold") for name in nt.PACKAGES],
        ("file", nt.CONFIG_FILE, "create"),
        ("file", "/etc/cdi/nvidia.yaml", "create"),
    ]
    assert ("file", nh.REPOSITORY_FILE, "create") not in changes(host, repository="")


def test_a_repository_that_apt_knows_already_is_used(host):
    host.says["dpkg-query"] = ""
    host.put("etc/apt/sources.list.d/nvidia.list", f"deb [signed-by=/etc/key.gpg] {REPOSITORY} /\n")
    assert host.assess()["repository"] == ""
    host.put("var/lib/dpkg/updates/0001", "")
    assert changes(host)[0] == ("package", "dpkg", "finish")


def test_an_older_toolkit_is_brought_to_the_version(host):
    host.says["dpkg-query"] = host.says["dpkg-query"].replace("1.20.1-1", "1.17.8-1")
    facts = host.look()
    planned = nh.planned(facts, nh.assess(facts, WANTED))
    assert {(c["action"], *c["why"]) for c in planned if c["kind"] == "package"} == {("change", "version 1.17.8-1")}


def test_packages_that_are_known_and_not_installed_do_not_count(host):
    host.says["dpkg-query"] = (
        "libnvidia-container1\t1.20.1-1\tconfig-files\tdeinstall\nlibnvidia-container-tools\t\tnot-installed\tunknown\n"
    )
    assert host.look()["packages"] == {}
    assert host.assess()["install"] == nt.PACKAGES


def test_a_specification_for_another_driver_is_made_anew(host):
    host.put("etc/cdi/nvidia.yaml", GENERATED.replace(DRIVER, "570.86.15"))
    assert changes(host) == [("file", "/etc/cdi/nvidia.yaml", "change")]
    assert host.assess()["cdi"] == [f"made for driver 570.86.15, not {DRIVER}"]


def test_what_nvidias_service_has_made_elsewhere_is_removed(host):
    host.put("var/run/cdi/nvidia.yaml", GENERATED)
    assert changes(host) == [("file", "/var/run/cdi/nvidia.yaml", "remove")]


def test_what_a_run_left_that_was_cut_off_is_removed(host):
    host.put("var/cache/aistack-nvidia/one.deb", "")
    assert changes(host) == [("file", "/var/cache/aistack-nvidia", "remove")]


def test_devices_by_environment(host):
    assert changes(host, accept_envvar=True) == [("file", nt.CONFIG_FILE, "change")]


@pytest.mark.parametrize(
    ("enabled", "active", "wanted", "expected"),
    [
        ("disabled", "inactive", True, ["enabled", "active"]),
        ("enabled", "inactive", True, ["active"]),
        ("disabled", "active", True, ["enabled"]),
        ("disabled", "inactive", False, []),
        # As Ubuntu has it: udev starts it.
        ("static", "inactive", True, []),
    ],
)
def test_persistence(host, enabled, active, wanted, expected):
    host.says["systemctl show nvidia-persistenced.service"] = f"LoadState=loaded\nActiveState={active}\n"
    host.says["systemctl is-enabled nvidia-persistenced.service"] = f"{enabled}\n"
    assert host.assess(persistence=wanted)["persistence"] == expected


def test_every_reason_is_told_at_once_and_nothing_is_planned(host):
    host.says["nvidia-smi -L"] = None
    host.says["dpkg-query"] = host.says["dpkg-query"].replace("1.20.1-1", "1.21.0-1")
    host.put("etc/cdi/gpu.yaml", GENERATED)
    host.put("etc/cdi/odd.yaml", "devices: [nvidia.com/gpu]\n")
    host.put("etc/cdi/nic.yaml", "devices: [odd, but not ours]\n")
    told = host.assess()["problems"]
    assert [problem.split(" ")[0:2] for problem in told] == [
        ["The", "NVIDIA"],
        ["The", "NVIDIA"],
        ["/etc/cdi/odd.yaml", "cannot"],
        ["/etc/cdi/gpu.yaml", "describes"],
    ]
    assert "Failed to initialize NVML: Unknown Error" in told[0]
    assert changes(host) == []


def test_a_host_that_is_none_for_this_role(host):
    facts = {**host.look(), "apt_architecture": "", "root": False}
    assert len(nh.assess(facts, WANTED)["problems"]) == 2


def without_driver(host):
    (host.root / "proc/driver/nvidia/version").unlink()
    for path in (host.root / f"usr/lib/{os.uname().machine}-linux-gnu").iterdir():
        path.unlink()
    host.says["nvidia-smi -L"] = None


def test_a_driver_is_installed_where_there_is_none_and_its_packages_are_named(host):
    without_driver(host)
    assert "nvidia_runtime_driver_packages" in host.assess()["problems"][0]
    assert changes(host, driver_packages=["nvidia-driver"]) == [
        ("package", "nvidia-driver", "install"),
        ("file", "/etc/cdi/nvidia.yaml", "change"),
    ]


def test_a_driver_that_is_there_is_left_as_it_is(host):
    assert changes(host, driver_packages=["nvidia-driver"]) == []
    host.says["nvidia-smi -L"] = None
    assert "shows no GPU" in host.assess(driver_packages=["nvidia-driver"])["problems"][0]
