# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who owns which key of daemon.json, and what a change asks of the engine."""

from __future__ import annotations

import random

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils import _daemon_config as dc


def put(file, *contributions):
    """Merge (owner, config) contributions one after the other; the file and the records at the end."""
    owners = {}
    for owner, config in contributions:
        file, record = dc.merge(file, owner, dc.wanted(config), owners)
        owners[owner] = record
    return file, owners


@pytest.mark.parametrize(
    ("file", "contributions", "expected"),
    [
        ({}, [("a", {"icc": False})], {"icc": False}),
        ({"bip": "10.9.0.1/24"}, [("a", {"icc": False})], {"bip": "10.9.0.1/24", "icc": False}),
        ({}, [("a", {"icc": False}), ("a", {})], {}),
        ({"icc": True}, [("a", {"icc": False}), ("a", {})], {}),
        ({"icc": False}, [("a", {"icc": False}), ("a", {})], {"icc": False}),
        ({}, [("a", {"icc": None})], {}),
        (
            {"log-opts": {"tag": "x"}},
            [("a", {"log-opts": {"max-size": "1m"}})],
            {"log-opts": {"tag": "x", "max-size": "1m"}},
        ),
        (
            {"log-opts": {"tag": "x"}},
            [("a", {"log-opts": {"max-size": "1m"}}), ("a", {})],
            {"log-opts": {"tag": "x"}},
        ),
        (
            {},
            [("a", {"features": {"cdi": True}}), ("b", {"features": {"buildkit": True}}), ("a", {})],
            {"features": {"buildkit": True}},
        ),
        ({}, [("a", {"icc": False}), ("b", {"icc": False}), ("a", {})], {"icc": False}),
        ({}, [("a", {"icc": False}), ("b", {"icc": False}), ("a", {}), ("b", {})], {}),
        ({}, [("a", {"icc": False}), ("a", {"icc": True})], {"icc": True}),
        (
            {},
            [("a", {"builder": {"gc": {"enabled": True}}}), ("a", {"builder": {"gc": {"enabled": False}}})],
            {"builder": {"gc": {"enabled": False}}},
        ),
        ({"features": {}}, [("a", {"icc": False})], {"features": {}, "icc": False}),
        ({"x": 1}, [("a", {"x": {"y": 2}})], {"x": {"y": 2}}),
        ({"x": {"y": 2, "z": 3}}, [("a", {"x": 1})], {"x": 1}),
        ({}, [("a", {"x": {"y": 2}}), ("a", {"x": 1}), ("a", {"x": {"z": 3}})], {"x": {"z": 3}}),
    ],
)
def test_merge(file, contributions, expected):
    assert put(file, *contributions)[0] == expected


def test_a_key_changed_by_hand_is_put_back_while_wanted_and_left_when_dropped():
    file, owners = put({}, ("a", {"icc": False, "debug": True}))
    file.update({"icc": True, "debug": False})
    file, record = dc.merge(file, "a", {"icc": False}, owners)
    assert file == {"icc": False, "debug": False}
    assert list(record["keys"]) == ["icc"]


def test_a_key_removed_by_hand_comes_back_while_wanted():
    _file, owners = put({}, ("a", {"icc": False}))
    assert dc.merge({}, "a", {"icc": False}, owners)[0] == {"icc": False}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"icc": False}, {"icc": True}),
        ({"x": 1}, {"x": {"y": 1}}),
        ({"x": {"y": 1}}, {"x": 1}),
        ({"x": {"y": 1}}, {"x": {"y": 2}}),
    ],
)
def test_two_owners_who_disagree_are_told_so(first, second):
    with pytest.raises(dc.ConfigError, match="wanted by b and, with another value, by a: give both the same value"):
        put({}, ("a", first), ("b", second))


def test_two_owners_share_a_dictionary():
    file, _owners = put({}, ("a", {"x": {"y": 1}}), ("b", {"x": {"z": 1}}))
    assert file == {"x": {"y": 1, "z": 1}}


def test_a_record_written_before_the_swap_serves_both_ways():
    """Killed before or after the swap, with another wish afterwards: what this owner wrote is still known as its own."""
    file, owners = put({}, ("a", {"icc": False}))
    after, record = dc.merge(file, "a", {"icc": True}, owners)
    owners["a"] = dc.intent(owners["a"], record)
    for left in (file, after):
        assert dc.merge(left, "a", {}, owners)[0] == {}


def test_a_record_written_before_the_swap_does_not_make_a_key_found():
    owners = {}
    after, record = dc.merge({}, "a", {"icc": False}, owners)
    owners["a"] = dc.intent(None, record)
    _same, record = dc.merge(after, "a", {"icc": False}, owners)
    assert record["found"] == []


def test_owners_may_come_change_and_go_in_any_order():
    """What is left at the end is what applying it at once would give, and what a person wrote."""
    for seed in range(100):
        chance = random.Random(seed)  # noqa: S311 - an order, not a secret
        by_hand = {"bip": "10.9.0.1/24", "features": {"by-hand": True}}
        # A key that several want has the same value for all of them; a key of one owner has any.
        shared = {"features": {"cdi": True}, "icc": False, "log-opts": {"max-size": "20m"}}
        file, owners, wants = dict(by_hand), {}, {}
        for _step in range(30):
            owner = chance.choice("abcd")
            config = {key: shared[key] for key in shared if chance.random() < 0.4}
            if chance.random() < 0.5:
                config["runtimes"] = {owner: {"path": f"/usr/bin/{chance.randrange(3)}"}}
            wants[owner] = config if chance.random() < 0.7 else {}
            file, owners[owner] = dc.merge(file, owner, dc.wanted(wants[owner]), owners)
        at_once, fresh = dict(by_hand), {}
        for owner, config in wants.items():
            at_once, fresh[owner] = dc.merge(at_once, owner, dc.wanted(config), fresh)
        assert dc.encode(file) == dc.encode(at_once), seed
        assert file["bip"] == by_hand["bip"]
        assert file["features"]["by-hand"] is True


def test_merging_again_changes_nothing():
    file, owners = put({"bip": "10.9.0.1/24"}, ("a", {"icc": False, "log-opts": {"max-size": "1m"}}))
    again, record = dc.merge(file, "a", {"icc": False, "log-opts": {"max-size": "1m"}}, owners)
    assert again == file
    assert record == owners["a"]


@pytest.mark.parametrize(
    ("before", "after", "action", "paths"),
    [
        ({}, {}, "none", []),
        ({"icc": False}, {"icc": False}, "none", []),
        ({}, {"debug": True}, "reload", ["debug"]),
        ({"debug": True}, {"debug": False}, "reload", ["debug"]),
        ({"debug": True}, {}, "restart", ["debug"]),
        ({}, {"icc": False}, "restart", ["icc"]),
        ({"icc": False}, {}, "restart", ["icc"]),
        ({}, {"debug": True, "icc": False}, "restart", ["debug", "icc"]),
        ({}, {"live-restore": True}, "reload", ["live-restore"]),
        ({}, {"features": {"buildkit": True}}, "reload", ["features.buildkit"]),
        ({}, {"features": {"cdi": True}}, "restart", ["features.cdi"]),
        ({"features": {"containerd-snapshotter": True}}, {"features": {"buildkit": True}}, "restart", None),
        ({"runtimes": {"a": {}, "b": {}}}, {"runtimes": {"a": {}}}, "reload", ["runtimes.b"]),
        ({"runtimes": {"a": {}}}, {}, "restart", ["runtimes.a"]),
        ({"log-opts": {"max-size": "1m"}}, {"log-opts": {"max-size": "2m"}}, "restart", ["log-opts.max-size"]),
        ({"features": {}}, {}, "none", []),
    ],
)
def test_decide(before, after, action, paths):
    decided, differing = dc.decide(dc.digests(before), dc.digests(after))
    assert decided == action
    assert paths is None or differing == paths


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"log-opts": {"max-file": 5}}, r"config.log-opts.max-file is 5 \(int\).*a text \(in quotes\)"),
        ({"live-restore": "yes"}, r'config.live-restore is "yes" \(str\).*true or false'),
        ({"registry-mirrors": "http://m"}, "a list"),
        ({"runtimes": ["x"]}, "a dictionary"),
        (
            {"default-address-pools": [{"base": "172.29.0.1/16", "size": 24}]},
            'has {"base": "172.29.0.1/16", "size": 24}: give a',
        ),
        ({"default-address-pools": [{"base": "172.29.0.0/16", "size": 8}]}, "give a network as base"),
        ({"default-address-pools": [{"base": "172.29.0.0/16"}]}, "give a network as base"),
        ({"default-address-pools": ["172.29.0.0/16"]}, "give a network as base"),
        ({"log-opts.max-size": "1m"}, "nest the part behind it"),
        ({"log-opts": {"splunk-token": 12345}}, r"config.log-opts.splunk-token is a value \(int\)"),
    ],
)
def test_wrong_values_are_one_sentence(config, message):
    with pytest.raises(dc.ConfigError, match=message) as caught:
        dc.wanted(config)
    assert "\n" not in str(caught.value)
    assert "12345" not in str(caught.value)


@pytest.mark.parametrize(("text", "word"), [('{"icc": false,}', "line 1"), ("[]", "holds list")])
def test_a_broken_file_is_named(text, word):
    with pytest.raises(dc.ConfigError, match=word):
        dc.parse(text, "/etc/docker/daemon.json")


def test_blank_file_is_an_empty_configuration():
    assert dc.parse(" \n", "x") == {}
    assert dc.parse(dc.encode({"a": 1}), "x") == {"a": 1}
