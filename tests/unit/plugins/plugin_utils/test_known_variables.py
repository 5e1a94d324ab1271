# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which names of an inventory are ours, and the nearest one to a typo."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.selfhost.aistack.plugins.plugin_utils import known_variables

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("redis_maxmemry", "correct it to redis_maxmemory (all of redis stand in the README of that role)"),
        ("docling_memorylimit", "correct it to docling_memory_limit"),
        ("caddy_tls_sites", "correct it to caddy_tls_site"),
        ("auth_user", "correct it to auth_users"),
        ("aistack_look", "correct it to aistack_look_ahead"),
        ("redis_zzzzzzzzzzzzzzzzzz", "take it out (all of redis stand in the README of that role)"),
    ],
)
def test_an_unknown_name_is_one_sentence_with_the_nearest_one(name, cure):
    (sentence,) = known_variables.problems([name, "redis_image"])
    assert sentence.startswith(f"{name} is no variable of this collection: ")
    assert cure in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize("name", ["ansible_host", "bed_images", "vault_password", "redisx", "gateway", "__redis_x"])
def test_names_that_are_not_ours_are_left_alone(name):
    assert known_variables.problems([name]) == []


def test_names_that_the_inventory_keeps_for_itself_are_left_alone():
    assert known_variables.problems(["gateway_of_rack"], ["gateway_of_rack"]) == []


def test_every_name_that_an_inventory_of_ours_gives_is_known():
    names = set()
    for path in [*ROOT.glob("inventories/**/*.yml"), *ROOT.glob("playbooks/wiring/vars/main.yml")]:
        text = re.sub(r"^#\s?", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        names |= set(re.findall(r"^\s*([a-z][a-z0-9_]+):", text, re.MULTILINE))
    assert len(names) > 20
    assert known_variables.problems(names) == []


def test_every_default_of_a_role_is_known():
    for path in ROOT.glob("roles/*/defaults/main.yml"):
        assert known_variables.problems(yaml.safe_load(path.read_text(encoding="utf-8"))) == []
