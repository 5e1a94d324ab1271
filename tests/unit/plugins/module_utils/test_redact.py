# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts without the values that no message may show."""

from __future__ import annotations

import base64
import json
import shlex
from urllib.parse import quote, quote_plus

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils._redact import redact, secret_values

ODD = 'p4\'ss "w$rd"\\%/+&=ü\U0001f511`!#'


def test_values_are_secret_by_the_name_of_their_variable():
    assert secret_values({"api_key": "a", "REDIS_URL": "b", "LOG_LEVEL": "c", "Token": 5}) == ["a", "b", "5"]


@pytest.mark.parametrize(
    ("variables", "part"),
    [
        ({"REDIS_URL": "redis://:p%2Fw%20rd@redis:6379/0"}, "p/w rd"),
        ({"REDIS_URL": "redis://:p%2Fw%20rd@redis:6379/0"}, "p%2Fw%20rd"),
        ({"API_KEYS": "ci:first-key,second-key"}, "first-key"),
        ({"API_KEYS": "ci:first-key,second-key"}, "second-key"),
        ({"AUTH_BASIC_USERS": "ann:$argon2id$v=19$m=1;bob:$2b$12$x"}, "$2b$12$x"),
        ({"AUTH_OIDC_PROVIDERS": json.dumps([{"id": "sso", "client_secret": 'a"b'}])}, 'a"b'),
    ],
)
def test_a_value_of_several_things_gives_each_secret_of_them(variables, part):
    assert part in secret_values(variables)


def test_json_that_is_none_is_taken_for_a_text():
    assert secret_values({"SIGNING_KEY": "{not json"}) == ["{not json"]


def test_a_longer_secret_goes_before_one_that_is_part_of_it():
    assert redact("see secret-long and secret", ["secret", "secret-long"]) == "see ******** and ********"


def test_a_value_too_short_to_be_a_secret_is_left_alone():
    assert redact("port 8080", ["8080", ""]) == "port 8080"


@pytest.mark.parametrize(
    "spell",
    [
        str,
        quote,
        quote_plus,
        lambda value: quote(value, safe="").lower(),
        lambda value: quote(value, safe="!*'()~$&+,/:;=@"),
        lambda value: json.dumps(value)[1:-1],
        lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
        lambda value: json.dumps(json.dumps(value))[3:-3],
        lambda value: repr(value)[1:-1],
        shlex.quote,
        lambda value: "'" + value.replace("'", "'\\''") + "'",
        lambda value: "".join("\\" + c if c in '"\\$`' else c for c in value),
        lambda value: base64.b64encode(value.encode()).decode(),
        lambda value: base64.b64encode(f"u:{value}".encode()).decode(),
        lambda value: base64.b64encode(f"user:{value}".encode()).decode(),
        lambda value: base64.urlsafe_b64encode(f"{value}?".encode()).decode(),
    ],
)
def test_a_secret_goes_in_every_spelling(spell):
    told = redact(f"a {spell(ODD)} z", [ODD])
    assert "********" in told
    # Base64 leaves a character on each side that the secret shares with its neighbours.
    assert len(told) <= len("a ******** z") + 12
    assert "rd" not in told
