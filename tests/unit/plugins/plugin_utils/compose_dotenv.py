# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Docker Compose's way of reading an env file, for the tests of env_file.

test_env_file.py holds it against what the real parser made of the same files (tests/unit/fixtures/dotenv).
"""

from __future__ import annotations

import re

_SPACE = "\t\v\f\r \x85\xa0"
_UNICODE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
_ESCAPE = re.compile(r'\\(?:[abcfnrtv$"\\]|0[0-9]{0,3})')
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}
_DOLLAR = re.compile(r"\$(?:(\$)|([_a-zA-Z][_a-zA-Z0-9]*)|\{([_a-zA-Z][_a-zA-Z0-9]*)\}|(\{))")


class DotenvError(Exception):
    """The real parser refuses the file too."""


def parse(source: str) -> dict[str, str]:
    """What each variable of an env file is set to in a container, with no variable set outside the file."""
    values: dict[str, str] = {}
    rest = _statement_start(source)
    while rest:
        key, inherited, rest = _key(rest)
        if inherited:  # a name alone stands for a variable from outside the file
            rest = _statement_start(rest)
            continue
        if rest[:1] in ("'", '"'):
            text, rest = _quoted(rest)
        else:
            line, _newline, rest = rest.partition("\n")
            text = _expand(line.partition(" #")[0].rstrip(_UNICODE_SPACE), values)
        values[key] = text if isinstance(text, str) else _expand(_unescape(text[0]), values)
        rest = _statement_start(rest)
    return values


def _statement_start(source: str) -> str:
    source = source.lstrip(_UNICODE_SPACE)
    while source.startswith("#"):
        source = source.partition("\n")[2].lstrip(_UNICODE_SPACE)
    return source


def _key(source: str) -> tuple[str, bool, str]:
    if re.match(r"export\s", source):
        source = source[len("export") :].lstrip(_SPACE)
    for index, char in enumerate(source):
        if char in "=:\n":
            key = source[:index].rstrip(_UNICODE_SPACE)
            if " " in key:
                raise DotenvError("space in key")
            return key, char == "\n", source[index + 1 :].lstrip(_SPACE)
        if char not in _SPACE + "_.-[]" and not char.isalnum():
            raise DotenvError("character in key")
    raise DotenvError("no key")


def _quoted(source: str) -> tuple[str | tuple[str], str]:
    """The text between the quotes and what follows; a text in double quotes comes in a tuple, still to be expanded."""
    quote, chars, escaped = source[0], [], False
    for index, char in enumerate(source[1:], start=1):
        if char == quote and not escaped:
            text = "".join(chars)
            return (text if quote == "'" else (text,)), source[index + 1 :]
        if char == "\\" and not escaped:
            escaped = True
            continue
        if escaped and char != quote:
            chars.append("\\")
        escaped = False
        chars.append(char)
    raise DotenvError("quote is not closed")


def _unescape(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        escape = match[0][1:]
        if escape == "$":
            return "$$"
        if escape[0] == "0":
            digits = escape[1:]
            octal = re.fullmatch(r"[0-7]{3}", digits) and int(digits, 8) <= 255
            # Short of three octal digits the real parser leaves the text as it stands.
            return chr(int(digits, 8)) if octal else match[0].replace("\\0", "\\", 1)
        return _SIMPLE.get(escape, match[0])

    return _ESCAPE.sub(one, text)


def _expand(text: str, values: dict[str, str]) -> str:
    def one(match: re.Match[str]) -> str:
        if match[4]:
            raise DotenvError("brace is not a variable")
        return "$" if match[1] else values.get(match[2] or match[3], "")

    return _DOLLAR.sub(one, text)
