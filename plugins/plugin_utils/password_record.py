# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Argon2id records of passwords, as the gateway verifies them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from functools import cache
from pathlib import Path

from ansible import constants

LONGEST_PASSWORD = 200  # the gateway refuses to look at more
_SHORTEST_SALT = 16
_RECORD = re.compile(
    r"\$argon2(?:id|i|d)\$v=19\$m=(?P<memory>[1-9][0-9]{0,6}),t=[1-9][0-9]{0,2},p=(?P<lanes>[1-9][0-9]{0,2})"
    r"\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{22,}"
)


def record(password: str, salt: str) -> str:
    """The argon2id record of `password`: 64 MiB, 3 passes, 4 lanes, a hash of 32 bytes.

    The 16 bytes of salt are derived from the text `salt`, so that the same password and salt give the same record and a
    run that changes nothing makes no other one. Each user needs a random `salt` of their own that is kept. One record
    costs a tenth of a second and 64 MiB, so a run of Ansible makes it once. Raises ValueError with one sentence.
    """
    if not isinstance(password, str) or not password:
        raise ValueError("The password is empty or no text: give a text of at least one character.")
    if len(password) > LONGEST_PASSWORD:
        raise ValueError(
            f"The password has {len(password)} characters: give at most {LONGEST_PASSWORD}, which is all the gateway takes."
        )
    if not isinstance(salt, str) or len(salt) < _SHORTEST_SALT:
        raise ValueError(
            f"The salt is no text of at least {_SHORTEST_SALT} characters: give a random one that is kept, "
            "for instance from the secret lookup."
        )
    return _once(
        "".join(password), hashlib.sha256(b"selfhost.aistack password salt\0" + salt.encode("utf-8")).digest()[:16]
    )


@cache
def _once(password: str, salt: bytes) -> str:
    """A record that another task of this run has made, or a new one.

    Tasks run in processes of their own, so it passes through the run's folder of temporary files, which is private and
    removed at its end.
    """
    folder = Path(constants.DEFAULT_LOCAL_TMP)
    kept = folder / f"aistack-record-{hashlib.sha256(salt + password.encode('utf-8')).hexdigest()}"
    with contextlib.suppress(FileNotFoundError):
        return kept.read_text(encoding="ascii")
    made = _hash(password, salt)
    with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="ascii") as file:
        file.write(made)
    os.replace(file.name, kept)
    return made


def _hash(password: str, salt: bytes) -> str:
    try:
        from argon2.low_level import Type, hash_secret
    except ImportError:
        raise ValueError(
            "The Python package argon2-cffi is missing on the controller: install it into the environment of Ansible."
        ) from None
    made = hash_secret(
        password.encode("utf-8"), salt, time_cost=3, memory_cost=65536, parallelism=4, hash_len=32, type=Type.ID
    )
    return made.decode("ascii")


def is_record(text: object) -> bool:
    """Whether this is an argon2 record of version 19 that can be verified."""
    match = _RECORD.fullmatch(text) if isinstance(text, str) else None
    return match is not None and int(match["memory"]) >= 8 * int(match["lanes"])
