# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts: containers that are machines, with systemd and sshd, reached by ssh at an address that stays theirs."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time

from . import build, confinement, containers, keys, net
from .containers import Container
from .engine import docker
from .paths import DNS_ADDRESS, NETWORK, NETWORK6, PRIVATE_NETWORK
from .say import BedError, say, step
from .shell import alone, output

USERS = ("ops", "root")
_READY_S = 90.0
_NAME = re.compile(r"[a-z][a-z0-9-]{0,40}[a-z0-9]|[a-z]")
_RESERVED = {"registry", "dns"}
_TEMPORARY = "/tmp:exec"  # noqa: S108 - the host's folder, not this machine's


def all_hosts() -> dict[str, Container]:
    """Return the bed's hosts by name, whatever their state."""
    return containers.all_of("host")


def get(name: str) -> Container:
    """Return one host, or say which there are."""
    found = all_hosts()
    if name not in found:
        raise BedError(
            f"There is no host '{name}'; there are: {', '.join(found) or 'none'}; make it with 'bed up {name}'."
        )
    return found[name]


def up(name: str) -> Container:
    """Have a host that runs and answers by ssh, made anew only where there was none."""
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise BedError(
            f"'{name}' cannot be a host's name; use lower case letters, digits and hyphens, up to 42 characters."
        )
    begin = time.monotonic()
    with alone(f"host-{name}"):
        host = all_hosts().get(name) or _make(name)
        started = host.state != "running"
        if started:
            output([docker(), "start", host.full_name])
        let_in(host)
        net.attach(host.full_name, name, host.address)
        _wait_until_up(host)
    say(f"{name}: {'up' if started else 'is up'} at {host.address} ({time.monotonic() - begin:.1f} s)")
    return all_hosts()[name]


def _make(name: str) -> Container:
    """Create a host's container without starting it."""
    image = build.build("host", build.base())
    host_key = keys.host_key(name)
    with alone("addresses"):
        taken = {host.address for host in all_hosts().values()}
        address = net.address_for(name, taken)
        if address in taken:
            raise BedError(f"The address {address} of '{name}' is another host's; choose another name.")
        host = Container(name, "host", "created", address)
        with step(f"{name}: making a bare host at {address}"):
            output(
                [docker(), "create", "--name", host.full_name, "--hostname", name, *containers.labels("host", address)]
                + ["--network", NETWORK, "--ip", address, "--network-alias", name, "--env", f"BED_DNS={DNS_ADDRESS}"]
                + ["--env", "container=docker", *_tmpfs("/run", "/run/lock", _TEMPORARY)]
                # Layers on layers do not work: the host's own engine needs a real file system below it.
                + ["--volume", "/var/lib/docker", "--volume", "/var/lib/containerd"]
                + [*confinement.options(), image]
            )
    for suffix in ("", ".pub"):
        target = f"{host.full_name}:/etc/ssh/ssh_host_ed25519_key{suffix}"
        output([docker(), "cp", f"{host_key}{suffix}", target])
    return host


def _tmpfs(*mounts: str) -> list[str]:
    """Return the options for folders that live in memory, as systemd expects them."""
    return [part for mount in mounts for part in ("--tmpfs", mount)]


_LET_IN = """
set -eu
key=$(cat)
for home in /root /home/ops; do
    touch $home/.ssh/authorized_keys
    grep -qxF "$key" $home/.ssh/authorized_keys || echo "$key" >> $home/.ssh/authorized_keys
    chmod 600 $home/.ssh/authorized_keys
    chown --reference=$home $home/.ssh/authorized_keys
done
chown root:root /etc/ssh/ssh_host_ed25519_key
cat /etc/ssh/ssh_host_ed25519_key.pub
"""


def let_in(host: Container) -> None:
    """Put this checkout's key into a running host, and the host's key into this checkout's known hosts."""
    public = keys.ensure().with_suffix(".pub").read_bytes()
    shown = output([docker(), "exec", "--interactive", host.full_name, "sh", "-c", _LET_IN], stdin=public)
    keys.remember([host.address, net.ipv6_address(host.address), host.name], shown)


def _wait_until_up(host: Container) -> None:
    """Wait until systemd has started everything and sshd greets."""
    end = time.monotonic() + _READY_S
    while True:
        asked = subprocess.run(
            [docker(), "exec", host.full_name, "systemctl", "is-system-running"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        state = asked.stdout.strip()
        if state in ("running", "degraded") and _greets(host.address):
            break
        if time.monotonic() > end:
            raise BedError(
                f"{host.name} is not up after {_READY_S:.0f} s (systemd: {state or asked.stderr.strip()});"
                f" 'docker logs {host.full_name}' and 'bed run {host.name} journalctl -b' say more."
            )
        time.sleep(0.1)
    if state == "degraded":
        failed = output([docker(), "exec", host.full_name, "systemctl", "--failed", "--plain", "--no-legend"])
        say(f"{host.name}: units that failed: {', '.join(line.split()[0] for line in failed.splitlines())}")


def _greets(address: str) -> bool:
    """Tell whether an ssh server says its first line at an address."""
    try:
        with socket.create_connection((address, 22), timeout=2) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def down(host: Container) -> None:
    """Remove a host with everything on it."""
    containers.remove(host)
    say(f"{host.name}: removed")


def run(host: Container, command: list[str], user: str) -> int:
    """Run a command on a host as a user and return its exit code; works without the network too."""
    terminal = ["--tty"] if sys.stdin.isatty() and sys.stdout.isatty() else []
    home = "/root" if user == "root" else f"/home/{user}"
    place = ["--user", user, "--workdir", home, "--env", f"HOME={home}"]
    return subprocess.run(
        [docker(), "exec", "--interactive", *terminal, *place, host.full_name, *command], check=False
    ).returncode


def cut(host: Container) -> None:
    """Pull a host's network plug."""
    net.detach(host.full_name)
    say(f"{host.name}: cut off")


def heal(host: Container) -> None:
    """Plug a host in again at its address."""
    net.attach(host.full_name, host.name, host.address)
    output([docker(), "exec", host.full_name, "sh", "-c", f"echo nameserver {DNS_ADDRESS} > /etc/resolv.conf"])
    say(f"{host.name}: back at {host.address}")


def private(host: Container, wanted: str) -> None:
    """Plug a host into the private network too and print its address there, or pull that plug."""
    if wanted == "off":
        net.detach(host.full_name, PRIVATE_NETWORK)
        return
    net.ensure_private()
    address = net.private_address(host.address)
    net.attach(host.full_name, host.name, address, PRIVATE_NETWORK)
    print(address)


def ipv6(host: Container, wanted: str) -> None:
    """Give a host an address with IPv6 besides and print it, or take it away again."""
    if wanted == "off":
        net.detach(host.full_name, NETWORK6)
        return
    net.ensure_ipv6()
    address = net.ipv6_address(host.address)
    net.attach(host.full_name, host.name, address, NETWORK6)
    let_in(host)
    end = time.monotonic() + _READY_S
    while not _greets(address):
        if time.monotonic() > end:
            raise BedError(f"{host.name} does not answer at {address}; does this machine have IPv6?")
        time.sleep(0.1)
    print(address)


def power(host: Container, wanted: str) -> None:
    """Cut a host's power, or give it back and wait until it is up."""
    if wanted == "on":
        up(host.name)
        return
    if host.state == "running":
        output([docker(), "kill", host.full_name])
    say(f"{host.name}: without power")
