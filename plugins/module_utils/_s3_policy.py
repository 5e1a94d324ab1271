# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bucket policies: one spelling for what means the same, and who may read without keys. Pure functions.

Private to the collection.
"""

from __future__ import annotations

import json
import re

PUBLIC_SID = "SelfhostAistackPublicRead"
_LISTS = ("Action", "NotAction", "Resource", "NotResource")
# AWS has parts of the world whose names of things start differently; every other server follows the first.
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


def _as_list(value):
    return sorted({str(item) for item in (value if isinstance(value, list) else [value])})


def _principal(value):
    if value == "*":
        return {"AWS": ["*"]}
    if not isinstance(value, dict):
        return value
    return {
        kind: sorted({re.sub(r"^([0-9]{12})$", r"arn:aws:iam::\1:root", name) for name in _as_list(names)})
        for kind, names in value.items()
    }


def _condition(value):
    # A truth value may be written as JSON's own or as text; AWS returns text.
    def text(item):
        return json.dumps(item) if isinstance(item, bool) else str(item)

    return {
        operator: {
            key: sorted({text(item) for item in (items if isinstance(items, list) else [items])})
            for key, items in tests.items()
        }
        for operator, tests in value.items()
    }


def normal_statement(statement):
    """A statement in the one spelling that equal statements share."""
    normal = {}
    for key, value in statement.items():
        if key in _LISTS:
            value = _as_list(value)
            if key in ("Action", "NotAction"):
                value = sorted({action.lower() for action in value})
        elif key in ("Principal", "NotPrincipal"):
            value = _principal(value)
        elif key == "Condition":
            value = _condition(value)
        if value not in ("", {}, None):
            normal[key] = value
    return normal


def statements(document):
    """The statements of a policy document as a list; none for an empty document."""
    found = (document or {}).get("Statement", [])
    return found if isinstance(found, list) else [found]


def normal_policy(document):
    """A policy document in the one spelling that equal documents share; {} if it says nothing."""
    if not statements(document):
        return {}
    normal = sorted(
        (normal_statement(one) for one in statements(document)), key=lambda one: json.dumps(one, sort_keys=True)
    )
    return {"Version": document.get("Version", "2008-10-17"), "Statement": normal}


def is_public_read(statement):
    """Whether a statement lets everybody, without condition, read objects."""
    normal = normal_statement(statement)
    return (
        normal.get("Effect") == "Allow"
        and "*" in normal.get("Principal", {}).get("AWS", [])
        and "Condition" not in normal
        and any(
            action in ("*", "s3:*", "s3:get*", "s3:getobject*", "s3:getobject") for action in normal.get("Action", [])
        )
    )


def public_patterns(document, bucket):
    """Patterns of keys that everybody may read, sorted; one with further rights has these in brackets behind it."""
    found = set()
    for statement in statements(document):
        if not is_public_read(statement):
            continue
        normal = normal_statement(statement)
        more = "" if normal["Action"] == ["s3:getobject"] else f" ({', '.join(normal['Action'])})"
        for resource in normal.get("Resource", []):
            pattern = re.sub(rf"^arn:[a-z-]+:s3:::{re.escape(bucket)}/", "", resource)
            found.add(pattern + more)
    return sorted(found)


def with_public_patterns(document, bucket, region, patterns):
    """The document with exactly these patterns readable for everybody, and every other statement as it is."""
    kept = [one for one in statements(document) if not is_public_read(one)]
    if patterns:
        partition = next((name for start, name in _PARTITIONS.items() if region.startswith(start)), "aws")
        kept.append(
            {
                "Sid": PUBLIC_SID,
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": [f"arn:{partition}:s3:::{bucket}/{pattern}" for pattern in patterns],
            }
        )
    if not kept:
        return {}
    return dict(document or {}, Version=(document or {}).get("Version", "2012-10-17"), Statement=kept)
