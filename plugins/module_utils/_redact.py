# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values no message may show, and texts without them in any usual spelling.

Private to the collection.
"""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import unquote, urlsplit

# Variables whose value is taken for a secret; URLs because they carry passwords.
SECRET_NAME = re.compile("KEY|SECRET|PASS|TOKEN|USERS|PROVIDERS|CREDENTIAL|URL")
# Shorter values would blacken half of every message, and are no secrets.
SHORTEST = 6
# Shorter values than this are not looked for in base64, where few characters say too little.
SHORTEST_ENCODED = 8
MASK = "********"
_JSON_LETTERS = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}


def secret_values(variables):
    """The values of an environment, {name: value}, that are secrets by their name, and the secrets within each of them."""
    found = []
    for name, value in variables.items():
        if SECRET_NAME.search(name.upper()):
            found += [str(value), *_parts(str(value))]
    return found


def _parts(text):
    """The secrets in a value that holds more than one thing: a URL's password, entries of a list or of JSON."""
    if text[:1] in "[{":
        try:
            return list(_leaves(json.loads(text)))
        except ValueError:
            pass
    if "://" in text:
        return _password(text)
    parts = [part for piece in re.split("[,;]", text) for part in (piece, piece.partition(":")[2])]
    return [part for part in parts if part not in ("", text)]


def _leaves(value, name=""):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, name)
    elif isinstance(value, str) and SECRET_NAME.search(name.upper()):
        yield value


def _password(url):
    try:
        password = urlsplit(url).password or ""
    except ValueError:
        return []
    return [password, unquote(password)] if password else []


def redact(text, values):
    """A text without any of the values, the longest first; values shorter than SHORTEST are left alone.

    A value is also found as it stands in a URL, in JSON, between quotes of a shell, and in base64.
    """
    for value in sorted({value for value in values if len(value) >= SHORTEST}, key=len, reverse=True):
        text = re.sub(_spellings(value), MASK, text)
    return text


def _spellings(value):
    """A pattern for a value: each character in any of its spellings, or the whole in base64."""
    found = ["".join(_spelled(character) for character in value)]
    if len(value) >= SHORTEST_ENCODED:
        found += [re.escape(code) for code in sorted(_base64(value), key=len, reverse=True)]
    return "|".join(found)


def _spelled(character):
    """A pattern for one character. Letters and digits are written as they are everywhere."""
    if character.isascii() and character.isalnum():
        return character
    ways = [r"\\*" + re.escape(character)]
    ways.append("(?i:" + "".join(f"%{byte:02x}" for byte in character.encode("utf-8", "surrogatepass")) + ")")
    units = character.encode("utf-16-be", "surrogatepass").hex()
    ways.append("(?i:" + "".join(r"\\+u" + units[at : at + 4] for at in range(0, len(units), 4)) + ")")
    if character in _JSON_LETTERS:
        ways.append(r"\\+" + _JSON_LETTERS[character])
    if character == " ":
        ways.append(r"\+")
    if character == "'":
        # How a shell writes one within single quotes.
        ways[:0] = [r"'\\+''", "'\"'\"'"]
    return "(?:" + "|".join(ways) + ")"


def _base64(value):
    """What base64 of any text holds where the text holds the value: one form for each place in a group of three bytes."""
    data = value.encode("utf-8", "surrogatepass")
    found = set()
    for before in range(3):
        code = base64.b64encode(b"\0" * before + data).decode()
        whole = code[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        found |= {whole, whole.translate(str.maketrans("+/", "-_"))}
    return found
