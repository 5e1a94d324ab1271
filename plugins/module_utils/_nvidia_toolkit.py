# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The NVIDIA container toolkit of a host: packages that only work together in one version, where they come from, one setting.

Private to the collection. Pure: nothing here reads a file or runs a command.
"""

from __future__ import annotations

import re

# Released together; one of another version than the others breaks the start of every container with a GPU.
PACKAGES = [
    "libnvidia-container1",
    "libnvidia-container-tools",
    "nvidia-container-toolkit-base",
    "nvidia-container-toolkit",
]
CONFIG_FILE = "/etc/nvidia-container-runtime/config.toml"
ENVVAR_KEY = "accept-nvidia-visible-devices-envvar-when-unprivileged"
_ENVVAR = re.compile(rf"\s*{ENVVAR_KEY}\s*=\s*(true|false)\b")
# One line of a source list, and one field of a deb822 source.
_LIST_URI = re.compile(r"^deb\s+(?:\[[^\]]*\]\s*)?(\S+)", re.MULTILINE)
_DEB822_URIS = re.compile(r"^URIs:[ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)


def order(version):
    """A key to compare Debian versions of the toolkit by, such as 1.20.1-1; what stands behind a tilde comes before the release."""
    release, tilde, candidate = version.partition("~")
    upstream, _dash, revision = release.partition("-")
    return _numbers(upstream), not tilde, _numbers(candidate), _numbers(revision)


def _numbers(text):
    return tuple(int(part) for part in re.findall(r"\d+", text))


def problems(packages, wanted):
    """Sentences that say why the toolkit of this host cannot be brought to a version.

    :param packages: {name: version} of those of PACKAGES that are installed.
    :param wanted: the version that all of them shall have.
    """
    versions = sorted(set(packages.values()), key=order)
    if len(versions) > 1:
        told = ", ".join(f"{name} {packages[name]}" for name in PACKAGES if name in packages)
        together = " ".join(f"{name}={wanted}" for name in PACKAGES)
        command = f"apt-get install --allow-change-held-packages --allow-downgrades {together}"
        return [
            f"The packages of the NVIDIA container toolkit have different versions ({told}) and work together only in one: run {command}."
        ]
    if versions and order(versions[0]) > order(wanted):
        there = versions[0]
        return [
            f"The NVIDIA container toolkit is {there}, newer than nvidia_runtime_toolkit_version ({wanted}): set that to {there}, or remove it."
        ]
    return []


def to_install(packages, wanted):
    """The packages that are missing or of another version."""
    return [name for name in PACKAGES if packages.get(name) != wanted]


def source_uris(lists, deb822, architecture):
    """The addresses of a host's apt sources, without a slash at the end.

    :param lists: the text of its one-line sources.
    :param deb822: the text of its deb822 sources.
    :param architecture: what apt puts in for $(ARCH).
    """
    found = _LIST_URI.findall(lists) + [uri for line in _DEB822_URIS.findall(deb822) for uri in line.split()]
    return sorted({uri.replace("$(ARCH)", architecture).rstrip("/") for uri in found})


def takes_devices_from_environment(config):
    """Whether a container that is not privileged gets GPUs by merely naming them in its environment.

    :param config: the text of the toolkit's config.toml; what it does not say is allowed.
    """
    for line in config.splitlines():
        if line.lstrip().startswith("["):
            break
        found = _ENVVAR.match(line)
        if found:
            return found.group(1) == "true"
    return True


def reload_problems(containers):
    """A sentence where packages are to be installed while these containers run, and none where there are none of them."""
    told = (
        f"The containers {', '.join(containers)} have GPUs by NVIDIA's hook and would lose them, since packages of the toolkit make systemd"
        " reload its units: stop them, or give them their GPUs by CDI (driver: cdi), before the toolkit is installed or changed."
    )
    return [told] if containers else []
