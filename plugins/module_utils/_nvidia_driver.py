# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The NVIDIA driver of a host: which version the kernel has loaded, which one is installed, and the GPUs that it shows.

Private to the collection. Pure: nothing here reads a file or runs a command.
"""

from __future__ import annotations

import os
import re

from ansible_collections.selfhost.aistack.plugins.module_utils._version import numbers

_VERSION = r"\d+\.\d+(?:\.\d+)*"
_LOADED = re.compile(rf"^NVRM version:.*\bKernel Module\s+(?:for \S+\s+)?({_VERSION})", re.MULTILINE)
_LIBRARY = re.compile(rf"libnvidia-ml\.so\.({_VERSION})")
_GPU = re.compile(r"GPU (\d+): (.*?) \(UUID: (GPU-\S+)\)")
# What nvidia-smi is asked of each GPU, besides the list of them.
QUERY = "index,mig.mode.current,compute_cap"
_MIG = re.compile(r"MIG (\S+)\s+Device\s+(\d+): \(UUID: (MIG-[^)]+)\)")


def loaded_version(text):
    """The version of the kernel module that runs, from the text of /proc/driver/nvidia/version; empty without one."""
    found = _LOADED.search(text)
    return found.group(1) if found else ""


def library_version(path):
    """The version of the installed libraries, from the path that libnvidia-ml.so.1 leads to; empty if that names none."""
    found = _LIBRARY.fullmatch(os.path.basename(path))
    return found.group(1) if found else ""


def gpus(listed, queried):
    """The GPUs of a host, each with C(index), C(uuid), C(name), C(capability), C(mig_mode) and its MIG devices as C(mig).

    :param listed: what C(nvidia-smi -L) prints.
    :param queried: what C(nvidia-smi --query-gpu=) with QUERY and C(--format=csv,noheader) prints.
    """
    rows = [[part.strip() for part in row.split(",")] for row in queried.splitlines()]
    known = {row[0]: {"mig_mode": row[1].lower() == "enabled", "capability": row[2]} for row in rows if len(row) == 3}
    unknown = {"mig_mode": False, "capability": ""}
    found = []
    for line in map(str.strip, listed.splitlines()):
        gpu, mig = _GPU.fullmatch(line), _MIG.fullmatch(line)
        if gpu:
            index, name, uuid = gpu.groups()
            found.append({"index": int(index), "uuid": uuid, "name": name, **known.get(index, unknown), "mig": []})
        elif mig and found:
            profile, index, uuid = mig.groups()
            found[-1]["mig"].append({"index": int(index), "uuid": uuid, "profile": profile})
    return found


def is_absent(driver):
    """Whether a host has no driver at all."""
    return not driver["loaded"] and not driver["installed"]


def usable(shown):
    """What a container can have: (number, UUID) of each GPU that is neither divided nor to be, and of each MIG device.

    :param shown: the GPUs, as gpus() returns them.
    """
    whole = [(str(gpu["index"]), gpu["uuid"]) for gpu in shown if not gpu["mig_mode"] and not gpu["mig"]]
    return whole + [(f"{gpu['index']}:{mig['index']}", mig["uuid"]) for gpu in shown for mig in gpu["mig"]]


def minors(text):
    """{number in the name of its device: UUID} of each GPU; nvidia-smi may count in another order.

    :param text: of all files /proc/driver/nvidia/gpus/*/information.
    """
    found, uuid = {}, ""
    for line in text.splitlines():
        key, _colon, value = line.partition(":")
        if key == "GPU UUID":
            uuid = value.strip()
        elif key == "Device Minor":
            found[value.strip()] = uuid
    return found


def problems(driver, shown, smi_error, wanted):
    """Sentences that say why the driver of this host cannot be used.

    :param driver: {"loaded": version in the kernel, "installed": version of the libraries, "on_disk": version of the module
        that the next boot would load}, each empty where there is none or it is not known.
    :param shown: the GPUs, as gpus() returns them.
    :param smi_error: what nvidia-smi says in place of them.
    :param wanted: {"minimum_driver": the oldest that is accepted, such as "580"; "driver_version": what it shall be, such as
        "580.95.05" or the beginning of it, or nothing}.
    """
    told = _problem(driver["loaded"], driver["installed"], driver["on_disk"], wanted)
    if not told and not shown:
        told = (
            f"The NVIDIA driver {driver['installed']} is loaded, but nvidia-smi shows no GPU ({smi_error or 'it prints nothing'}): see that"
            " the GPU is there (lspci) and that this driver knows it."
        )
    return [told] if told else []


def _problem(loaded, installed, on_disk, wanted):
    minimum, version = wanted["minimum_driver"], wanted["driver_version"]
    if not loaded and not installed:
        return (
            f"The host has no NVIDIA driver: install one of version {minimum} or newer (nvidia_runtime_minimum_driver) from the"
            " distribution or from NVIDIA and reboot, or name its packages in nvidia_runtime_driver_packages."
        )
    if not loaded:
        return (
            f"The NVIDIA driver {installed} is installed, but its kernel module is not loaded: load it by modprobe nvidia, reboot if another"
            " driver (nouveau) has the GPU, or see in journalctl --dmesg why it cannot be (with Secure Boot it must be signed)."
        )
    if not installed:
        return (
            f"The kernel module of the NVIDIA driver {loaded} is loaded, but the host has no libnvidia-ml.so.1 of it: install the"
            " driver's libraries and nvidia-smi in that version."
        )
    if loaded != installed:
        missing = on_disk and on_disk != installed
        cure = (
            f"install the kernel module {installed} (that on the disk is {on_disk}) and reboot" if missing else "reboot"
        )
        return (
            f"The kernel has loaded the NVIDIA driver {loaded}, but the installed libraries are of {installed}, so that no program can use"
            f" a GPU: {cure}."
        )
    if numbers(installed) < numbers(minimum):
        return (
            f"The NVIDIA driver is version {installed}, older than nvidia_runtime_minimum_driver ({minimum}): upgrade it, or lower that if"
            " no image needs it."
        )
    if version and not f"{installed}.".startswith(f"{version}."):
        return (
            f"The NVIDIA driver is version {installed}, and nvidia_runtime_driver_version is {version}: install that version at a time when"
            " the host may reboot, or set the variable to what is there."
        )
    return ""
