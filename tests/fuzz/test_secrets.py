# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A secret of any alphabet is kept as it was made, and arrives where it is used."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import redis
from ansible.parsing.vault import VaultSecret
from fuzzbed.cases import cases, count, sentence_problem, told
from fuzzbed.role import Role
from fuzzbed.values import PIECES, mix, nasty
from hypothesis import strategies as st

from ansible_collections.selfhost.aistack.plugins.plugin_utils import checks, env_file, secret_store
from ansible_collections.selfhost.aistack.plugins.plugin_utils.secret_store import (
    ALPHABETS,
    SecretStore,
    SecretStoreError,
    Shape,
)
from ansible_collections.selfhost.aistack.tests.unit.plugins.plugin_utils import compose_dotenv

_CHARACTERS = st.lists(mix(st.sampled_from("".join(PIECES)), st.characters()), min_size=12, max_size=30).map("".join)
_PRINTABLE = _CHARACTERS.map(lambda text: "".join(character for character in text if character.isprintable()))
SHAPES = st.builds(
    Shape,
    length=mix(*[st.integers(8, 64)] * 5, st.integers(-1, 5000)),
    alphabet=mix(st.sampled_from(sorted(ALPHABETS)), _PRINTABLE, _PRINTABLE, _PRINTABLE, _CHARACTERS),
    prefix=mix(st.just(""), st.just("GK"), st.just("$ "), nasty(2)),
)
_NAME = st.from_regex("[a-z_]{1,12}", fullmatch=True)
NAMES = mix(_NAME, _NAME, _NAME, nasty(3))
ROLE = Role("redis", "playbooks/wiring/vars/main.yml")


def kept(path: Path, vault: list[Any], name: str, shape: Shape) -> tuple[str, str]:
    """A secret as it was made, and as a later run reads it."""
    made = SecretStore(path, vault, lambda warning: None).get(name, shape, "free")
    secret_store._read.clear()  # a later run is another process
    return made, SecretStore(path, vault, lambda warning: None).get(name, shape, "free")


def test_a_secret_of_any_alphabet_is_kept_and_arrives(tmp_path: Path) -> None:
    made = cases(st.tuples(NAMES, SHAPES), 250)
    failures, refused = [], 0
    for number, (name, shape) in enumerate(made):
        vault = [("default", VaultSecret(b"a password"))] if number % 10 == 0 else []
        try:
            first, later = kept(tmp_path / f"{number}.yml", vault, name, shape)
        except SecretStoreError as error:
            refused += 1
            failures += [((name, shape), why) for why in [sentence_problem(str(error))] if why]
            continue
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told with the case
            failures.append(((name, shape), f"{type(error).__name__}: {error}"))
            continue
        why = "" if first == later else f"was made as {first!r} and read as {later!r}"
        why = why or problem_on_the_way(first)
        failures += [((name, shape), why)] if why else []
    count("the store of secrets", len(made) - refused, refused)
    assert not failures, told(failures)


def problem_on_the_way(value: str) -> str:
    """Where a secret is used as another one than it is; the checks may refuse it first."""
    if env_file.problems({"SECRET": value}):
        return "no environment can carry it, so it must not be made"
    if compose_dotenv.parse(env_file.render({"SECRET": value})) != {"SECRET": value}:
        return "is read as another value from an env file"
    if checks.secret(value, "redis_password", 16, r"[^\x00-\x1f\x7f]*"):
        return ""
    own = {"inventory_hostname": "it", "hostvars": {"it": {}}, "redis_password": value}
    read = redis.connection.parse_url(ROLE.evaluate("{{ gateway_redis_url }}", own))
    return "" if read["password"] == value else f"is read as {read['password']!r} from a URL"


def test_named_alphabets_go_everywhere_without_quotes() -> None:
    made = cases(st.tuples(st.sampled_from(sorted(ALPHABETS)), st.integers(16, 64)), 150)
    failures = []
    for alphabet, length in made:
        value = Shape(length=length, alphabet=alphabet).make()
        if len(value) != length or not re.fullmatch(r"[A-Za-z0-9_-]+", value):
            failures.append(((alphabet, length), value))
    count("named alphabets", len(made))
    assert not failures, told(failures)
