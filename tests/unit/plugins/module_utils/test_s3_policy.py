# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils._s3_policy import (
    is_public_read,
    normal_policy,
    public_patterns,
    with_public_patterns,
)

READ = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
DENY = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"}
SECURE = {"Bool": {"aws:SecureTransport": "false"}}


def policy(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


@pytest.mark.parametrize(
    "same",
    [
        policy({**READ, "Action": ["S3:getobject"]}),
        policy({**READ, "Resource": ["arn:aws:s3:::b/*", "arn:aws:s3:::b/*"]}),
        policy({**READ, "Principal": {"AWS": "*"}, "Sid": ""}),
        policy({**READ, "Condition": {}}),
        {"Version": "2012-10-17", "Statement": READ, "Id": "any"},
    ],
)
def test_spellings_of_one_policy(same):
    assert normal_policy(same) == normal_policy(policy(READ))


def test_order_of_statements_and_of_values_does_not_count():
    assert normal_policy(policy(READ, DENY)) == normal_policy(policy(DENY, READ))
    account = {**READ, "Principal": {"AWS": ["123456789012", "arn:aws:iam::1:user/x"]}}
    full = {**READ, "Principal": {"AWS": ["arn:aws:iam::1:user/x", "arn:aws:iam::123456789012:root"]}}
    assert normal_policy(policy(account)) == normal_policy(policy(full))
    boolean = {**DENY, "Condition": {"Bool": {"aws:SecureTransport": False}}}
    assert normal_policy(policy(boolean)) == normal_policy(policy({**DENY, "Condition": SECURE}))


@pytest.mark.parametrize("empty", [{}, {"Version": "2012-10-17"}, {"Statement": []}])
def test_a_policy_that_says_nothing(empty):
    assert normal_policy(empty) == {}


@pytest.mark.parametrize(
    "other",
    [
        {**READ, "Effect": "Deny"},
        {**READ, "Resource": "arn:aws:s3:::b/x/*"},
        {**READ, "Condition": SECURE},
        {**READ, "Principal": {"AWS": "123456789012"}},
    ],
)
def test_what_differs_is_told_apart(other):
    assert normal_policy(policy(other)) != normal_policy(policy(READ))


@pytest.mark.parametrize(
    ("statement", "public"),
    [
        (READ, True),
        ({**READ, "Principal": {"AWS": ["*"]}}, True),
        ({**READ, "Action": ["s3:ListBucket", "s3:Get*"]}, True),
        ({**READ, "Action": "s3:*"}, True),
        (DENY, False),
        ({**READ, "Action": "s3:PutObject"}, False),
        ({**READ, "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}, False),
        ({**READ, "Principal": {"AWS": "123456789012"}}, False),
    ],
)
def test_who_may_read_without_keys(statement, public):
    assert is_public_read(statement) is public


def test_patterns_are_set_beside_other_statements():
    opened = with_public_patterns(policy(DENY), "b", "eu-central-1", ["img/*"])
    assert public_patterns(opened, "b") == ["img/*"]
    assert DENY in opened["Statement"]
    wider = with_public_patterns(opened, "b", "eu-central-1", ["*"])
    assert public_patterns(wider, "b") == ["*"]
    assert len(wider["Statement"]) == 2
    assert with_public_patterns(wider, "b", "eu-central-1", []) == policy(DENY)
    assert with_public_patterns(policy(READ), "b", "eu-central-1", []) == {}


def test_more_than_reading_is_never_taken_for_reading():
    everything = policy({**READ, "Action": "s3:*"})
    assert public_patterns(everything, "b") == ["* (s3:*)"]
    assert public_patterns(with_public_patterns(everything, "b", "garage", ["*"]), "b") == ["*"]


def test_chinas_regions_have_names_of_their_own():
    document = with_public_patterns({}, "b", "cn-north-1", ["*"])
    assert document["Statement"][0]["Resource"] == ["arn:aws-cn:s3:::b/*"]
    assert public_patterns(document, "b") == ["*"]
