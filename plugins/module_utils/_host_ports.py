# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens at the ports that apps of this collection want on a host.

Private to the collection. look() only reads; problems() is pure.
"""

from __future__ import annotations

import errno
import ipaddress
import json
import os
import re
import socket

from ansible_collections.selfhost.aistack.plugins.module_utils._compose_observe import LABEL_APP

_TABLES = {"tcp": ("/proc/net/tcp", "/proc/net/tcp6"), "udp": ("/proc/net/udp", "/proc/net/udp6")}
# What the kernel calls a socket that others can send to first: listening (TCP), or bound to no partner (UDP).
_OPEN = {"tcp": "0A", "udp": "07"}
_CONTAINER_ID = re.compile(r"[0-9a-f]{64}")
_EVERY = (str(ipaddress.IPv4Address(0)), str(ipaddress.IPv6Address(0)))
# They hold a published port in the name of a container, which the engine tells by itself.
_PROXIES = ("docker-proxy", "dockerd")


def look(wanted, containers):
    """What problems() needs to know.

    :param wanted: dictionaries with port, protocol and addresses (empty: every address), as the option `ports` has them.
    :param containers: the engine's list of containers.
    :returns: {"taken": who listens at a wanted port, "strange": wanted addresses that this host does not have}.
    """
    asked = {(entry["protocol"], int(entry["port"])) for entry in wanted}
    taken = holders(containers, asked)
    addresses = {address for entry in wanted for address in entry["addresses"]}
    return {"taken": taken, "strange": sorted(address for address in addresses if not is_own(address))}


def holders(containers, asked=None):
    """Who holds open the ports that others can reach.

    :param containers: the engine's list of containers.
    :param asked: pairs of protocol and port; None means every one.
    :returns: dictionaries with protocol, address, port, process, pid, container and app; what does not apply is empty.
    """
    published = [entry for entry in _published(containers) if _is_asked(entry, asked)]
    by_engine = {(entry["protocol"], entry["port"]) for entry in published}
    open_sockets = [entry for entry in listening() if _is_asked(entry, asked)]
    owners = _owners({entry.pop("inode"): entry for entry in open_sockets}, containers) if open_sockets else []
    return published + [
        entry
        for entry in owners
        if not (entry["process"] in _PROXIES and (entry["protocol"], entry["port"]) in by_engine)
    ]


def _is_asked(entry, asked):
    return asked is None or (entry["protocol"], entry["port"]) in asked


def listening(tables=None):
    """Every socket of this host that others can reach first: [{"protocol", "address", "port", "inode"}]."""
    found = []
    for protocol, paths in (tables or _TABLES).items():
        for path in paths:
            try:
                with open(path, encoding="ascii") as handle:
                    rows = [line.split() for line in handle.readlines()[1:]]
            except FileNotFoundError:  # a kernel without IPv6
                continue
            for row in rows:
                if row[3] == _OPEN[protocol]:
                    address, port = row[1].split(":")
                    found.append(
                        {"protocol": protocol, "address": _address(address), "port": int(port, 16), "inode": row[9]}
                    )
    return found


def _address(text):
    """An address as /proc/net shows it: 32 bit words in hexadecimal, each in the byte order of the processor (little endian)."""
    raw = bytes.fromhex(text)
    return str(ipaddress.ip_address(b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))))


def _published(containers):
    """The ports that the engine holds open for containers."""
    found = []
    for container in containers:
        for port in container.get("Ports") or []:
            if port.get("PublicPort"):
                found.append(
                    {
                        "protocol": port["Type"],
                        "address": port.get("IP") or _EVERY[0],
                        "port": port["PublicPort"],
                        "process": "",
                        "pid": 0,
                        **_container(container),
                    }
                )
    return found


def _container(listed):
    """How a container is called, and the app of this collection that it is of, if any."""
    return {"container": listed["Names"][0].lstrip("/"), "app": listed["Labels"].get(LABEL_APP, "")}


def _owners(sockets, containers, proc="/proc"):
    """The sockets ({inode: entry}) with the process that holds each, and its container."""
    known = {container["Id"]: container for container in containers}
    for pid in (name for name in os.listdir(proc) if name.isdigit()):
        for inode in _sockets_of(os.path.join(proc, pid, "fd")) & sockets.keys():
            sockets[inode].setdefault("pid", int(pid))
    found = []
    for entry in sockets.values():
        pid = entry.setdefault("pid", 0)
        ids = _CONTAINER_ID.findall(_read(f"{proc}/{pid}/cgroup"))
        listed = [found for found in (known.get(name) or _remembered(name) for name in ids) if found]
        inside = _container(listed[-1]) if listed else {"container": "", "app": ""}
        found.append({**entry, "process": _read(f"{proc}/{pid}/comm").strip(), **inside})
    return found


def _remembered(identity, store="/var/lib/docker/containers"):
    """A container as the engine's own files tell it, in the form of its list; its containers may run on while it is off."""
    try:
        kept = json.loads(_read(f"{store}/{identity}/config.v2.json"))
        return {"Names": [kept["Name"]], "Labels": kept["Config"].get("Labels") or {}}
    except (ValueError, KeyError):
        return None


def _sockets_of(folder):
    """The inodes of the sockets that a process has open; none if it has ended meanwhile."""
    inodes = set()
    try:
        for name in os.listdir(folder):
            target = os.readlink(os.path.join(folder, name))
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    except OSError:
        pass
    return inodes


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except OSError:
        return ""


def is_own(address):
    """Whether a program on this host can listen at an address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))
    except OSError as exc:
        if exc.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            return False
        raise
    return True


def problems(wanted, found):
    """Why apps could not listen where they are asked to, from look()'s answer; one sentence each.

    :param wanted: dictionaries with name and address_name (the variables that say so), port, protocol, addresses and app.
    """
    told = []
    for entry in wanted:
        for address in entry["addresses"]:
            if address in found["strange"]:
                told.append(
                    f"{entry['address_name']} is '{address}', which is no address of this host: set it to one that the host has"
                    " (ip -brief address on it lists them)."
                )
        for holder in found["taken"]:
            if _collides(entry, holder):
                told.append(
                    f"{entry['name']} is {entry['port']}, and {_place(holder)} of this host is taken by {who(holder)}:"
                    f" stop that, or set {entry['name']} to a port that is free."
                )
                break
    return list(dict.fromkeys(told))


def _collides(entry, holder):
    if (entry["protocol"], int(entry["port"])) != (holder["protocol"], holder["port"]):
        return False
    if entry["app"] and holder["app"] == entry["app"]:
        return False
    if not entry["addresses"] or holder["address"] in _EVERY:
        return True
    held = _plain(holder["address"])
    return any(_plain(address) == held or address in _EVERY for address in entry["addresses"])


def _plain(address):
    """An address in its one usual form; an IPv4 address that is written as an IPv6 one as what it is."""
    parsed = ipaddress.ip_address(address)
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _place(holder):
    host = f"[{holder['address']}]" if ":" in holder["address"] else holder["address"]
    return f"{holder['protocol'].upper()} port {holder['port']} ({host})"


def who(holder):
    """Who holds a port, in words."""
    container = f"the container {holder['container']}"
    if not holder["process"]:
        return container if holder["container"] else "a process that cannot be seen"
    process = f"{holder['process']} (pid {holder['pid']})"
    return f"{process} in {container}" if holder["container"] else process
