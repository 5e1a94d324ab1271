# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from ansible_collections.selfhost.aistack.plugins.plugin_utils import env_file
from ansible_collections.selfhost.aistack.tests.unit.plugins.plugin_utils import compose_dotenv

FIXTURE = Path(__file__).parents[2] / "fixtures" / "dotenv" / "parsed.json"
CASES = json.loads(FIXTURE.read_text(encoding="utf-8"))["cases"]
PIECES = [
    *"$\\\"'#:;={}[]()|&!`~ \t\n\r\v\f\x85\xa0abcfnrtv01234567xAZ_-.,@é€😀\x01\x1f\x7f\u2028\ufeff",
    *["$$", "${", "$A", "${A:-x}", "\\n", "\\0101", "\\$", '\\"', "\\'", "\\\\", " #", "\r\n", "export A=", "''", '""'],
]


def test_our_reading_of_an_env_file_is_the_one_of_compose():
    assert len(CASES) > 300
    for case in CASES:
        try:
            values = compose_dotenv.parse(case["file"])
        except compose_dotenv.DotenvError:
            values = None
        assert values == case["values"], case["file"]


@pytest.mark.parametrize("seed", range(20))
def test_random_values_arrive_unchanged(seed):
    rnd = random.Random(seed)  # noqa: S311 - the same values in every run
    for _round in range(100):
        env = {
            name: "".join(rnd.choice(PIECES) for _piece in range(rnd.randint(0, 30)))
            for name in ("A", "_b", "C9", "export")
        }
        text = env_file.render(env)
        assert compose_dotenv.parse(text) == env
        assert text.count("\n") == len(env)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        " both ends ",
        "\\",
        "a\\",
        "a\\\\",
        "\\'",
        "it's",
        '"quoted"',
        "# no comment",
        "a #b",
        "a;b:c=d",
        "$HOME ${HOME} $$",
        "admin:$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA",
        '[{"id": "a", "client_secret": "p$w\\"d"}]',
        "one\ntwo\r\nthree\r",
        "\ttab",
        "grün 日本 😀",
    ],
)
def test_known_traps_arrive_unchanged(value):
    assert compose_dotenv.parse(env_file.render({"A": value, "B": "after"})) == {"A": value, "B": "after"}


def test_numbers_and_booleans_become_text():
    assert env_file.render({"A": True, "B": False, "C": 5, "D": 1.5}) == 'A="true"\nB="false"\nC="5"\nD="1.5"\n'


def test_nothing_is_an_empty_file():
    assert env_file.render({}) == ""


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("hush\0", "NUL"),
        ("hush\udcff", "UTF-8"),
        (None, "null"),
        (["hush"], "list"),
        ({"a": "hush"}, "dictionary"),
        ("hush" * 32768, "more than Linux"),
        ("h" * (131072 - len("GATEWAY_KEY") - 1), "more than Linux"),
    ],
)
def test_a_value_that_cannot_be_carried_is_one_sentence_with_its_name_alone(value, why):
    found = env_file.problems({"GOOD": "x", "GATEWAY_KEY": value})
    assert len(found) == 1
    assert "GATEWAY_KEY" in found[0]
    assert why in found[0]
    assert "hush" not in found[0]
    with pytest.raises(ValueError, match="GATEWAY_KEY") as error:
        env_file.render({"GATEWAY_KEY": value})
    assert "hush" not in str(error.value)


def test_the_longest_value_is_accepted():
    assert env_file.problems({"GATEWAY_KEY": "h" * (131072 - len("GATEWAY_KEY") - 2)}) == []


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A=B", "grün", "A\n", 5, None, "A.B"])
def test_a_name_that_is_no_variable_is_refused(name):
    assert len(env_file.problems({name: "x"})) == 1


def test_an_environment_that_is_no_dictionary_is_refused():
    assert len(env_file.problems(["A=b"])) == 1
    with pytest.raises(ValueError, match="dictionary"):
        env_file.render(None)
