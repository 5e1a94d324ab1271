# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The test bed does what its README says, shown with one small host of its own."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

BED = str(Path(__file__).with_name("bed"))
NAME = "bedtest"
SSH_OPTIONS = ("-o", "BatchMode=yes", "-o", "ConnectTimeout=5")


def bed(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Call the bed."""
    return subprocess.run([BED, *arguments], input=stdin, capture_output=True, text=True, check=False, timeout=900)


def asked(*arguments: str) -> str:
    """Call the bed, which has to succeed, and return what it prints."""
    done = bed(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def connects(address: str) -> bool:
    """Tell whether the ssh port of an address takes a connection."""
    try:
        with socket.create_connection((address, 22), timeout=2):
            return True
    except OSError:
        return False


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Have the host up, and remove it afterwards; return its address."""
    asked("down", NAME)
    asked("up", NAME)
    yield asked("address", NAME)
    asked("down", NAME)
    assert bed("address", NAME).returncode == 1


@pytest.fixture(scope="module")
def inventory(address: str) -> dict:
    """Return the inventory with that host alone."""
    return yaml.safe_load(asked("inventory", NAME))["all"]


def test_a_host_is_a_bare_machine(address: str) -> None:
    """systemd runs everything, and no engine is there."""
    assert asked("run", NAME, "systemctl", "is-system-running") == "running"
    assert bed("run", NAME, "sh", "-c", "command -v docker").returncode == 127


def test_run_passes_input_and_exit_code_on(address: str) -> None:
    """What a script on the host reads and how it ends are what the caller gives and gets."""
    assert bed("run", NAME, "sh", "-c", "exit 7").returncode == 7
    assert bed("run", "--user", "ops", NAME, "sh", "-c", "id -un; cat", stdin="words").stdout == "ops\nwords"


@pytest.mark.parametrize("user", ["ops", "root"])
def test_the_inventory_lets_in(inventory: dict, user: str) -> None:
    """Both users get in by key alone with the host's key checked, and ops may do everything."""
    host = inventory["hosts"][NAME]
    login = ["-i", host["ansible_ssh_private_key_file"], *host["ansible_ssh_common_args"].split()]
    target = f"{user}@{host['ansible_host']}"
    done = subprocess.run(
        ["ssh", *login, *SSH_OPTIONS, target, "sudo id -u; hostname"], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["0", NAME], done.stderr


def test_the_inventory_names_images_by_digest(inventory: dict) -> None:
    """Every role variable that takes an image has a reference by tag and digest, and hosts trust its registry."""
    registry = inventory["vars"]["docker_host_daemon_config"]["insecure-registries"][0]
    for variable in ("redis_image", "garage_storage_image", "docling_image", "caddy_tls_image", "gateway_base_image"):
        name, _at, digest = inventory["vars"][variable].partition("@")
        assert name.startswith(f"{registry}/")
        assert ":" in name.rpartition("/")[2]
        assert digest.startswith("sha256:")


def test_names_resolve_and_the_registry_answers(address: str) -> None:
    """A host finds itself and the services by name, and the registry by the address in its references."""
    assert asked("run", NAME, "getent", "ahostsv4", NAME).split()[0] in (address, "127.0.1.1")
    assert asked("run", NAME, "getent", "hosts", "registry").split()[0] == "198.18.0.2"
    assert "redis" in asked("run", NAME, "curl", "-fsS", "http://198.18.0.2:5000/v2/_catalog")


def test_cut_and_heal(address: str) -> None:
    """A host that is cut off is out of reach but goes on; healed, it is back at its address."""
    asked("cut", NAME)
    assert not connects(address)
    assert asked("run", NAME, "hostname") == NAME
    asked("heal", NAME)
    assert connects(address)
    assert asked("run", NAME, "getent", "hosts", "registry").split()[0] == "198.18.0.2"


def test_a_second_network(address: str) -> None:
    """A host plugged into the private network answers there too, and no longer when that plug is pulled."""
    private = asked("private", NAME, "on").strip()
    assert private == address.replace("198.18.", "198.19.")
    assert asked("private", NAME, "on").strip() == private
    assert connects(private)
    assert connects(address)
    asked("private", NAME, "off")
    assert not connects(private)
    assert connects(address)


def test_a_host_by_ipv6(address: str) -> None:
    """A host has no IPv6 until it is given an address with it, at which it then answers."""
    assert asked("run", NAME, "cat", "/proc/net/if_inet6") == ""
    given = asked("ipv6", NAME, "on")
    assert given == f"fd0c:a157:ac4b::{address.rpartition('.')[2]}"
    assert asked("ipv6", NAME, "on") == given
    assert connects(given)
    asked("ipv6", NAME, "off")
    assert not connects(given)
    assert connects(address)


def test_power_off_and_on(address: str) -> None:
    """A host without power is gone; with power again, it is back with its files at its address."""
    asked("run", NAME, "touch", "/root/kept")
    asked("power", NAME, "off")
    assert not connects(address)
    asked("power", NAME, "on")
    assert connects(address)
    assert bed("run", NAME, "test", "-e", "/root/kept").returncode == 0


def test_a_second_up_changes_nothing_and_is_quick(address: str) -> None:
    """The host stays the one it is, and the call takes seconds."""
    asked("run", NAME, "touch", "/root/still-here")
    begin = time.monotonic()
    asked("up", NAME)
    assert time.monotonic() - begin < 10
    assert bed("run", NAME, "test", "-e", "/root/still-here").returncode == 0


def test_errors_are_one_sentence(address: str) -> None:
    """A mistake is told in one line that names it."""
    for arguments in (("address", "nobody"), ("up", "Not_A_Name"), ("images", "nothing")):
        done = bed(*arguments)
        told = [line for line in done.stderr.splitlines() if line.startswith("bed: ")]
        assert done.returncode == 1
        assert len(told) == 1
        assert arguments[1] in told[0]
