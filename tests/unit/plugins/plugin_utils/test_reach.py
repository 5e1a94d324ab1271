# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why nothing can be run on a host: the words of ssh, sudo and Ansible become one sentence with the cure."""

from __future__ import annotations

import re

import pytest

from ansible_collections.selfhost.aistack.plugins.plugin_utils import reach

HOST = reach.Host(name="vm1", address="198.51.100.9", port=2222, user="jane", become="sudo")
_SSH = "Failed to connect to the host via ssh: "


def one_sentence(text):
    return text.endswith(".") and "\n" not in text and not re.search(r"[.!?] [A-Z]", text)


@pytest.mark.parametrize(
    ("told", "said", "cure"),
    [
        (
            _SSH + "ssh: connect to host 198.51.100.9 port 2222: Connection timed out",
            "connect to host 198.51.100.9 port 2222: Connection timed out",
            "see that the machine is on",
        ),
        (
            _SSH + "ssh: connect to host 198.51.100.9 port 2222: No route to host",
            "No route to host",
            "correct ansible_host and ansible_port",
        ),
        (
            'Data could not be sent to remote host "x". Make sure this host can be reached over ssh: ssh: connect to host x port 1: refused\r\n',
            "connect to host x port 1: refused",
            "see that the machine is on",
        ),
        (
            _SSH + "ssh: connect to host x port 22: Connection refused",
            "port 22: Connection refused",
            "see that sshd runs there",
        ),
        (
            _SSH + "ssh: Could not resolve hostname vm1.exmaple.org: Name or service not known",
            "Could not resolve hostname",
            "correct ansible_host, or use an IP address",
        ),
        (
            _SSH + "Warning: Permanently added '198.51.100.9' (ED25519) to the list of known hosts.\r\n"
            "jane@198.51.100.9: Permission denied (publickey).",
            "jane@198.51.100.9: Permission denied (publickey)",
            "set ansible_user and ansible_ssh_private_key_file",
        ),
        (
            _SSH + "@@@@@@@@@@@\r\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\r\n@@@@@@@@@@@\r\n"
            "IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\r\nHost key verification failed.",
            "Host key verification failed",
            "remove its old key with ssh-keygen -R 198.51.100.9",
        ),
        (_SSH, "no word of why", "see that the machine is on"),
    ],
)
def test_unreachable(told, said, cure):
    sentence = reach.unreachable(HOST, told)
    assert sentence.startswith("vm1 cannot be reached by ssh (user jane, address 198.51.100.9, port 2222): ")
    assert said in sentence
    assert cure in sentence
    assert one_sentence(sentence)


@pytest.mark.parametrize(
    ("told", "begin", "cure"),
    [
        ("Missing sudo password", "sudo asks jane of vm1 for a password", "--ask-become-pass"),
        ("sudo: a password is required\n", "sudo asks jane of vm1 for a password", "ansible_become_password"),
        (
            "sudo: a terminal is required to read the password; either use the -S option",
            "sudo asks jane",
            "--ask-become-pass",
        ),
        ("Incorrect sudo password", "sudo refuses the password of jane on vm1", "ansible_become_password"),
        ("jane is not in the sudoers file.", "jane may not become root on vm1 by sudo", "usermod -aG sudo jane"),
        ("/bin/sh: 1: sudo: not found", "vm1 has no sudo", "set ansible_user to root"),
    ],
)
def test_no_root(told, begin, cure):
    sentence = reach.no_root(HOST, told)
    assert sentence.startswith(begin)
    assert cure in sentence
    assert one_sentence(sentence)


@pytest.mark.parametrize(
    ("told", "begin"),
    [
        ("/bin/sh: 1: /usr/bin/python3: not found", "vm1 has no Python at /usr/bin/python3"),
        ("bash: line 1: /usr/bin/python3: No such file or directory", "vm1 has no Python at /usr/bin/python3"),
        (
            "ansible-core requires a minimum of Python version 3.9. Current version: 3.7.3 (default, Oct 31 2022)",
            "/usr/bin/python3 on vm1 is Python 3.7.3, and Ansible needs 3.9 or newer",
        ),
    ],
)
def test_no_python(told, begin):
    sentence = reach.no_python(HOST, told, "/usr/bin/python3")
    assert sentence.startswith(begin)
    assert "ansible_python_interpreter" in sentence
    assert one_sentence(sentence)


@pytest.mark.parametrize("told", ["", "Traceback (most recent call last):\n  ModuleNotFoundError: x", "MODULE FAILURE"])
def test_what_is_not_known_is_left_as_it_is(told):
    assert reach.no_root(HOST, told) == ""
    assert reach.no_python(HOST, told, "/usr/bin/python3") == ""
