# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing a value into a compose file, so that compose reads the same value.

JSON is YAML but for one thing: JSON writes a character beyond U+FFFF as two escapes, which YAML takes for two characters
that do not exist. Its other escapes keep YAML from taking U+0085 or U+2028 for the end of a line. Compose fills in `$NAME`
where it finds it, so each `$` is written twice.
"""

from __future__ import annotations

import json
import re
from typing import Any

_PAIR = re.compile(r"\\(?P<escaped>\\)|\\u(?P<high>d[89ab][0-9a-f]{2})\\u(?P<low>d[c-f][0-9a-f]{2})")


def render(value: Any) -> str:
    """A text, number, boolean, list or dictionary as it stands behind a key of a compose file, on one line.

    Raises ValueError with one sentence when the value cannot be carried; it is not shown.
    """
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(
            "A value for the compose file holds half of a character, which UTF-8 cannot carry: write the whole one."
        ) from None
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"A value for the compose file is neither text, number, boolean, list nor dictionary ({error}): give one of these."
        ) from None
    return _PAIR.sub(_one_character, json.dumps(value)).replace("$", "$$")


def _one_character(match: re.Match[str]) -> str:
    if match["escaped"]:
        return match[0]
    number = 0x10000 + ((int(match["high"], 16) - 0xD800) << 10) + (int(match["low"], 16) - 0xDC00)
    return f"\\U{number:08x}"
