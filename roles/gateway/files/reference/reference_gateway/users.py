# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users of AUTH_MODE=basic: argon2 records, verified by at most two threads at once."""

import asyncio
import logging
from dataclasses import dataclass

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

log = logging.getLogger(__name__)

# A verification takes the memory that its record asks for, 64 MiB by default; two at once stay inside the container's limit.
VERIFICATIONS_AT_ONCE = 2


def parse(text: str) -> dict[str, str]:
    """Read AUTH_BASIC_USERS: `name:$argon2...` entries joined by `;`. A malformed entry is logged by its number and skipped.

    Raises ValueError with the rest of a sentence that begins with the variable's name when no entry is usable.
    """
    records: dict[str, str] = {}
    for number, entry in enumerate(text.split(";"), start=1):
        name, colon, record = entry.strip().partition(":")
        if not entry.strip():
            continue
        if name and colon and _is_record(record):
            records[name] = record
        else:
            log.warning("AUTH_BASIC_USERS: entry %d is not `name:$argon2...` and is skipped", number)
    if not records:
        raise ValueError(
            "holds no usable entry; with AUTH_MODE=basic it needs `name:$argon2id$...` entries joined by `;`."
        )
    return records


def _is_record(record: str) -> bool:
    if not record.startswith("$argon2"):
        return False
    try:
        extract_parameters(record)
    except InvalidHashError:
        return False
    return True


@dataclass(frozen=True)
class Users:
    """The known users and the gate in front of the costly verification."""

    records: dict[str, str]
    gate: asyncio.Semaphore

    @classmethod
    def from_text(cls, text: str) -> "Users":
        return cls(parse(text), asyncio.Semaphore(VERIFICATIONS_AT_ONCE))

    async def verify(self, name: str, password: str) -> bool:
        """Whether this password opens this user's account. An unknown name costs as much time as a known one."""
        known = self.records.get(name)
        record = known or next(iter(self.records.values()))
        async with self.gate:
            right = await asyncio.to_thread(_matches, record, password)
        return right and known is not None


def _matches(record: str, password: str) -> bool:
    try:
        return PasswordHasher().verify(record, password)
    except (VerificationError, InvalidHashError):
        return False
