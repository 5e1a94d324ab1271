# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API keys: a comma list of `key` or `label:key`, compared in constant time."""

import hashlib
import hmac
from dataclasses import dataclass


@dataclass(frozen=True)
class ApiKey:
    """One accepted key: the label says in logs whose it is, the digest is what is compared."""

    label: str
    digest: bytes


def parse(text: str) -> tuple[ApiKey, ...]:
    """Read API_KEYS. Raises ValueError with the rest of a sentence that begins with the variable's name."""
    keys = []
    for number, entry in enumerate((part.strip() for part in text.split(",")), start=1):
        if not entry:
            continue
        label, colon, key = entry.partition(":")
        if not colon:
            label, key = f"key-{number}", entry
        if not label or not key:
            raise ValueError(
                f"has an entry without a label or a key (entry {number}); accepted are `key` and `label:key`."
            )
        keys.append(ApiKey(label, hashlib.sha256(key.encode()).digest()))
    return tuple(keys)


def same(one: str, other: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def find(keys: tuple[ApiKey, ...], presented: bytes) -> ApiKey | None:
    """The key that was presented, or None. Every key is compared, so the time tells nothing about which one was near."""
    digest = hashlib.sha256(presented).digest()
    found = None
    for key in keys:
        if hmac.compare_digest(key.digest, digest):
            found = key
    return found
