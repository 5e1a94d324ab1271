# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils._s3_rules import (
    cors_document,
    cors_problem,
    lifecycle_document,
    lifecycle_problem,
    present_cors,
    present_lifecycle,
    wanted_cors,
    wanted_lifecycle,
)


def rule(**options):
    none = {"expire_days": None, "noncurrent_days": None, "abort_multipart_days": None}
    return {"id": "a", "prefix": "", "enabled": True, **none, **options}


def cors(**options):
    return {"origins": ["*"], "methods": ["GET"], "headers": [], "expose": [], "max_age": None, **options}


@pytest.mark.parametrize(
    "condition",
    [{}, {"Prefix": ""}, {"Filter": {}}, {"Filter": {"Prefix": ""}}, {"Filter": {"And": {"Prefix": ""}}}],
)
def test_no_prefix_has_many_spellings(condition):
    server = [{"ID": "a", "Status": "Enabled", "Expiration": {"Days": 7}, **condition}]
    assert present_lifecycle(server) == wanted_lifecycle([rule(expire_days=7)])


@pytest.mark.parametrize(
    "condition", [{"Prefix": "tmp/"}, {"Filter": {"Prefix": "tmp/"}}, {"Filter": {"And": {"Prefix": "tmp/"}}}]
)
def test_a_prefix_has_three_spellings(condition):
    server = [{"ID": "a", "Status": "Disabled", "Expiration": {"Days": 7}, **condition}]
    assert present_lifecycle(server) == wanted_lifecycle([rule(prefix="tmp/", expire_days=7, enabled=False)])


def test_what_is_written_is_what_is_wanted():
    rules = [rule(id="b", noncurrent_days=2, abort_multipart_days=1, prefix="x"), rule(expire_days=1, enabled=False)]
    wanted = wanted_lifecycle(rules)
    assert present_lifecycle(lifecycle_document(wanted)["Rules"]) == wanted
    assert wanted == wanted_lifecycle(rules[::-1])


@pytest.mark.parametrize(
    "more",
    [
        {"Transitions": [{"Days": 30, "StorageClass": "GLACIER"}]},
        {"Filter": {"Tag": {"Key": "a", "Value": "b"}}},
        {"Filter": {"And": {"Prefix": "", "ObjectSizeGreaterThan": 5}}},
        {"Expiration": {"Days": 7, "ExpiredObjectDeleteMarker": True}},
        {"Expiration": {"Date": datetime.datetime(2026, 1, 1)}},
    ],
)
def test_what_the_options_cannot_say_counts_as_different(more):
    server = [{"ID": "a", "Status": "Enabled", "Expiration": {"Days": 7}, **more}]
    assert present_lifecycle(server) != wanted_lifecycle([rule(expire_days=7)])


def test_empty_additions_of_a_server_count_as_nothing():
    server = {"ID": "a", "Status": "Enabled", "Expiration": {"Days": 7, "ExpiredObjectDeleteMarker": False}}
    server.update(Transitions=[], NoncurrentVersionTransitions=[])
    assert present_lifecycle([server]) == wanted_lifecycle([rule(expire_days=7)])


def test_rules_without_id_do_not_hide_each_other():
    server = [{"Status": "Enabled", "Expiration": {"Days": days}} for days in (1, 2)]
    assert len(present_lifecycle(server)) == 2


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ([rule(id="", expire_days=1)], "lifecycle, rule '': id has 0 characters; give 1 to 255."),
        (
            [rule(expire_days=1), rule(expire_days=2)],
            "lifecycle, rule 'a': id is used 2 times; give each rule its own.",
        ),
        ([rule(expire_days=0)], "lifecycle, rule 'a': expire_days is 0; give 1 or more days."),
        ([rule()], "lifecycle, rule 'a': it does nothing; set expire_days, noncurrent_days or abort_multipart_days."),
        ([rule(abort_multipart_days=1)], None),
    ],
)
def test_lifecycle_that_cannot_be_meant(rules, sentence):
    assert lifecycle_problem(rules) == sentence


def test_cors_order_counts_between_rules_only():
    first = cors(methods=["GET", "HEAD"], headers=["Range", "x-a"], expose=["ETag"], max_age=60)
    same = cors(methods=["HEAD", "GET"], headers=["X-A", "range"], expose=["etag"], max_age=60)
    assert wanted_cors([first]) == wanted_cors([same])
    assert wanted_cors([first, cors()]) != wanted_cors([cors(), first])


def test_cors_is_written_as_it_was_spelled():
    rules = [cors(headers=["X-A"], expose=["ETag"], max_age=0), cors()]
    document = cors_document(rules)["CORSRules"]
    assert document[0]["AllowedHeaders"] == ["X-A"]
    assert document[1] == {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}
    assert present_cors(document) == wanted_cors(rules)


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ([cors(), cors(origins=[])], "cors, rule 2: origins is empty; name at least one."),
        ([cors(methods=[])], "cors, rule 1: methods is empty; name at least one."),
        ([cors(max_age=-1)], "cors, rule 1: max_age is -1; give 0 or more seconds."),
        ([cors()], None),
    ],
)
def test_cors_that_cannot_be_meant(rules, sentence):
    assert cors_problem(rules) == sentence


@pytest.mark.parametrize("character", ["\0", "\t", "\n", "\r", "\x7f", "\x85", "\u2028", "\ud800", "\ufffe", "\uffff"])
def test_what_xml_cannot_carry_is_refused_before_the_server_takes_it(character):
    for options in ({"id": f"a{character}"}, {"prefix": f"a{character}"}):
        problem = lifecycle_problem([rule(expire_days=1, **options)])
        assert f"{next(iter(options))} holds" in problem and "position 2; leave" in problem
        assert problem.isprintable()
    for option in ("origins", "headers", "expose"):
        assert f"an entry of {option} holds" in cors_problem([cors(**{option: ["a", character]})])


def test_any_other_character_is_accepted():
    text = " <&>\"'ä日😀 "
    assert lifecycle_problem([rule(id=text, prefix=text, expire_days=1)]) is None
    assert cors_problem([cors(origins=[text], headers=[text], expose=[text])]) is None
