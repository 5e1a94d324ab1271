# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host's container is allowed: as much as a machine has, without the engine's privileged mode.

Privileged mode is refused where the engine itself lacks a capability. The same rights given one by one are not, and
work where privileged mode would too, so there is one way for both.
"""

from __future__ import annotations

from pathlib import Path

from .engine import docker
from .shell import output

#: Capabilities that engines of every age know, by bit. SYS_RESOURCE is left out: where it is missing no program of a
#: host may count on it, and where it is present none needs it.
_CAPABILITIES = {
    "CHOWN": 0, "DAC_OVERRIDE": 1, "DAC_READ_SEARCH": 2, "FOWNER": 3, "FSETID": 4, "KILL": 5, "SETGID": 6, "SETUID": 7,
    "SETPCAP": 8, "LINUX_IMMUTABLE": 9, "NET_BIND_SERVICE": 10, "NET_BROADCAST": 11, "NET_ADMIN": 12, "NET_RAW": 13,
    "IPC_LOCK": 14, "IPC_OWNER": 15, "SYS_MODULE": 16, "SYS_RAWIO": 17, "SYS_CHROOT": 18, "SYS_PTRACE": 19,
    "SYS_PACCT": 20, "SYS_ADMIN": 21, "SYS_BOOT": 22, "SYS_NICE": 23, "SYS_TIME": 25, "SYS_TTY_CONFIG": 26, "MKNOD": 27,
    "LEASE": 28, "AUDIT_WRITE": 29, "AUDIT_CONTROL": 30, "SETFCAP": 31, "MAC_OVERRIDE": 32, "MAC_ADMIN": 33,
    "SYSLOG": 34, "WAKE_ALARM": 35, "BLOCK_SUSPEND": 36, "AUDIT_READ": 37,
}  # fmt: skip


def options() -> list[str]:
    """Return the options of `docker create` that let a container be a machine."""
    chosen = ["--device-cgroup-rule", "a *:* rwm"]
    for item in ("seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined"):
        chosen += ["--security-opt", item]
    for name, bit in _CAPABILITIES.items():
        if _bounding_set() >> bit & 1:
            chosen += ["--cap-add", name]
    return chosen + _cgroup_options()


def _bounding_set() -> int:
    """Return the capabilities that this machine can give at all."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapBnd:"):
            return int(line.split()[1], 16)
    return (1 << 64) - 1


def _cgroup_options() -> list[str]:
    """Return what systemd needs, which differs between the two versions of control groups."""
    if output([docker(), "info", "--format", "{{.CgroupVersion}}"]) == "2":
        # The namespace shows the host its own branch as the root; bed-init makes it writable.
        return ["--cgroupns", "private"]
    # A private namespace breaks nested containers on version 1, and systemd refuses version 1 unless told twice.
    kernel = "systemd.unified_cgroup_hierarchy=0 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"
    mount = "/sys/fs/cgroup:/sys/fs/cgroup:rw"
    return ["--cgroupns", "host", "--volume", mount, "--env", f"SYSTEMD_PROC_CMDLINE={kernel}"]
