# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why nothing can be run on a host, in one sentence with what to set.

Private to the collection. Ansible, ssh and sudo say what happened in their own words, which name neither the host's
variables nor the cure. The functions are pure and return an empty text where they do not know better than the original.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# What the words of ssh tell -> what to do. The first that fits counts.
_SSH_CURES = (
    (r"Could not resolve hostname", "correct ansible_host, or use an IP address"),
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed",
        "make sure that it is the same machine, then remove its old key with ssh-keygen -R {address}",
    ),
    (
        r"Permission denied|Too many authentication failures|Authentication failed|incorrect (username|password)",
        "set ansible_user and ansible_ssh_private_key_file to those with which you can log in",
    ),
    (r"no such identity|Load key", "correct ansible_ssh_private_key_file"),
    (
        r"Connection refused",
        "see that sshd runs there and listens at that port, or correct ansible_host and ansible_port",
    ),
    ("", "see that the machine is on and its firewall lets ssh through, or correct ansible_host and ansible_port"),
)
# Lines of ssh that say nothing about the cause.
_NOISE = re.compile(r"^(Warning: |\*\* |debug\d: |@|$|Control socket|mux_client|kex_exchange_identification: banner)")


@dataclass(frozen=True)
class Host:
    """A host as the inventory describes it. An empty user is the one who types the command."""

    name: str
    address: str
    port: int
    user: str
    become: str

    @property
    def login(self) -> str:
        """How ssh is asked to get there, for a sentence."""
        user = f"user {self.user}, " if self.user else ""
        return f"{user}address {self.address}, port {self.port}"


def unreachable(host: Host, told: str) -> str:
    """The sentence for a connection that failed; `told` is what the connection said."""
    text = re.split(r"\b(?:via|over) ssh: ", told)[-1]
    lines = [line.strip().rstrip(".\r") for line in text.splitlines()]
    said = next((line for line in reversed(lines) if not _NOISE.match(line)), "no word of why").removeprefix("ssh: ")
    cure = next(cure for pattern, cure in _SSH_CURES if re.search(pattern, text, re.IGNORECASE))
    return f"{host.name} cannot be reached by ssh ({host.login}): {said}: {cure.format(address=host.address)}."


def no_root(host: Host, told: str) -> str:
    """The sentence for a host that does not let its user become root; `told` is any output of the attempt."""
    user = host.user or "the user who runs the command"
    if re.search(r"Missing \w+ password|a password is required|password is required to run|terminal is required", told):
        return (
            f"{host.become} asks {user} of {host.name} for a password, and none was given: add -K (--ask-become-pass) to the command,"
            " set ansible_become_password from a vault, or let that user become root without a password."
        )
    if re.search(r"Incorrect \w+ password|incorrect password attempt|Sorry, try again", told):
        return f"{host.become} refuses the password of {user} on {host.name}: correct what you type after -K, or ansible_become_password."
    if re.search(r"is not in the sudoers file|may not run sudo|not allowed to (execute|run)", told):
        return (
            f"{user} may not become root on {host.name} by {host.become}: allow it there (usermod -aG sudo {host.user or 'NAME'}),"
            " or set ansible_user to a user who may, such as root."
        )
    if re.search(rf"\b{re.escape(host.become)}: (command )?not found", told):
        return f"{host.name} has no {host.become}, by which {user} would become root: install it there, or set ansible_user to root."
    return ""


def no_python(host: Host, told: str, interpreter: str) -> str:
    """The sentence for a host without a Python that Ansible can use; `interpreter` is the one that was tried."""
    old = re.search(
        r"requires a minimum of Python(?: version)? ([0-9.]+[0-9]).*?version:? ([0-9.]+[0-9])", told, re.DOTALL
    )
    if old:
        return (
            f"{interpreter} on {host.name} is Python {old.group(2)}, and Ansible needs {old.group(1)} or newer: set"
            " ansible_python_interpreter to a newer one on it."
        )
    if interpreter in told and re.search(r"not found|No such file or directory|Permission denied", told):
        return (
            f"{host.name} has no Python at {interpreter}: install it there (apt-get install python3), or set"
            " ansible_python_interpreter to where it is."
        )
    return ""
