# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The toolkit's packages in one version, where apt gets them, its one setting, and what is told of containers that a reload would hurt."""

from __future__ import annotations

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils import _nvidia_toolkit as nt

WANTED = "1.20.1-1"
ALL = dict.fromkeys(nt.PACKAGES, WANTED)


def test_versions_in_their_order():
    versions = ["1.9.0-1", "1.18.0~rc.1-1", "1.18.0~rc.2-1", "1.18.0-1", "1.18.0-2", "1.20.1-1", "2.0.0-1"]
    assert all(nt.order(older) < nt.order(newer) for older, newer in zip(versions, versions[1:], strict=False))


@pytest.mark.parametrize(
    ("packages", "install"),
    [
        ({}, nt.PACKAGES),
        (ALL, []),
        (dict.fromkeys(nt.PACKAGES, "1.17.8-1"), nt.PACKAGES),
        ({"nvidia-container-toolkit-base": WANTED}, [name for name in nt.PACKAGES if not name.endswith("base")]),
    ],
)
def test_what_is_installed(packages, install):
    assert nt.problems(packages, WANTED) == []
    assert nt.to_install(packages, WANTED) == install


@pytest.mark.parametrize(
    ("packages", "words"),
    [
        (
            {**ALL, "libnvidia-container1": "1.17.8-1"},
            [
                "different versions (libnvidia-container1 1.17.8-1, libnvidia-container-tools 1.20.1-1",
                "libnvidia-container1=1.20.1-1",
            ],
        ),
        (
            dict.fromkeys(nt.PACKAGES, "1.21.0-1"),
            ["is 1.21.0-1, newer than nvidia_runtime_toolkit_version (1.20.1-1): set that to 1.21.0-1"],
        ),
    ],
)
def test_packages_that_cannot_be_used_are_one_sentence(packages, words):
    problems = nt.problems(packages, WANTED)
    assert len(problems) == 1
    assert all(word in problems[0] for word in words), problems


def test_apt_sources():
    lists = """\
# deb https://commented.example.org/deb /
deb [signed-by=/usr/share/keyrings/nvidia-container-toolkit-keyring.gpg] https://nvidia.github.io/libnvidia-container/stable/deb/$(ARCH) /
deb http://deb.debian.org/debian trixie main
"""
    deb822 = "Types: deb\nURIs: http://mirror.example.org/deb/ https://two.example.org\nSuites: /\n"
    assert nt.source_uris(lists, deb822, "amd64") == [
        "http://deb.debian.org/debian",
        "http://mirror.example.org/deb",
        "https://nvidia.github.io/libnvidia-container/stable/deb/amd64",
        "https://two.example.org",
    ]


# What the packages write at their installation.
CONFIG = """\
#accept-nvidia-visible-devices-as-volume-mounts = false
#accept-nvidia-visible-devices-envvar-when-unprivileged = true
disable-require = false
supported-driver-capabilities = "compat32,compute,display,graphics,ngx,utility,video"

[nvidia-container-cli]
environment = []
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        (CONFIG, True),
        ("accept-nvidia-visible-devices-envvar-when-unprivileged = false\n" + CONFIG, False),
        (CONFIG.replace("#accept-nvidia-visible-devices-envvar", "accept-nvidia-visible-devices-envvar"), True),
        (CONFIG + "accept-nvidia-visible-devices-envvar-when-unprivileged = false\n", True),
    ],
)
def test_devices_by_environment(text, expected):
    assert nt.takes_devices_from_environment(text) is expected


def test_such_containers_are_told():
    assert nt.reload_problems([]) == []
    (told,) = nt.reload_problems(["train", "web"])
    assert told.startswith("The containers train, web have GPUs by NVIDIA's hook and would lose them")
