# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys

import pytest
from ansible import constants
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from passlib.hash import argon2 as passlib_argon2

from ansible_collections.selfhost.aistack.plugins.plugin_utils import password_record
from ansible_collections.selfhost.aistack.plugins.plugin_utils.password_record import is_record, record

SALT = "a salt of this user alone"


def test_a_record_verifies_with_the_libraries_that_read_it():
    made = record("pässword $:;#'", SALT)
    assert made.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert PasswordHasher().verify(made, "pässword $:;#'")
    assert not PasswordHasher().check_needs_rehash(made)
    assert passlib_argon2.verify("pässword $:;#'", made)
    with pytest.raises(VerifyMismatchError):
        PasswordHasher().verify(made, "another")
    assert ";" not in made
    assert is_record(made)


@pytest.fixture(autouse=True)
def run(tmp_path, monkeypatch):
    """A run of Ansible of its own for each test, in which this is the first process."""
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    password_record._once.cache_clear()
    return tmp_path


def test_a_record_is_kept_as_long_as_password_and_salt_are(run):
    made = record("one password", SALT)
    password_record._once.cache_clear()
    for file in run.iterdir():
        file.unlink()
    assert record("one password", SALT) == made
    assert record("two password", SALT) != made
    other = record("one password", SALT + "2")
    assert other.split("$")[4] != made.split("$")[4]


def test_a_run_makes_a_record_once(run, monkeypatch):
    made = record("one password", SALT)
    monkeypatch.setattr("argon2.low_level.hash_secret", None)
    assert record("one password", SALT) == made
    password_record._once.cache_clear()  # as in the process of a later task
    assert record("one password", SALT) == made
    (kept,) = run.iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("password", "salt", "why"),
    [
        ("", SALT, "empty"),
        (None, SALT, "no text"),
        (["hush"], SALT, "no text"),
        ("hush" * 51, SALT, "204 characters"),
        ("hush-hush", "short", "salt"),
        ("hush-hush", None, "salt"),
    ],
)
def test_what_cannot_be_recorded_is_told_without_it(password, salt, why):
    with pytest.raises(ValueError, match=why) as error:
        record(password, salt)
    assert "hush" not in str(error.value)


def test_the_longest_password_is_accepted():
    assert is_record(record("x" * 200, SALT))


@pytest.mark.parametrize(
    "text",
    [
        "",
        None,
        "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0",
        "$argon2id$v=16$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g",
        "$argon2id$v=19$m=8,t=3,p=4$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g",
        "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g;x",
        "$2b$12$abcdefghijklmnopqrstuuTEw8POU2MwwuYEM7WaKcjqZ948Hm7.W",
    ],
)
def test_what_is_no_record(text):
    assert not is_record(text)


def test_a_missing_library_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "argon2.low_level", None)
    with pytest.raises(ValueError, match="argon2-cffi is missing"):
        record("never seen before", SALT)
