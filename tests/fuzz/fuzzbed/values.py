# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts that break out of quotes, and values near those that a rule accepts."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

#: What means something to a shell, to compose, Caddy, YAML, Jinja, Redis, TOML, XML or a URL.
PIECES = (
    *"$\\\"'`#:;=,{}[]()<>|&!?*%@~^+-_./ \t\n\r\v\f\0\x01\x1b\x7f\x85\xa0",
    *("$$", "${", "${A", "${A:-x}", "$A", "{$A}", "{$A:x}", "{env.HOME}", "{args[0]}", "{http.request.uri}", "{block}"),
    *("\\n", "\\r", "\\t", "\\\\", '\\"', "\\'", "\\$", "\\0", "\\0101", "\\x41", "\\u0041", "\\", "\r\n", "\\\n"),
    *(" #", "# ", "''", '""', '"""', "'''", "``", "<<EOF", "=", "export A=", "import x", "}\n{", "\n}\n"),
    *("{{", "}}", "{{ 1 + 1 }}", "{% raw %}", "{#", "#}", "!unsafe", "!!python/name:os", "&a", "*a", "- ", "? ", ": "),
    *("null", "~", "true", "yes", "NaN", ".inf", "0x1f", "1e3", "012", "12:34", "1_000", "---", "...", "%YAML"),
    *("]]>", "<a>", "&amp;", "%41", "%2F", "%", "//", "..", "@", "://", "[::1]"),
    *(
        "é",
        "ß",
        "\u0301",
        "\u202e",
        "\u05d0",
        "\u200b",
        "\u2028",
        "\ufeff",
        "\ufffd",
        "\uffff",
        "日",
        "😀",
        "\U0010ffff",
    ),
    *("\ud800", "\udcff"),  # halves of a pair, which no UTF-8 can carry
)


def mix(*strategies: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """One of the strategies, each as often as it is named; one_of would look into them and weigh their branches."""
    return st.sampled_from(range(len(strategies))).flatmap(lambda number: strategies[number])


_WORD = st.text("abcfnrtuvxABZ0189", min_size=1, max_size=6)
_PART = st.one_of(
    st.sampled_from(PIECES), st.sampled_from(PIECES), _WORD, st.characters(), st.characters(codec="ascii")
)


def nasty(most: int = 10) -> SearchStrategy[str]:
    """A text of such pieces, words and any characters; now and then a very long one."""
    short = st.lists(_PART, max_size=most).map("".join)
    blanks = st.sampled_from(["", " ", "\t", "  ", "\n"])
    framed = st.tuples(blanks, short, blanks).map("".join)
    long = st.tuples(_PART, st.integers(100, 3000), short).map(lambda parts: parts[0] * parts[1] + parts[2])
    return mix(short, short, short, framed, long)


@st.composite
def near(draw: st.DrawFn, accepted: SearchStrategy[str]) -> str:
    """An accepted text into which one piece was put where it does not belong, or from which a character was taken."""
    text = draw(accepted)
    place = draw(st.integers(0, len(text)))
    if draw(st.integers(0, 3)) or not text:
        return text[:place] + draw(st.sampled_from(PIECES)) + text[place:]
    return text[: place - 1] + text[place:]


#: What a variable of an inventory can be that is no text.
NO_TEXT = mix(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**17),
    st.floats(),
    st.lists(nasty(2), max_size=2),
    st.dictionaries(nasty(2), nasty(2), max_size=2),
)

_LABEL = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", fullmatch=True)
_LAST_LABEL = st.from_regex(r"[A-Za-z]([A-Za-z0-9-]{0,8}[A-Za-z0-9])?", fullmatch=True)
DNS_NAMES = st.tuples(st.lists(_LABEL, max_size=3), _LAST_LABEL).map(lambda parts: ".".join([*parts[0], parts[1]]))
IP_V4 = st.ip_addresses(v=4).map(str)
IP_V6 = st.ip_addresses(v=6).map(str)
HOSTS = mix(DNS_NAMES, DNS_NAMES, IP_V4, IP_V6)
PORTS = st.one_of(st.integers(1, 65535), st.sampled_from([1, 80, 443, 65535, "80", "0443"]))
BUCKETS = st.from_regex(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", fullmatch=True)
