# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing the environment of a container as a compose `env_file`, so that each value arrives unchanged.

Docker Compose reads an env file with its own dotenv parser. Without quotes it trims, cuts at ` #` and fills in
`$NAME`. In single quotes nothing can be said about a value that ends in a backslash or holds `\\'`. In double quotes
every text can be written: first `\\"` becomes `"`, then the escapes (`\\\\`, `\\n`, `\\r` ...) are resolved, then `$$`
becomes `$`. So every value stands in double quotes, and on one line, which keeps differences readable. Tried with
compose-go 2.0.2 (which Compose 2.26 asks for), 2.4.8 (Debian's build of it) and 2.16.2 (Compose 5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "$": "$$", "\n": "\\n", "\r": "\\r"})
_LONGEST = 128 * 1024  # Linux starts no process with a single NAME=value string of this many bytes or more


def as_text(value: Any) -> str:
    """The text of a value: booleans as `true` and `false`, numbers in decimal."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def value_problem(value: Any, name: str = "") -> str:
    """What keeps `value` out of an environment, as the rest of a sentence that begins with its name; empty when nothing does."""
    if not isinstance(value, (str, int, float)):
        return "is a list, a dictionary or null and not a text, number or boolean"
    text = as_text(value)
    if "\0" in text:
        return f"holds a NUL character at position {text.index(chr(0)) + 1}"
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        return f"cannot be written in UTF-8 (position {error.start + 1})"
    if size + len(name) + 2 > _LONGEST:  # "=" and the closing NUL
        return f"has {size} bytes, which is more than Linux hands to a process in one variable"
    return ""


def problems(env: Any) -> list[str]:
    """One sentence for each variable of `env` that no container can be given; values are never shown."""
    if not isinstance(env, Mapping):
        return ["The environment is not a dictionary of names and values: give it as NAME: value."]
    found = []
    for name, value in env.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            found.append(
                f"The environment variable name {str(name)!r} is not accepted: "
                "use letters, digits and _ with no digit in front."
            )
            continue
        problem = value_problem(value, name)
        if problem:
            found.append(f"The environment variable {name} {problem}: set it to a text that a process can be given.")
    return found


def render(env: Mapping[str, Any]) -> str:
    """The text of an env file, one variable a line in the order given.

    Raises ValueError with the sentences of `problems` when a variable cannot be carried.
    """
    found = problems(env)
    if found:
        raise ValueError(" ".join(found))
    return "".join(f'{name}="{as_text(value).translate(_ESCAPES)}"\n' for name, value in env.items())
