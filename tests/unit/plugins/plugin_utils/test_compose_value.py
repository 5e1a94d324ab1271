# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
import yaml

from ansible_collections.selfhost.aistack.plugins.plugin_utils.compose_value import render


@pytest.mark.parametrize(
    "value",
    [
        "",
        "plain",
        "12:34",
        "null",
        'it\'s "quoted" \\ and \\u0041',
        "two\nlines\r\n",
        "grün 日本 😀 \U0010ffff",
        "\u2028\x85\x7f\ufeff",
        "\\ud83d\\ude00",
        {"A": "x", "B": [1, True, "😀"]},
        5,
        True,
    ],
)
def test_yaml_reads_the_same_value(value):
    text = render(value)
    assert "\n" not in text
    assert yaml.safe_load(f"key: {text}\n") == {"key": value}


def test_a_dollar_sign_is_written_twice_for_compose():
    assert render("it costs $5, ${HOME}, $$") == '"it costs $$5, $${HOME}, $$$$"'


@pytest.mark.parametrize("value", ["hush\ud800", {"hush\udcff": 1}, float("nan"), {1: {2}}, b"hush", object()])
def test_what_cannot_be_carried_is_one_sentence_without_it(value):
    with pytest.raises(ValueError, match="^A value for the compose file .*: [a-z ]*[.]$") as error:
        render(value)
    assert "hush" not in str(error.value)
