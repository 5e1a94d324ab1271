# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module found and what it wants, as one list of differences.

Private to the collection.

A module adds every compared item to one DifferenceTracker. ``changed`` and ``diff`` of its result
then come from the same source and can never disagree.
"""

from __future__ import annotations

import hashlib

# Eight hex digits show that a secret changed and are too few to be worth guessing against.
DIGEST_PREFIX_LENGTH = 8


def secret_digest(value):
    """Return a short text that stands for a secret in results and diffs.

    :param value: the secret as str or bytes, or None when there is none.
    :returns: ``sha256:`` and the first eight hex digits of its digest, or None for None.
    """
    if value is None:
        return None
    if isinstance(value, str):
        value = value.encode("utf-8")
    return "sha256:" + hashlib.sha256(value).hexdigest()[:DIGEST_PREFIX_LENGTH]


class DifferenceTracker:
    """Collect the items that differ between what is there and what is wanted."""

    def __init__(self):
        self._items = []

    def add(self, name, before, after, secret=False):
        """Compare one item and remember it if it differs.

        :param name: what the item is called in the diff, unique within one tracker.
        :param before: its present value (None: it is not there); any value that JSON can carry.
        :param after: its wanted value (None: it shall not be there).
        :param secret: True for a str or bytes secret; the diff then shows only digest prefixes.
        :returns: True if the two differ.
        """
        if before == after:
            return False
        if secret:
            before, after = secret_digest(before), secret_digest(after)
        self._items.append((name, before, after))
        return True

    @property
    def changed(self):
        """True if any added item differs."""
        return bool(self._items)

    @property
    def names(self):
        """The names of the items that differ, in the order in which they were added."""
        return [name for name, before, after in self._items]

    @property
    def diff(self):
        """The differing items as ``{"before": {...}, "after": {...}}``, ready for a module's ``diff`` result."""
        return {
            "before": {name: before for name, before, after in self._items},
            "after": {name: after for name, before, after in self._items},
        }
