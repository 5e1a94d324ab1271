# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lifecycle and CORS rules: from the module's options and from S3's answers into one form, and back. Pure functions.

Private to the collection.
"""

from __future__ import annotations

import re

# S3 carries rules as XML, which has no control characters, takes other ends of lines for \n, and has neither halves of
# characters nor U+FFFE and U+FFFF. Garage takes such a rule all the same, and then answers 500 to whoever asks for it.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")

# What of a lifecycle rule is understood: (option, S3's element, S3's field).
DAYS = (
    ("expire_days", "Expiration", "Days"),
    ("noncurrent_days", "NoncurrentVersionExpiration", "NoncurrentDays"),
    ("abort_multipart_days", "AbortIncompleteMultipartUpload", "DaysAfterInitiation"),
)


def text_problem(text):
    """Why a text cannot stand in a rule, as the rest of a sentence that begins with its name, or None."""
    found = _UNFIT.search(text)
    if found is None:
        return None
    return "holds %s at position %d; leave control characters out." % (ascii(found.group()), found.start() + 1)


def lifecycle_problem(rules):
    """The first thing wrong with the option lifecycle, as a sentence, or None."""
    names = [rule["id"] for rule in rules]
    for rule in rules:
        label = f"lifecycle, rule {rule['id']!r}"
        if not rule["id"] or len(rule["id"]) > 255:
            return f"{label}: id has {len(rule['id'])} characters; give 1 to 255."
        for option in ("id", "prefix"):
            unfit = text_problem(rule[option] or "")
            if unfit:
                return f"{label}: {option} {unfit}"
        if names.count(rule["id"]) > 1:
            return f"{label}: id is used {names.count(rule['id'])} times; give each rule its own."
        given = [(option, rule[option]) for option, _element, _field in DAYS if rule[option] is not None]
        if not given:
            return f"{label}: it does nothing; set expire_days, noncurrent_days or abort_multipart_days."
        for option, days in given:
            if days < 1:
                return f"{label}: {option} is {days}; give 1 or more days."
    return None


def wanted_lifecycle(rules):
    """The option lifecycle as {id: rule}; rules have no order, because all that match apply."""
    return {
        rule["id"]: {
            "enabled": rule["enabled"],
            "prefix": rule["prefix"] or "",
            **{option: rule[option] for option, _element, _field in DAYS if rule[option] is not None},
        }
        for rule in rules
    }


def present_lifecycle(rules):
    """S3's rules as {id: rule}; what the options cannot express is kept under `other`, so that it counts as different."""
    found = {}
    for number, rule in enumerate(rules):
        rest = {key: value for key, value in rule.items() if key not in ("ID", "Status")}
        # No filter, an empty one, an empty prefix and the old top-level Prefix mean the same.
        condition = rest.pop("Filter", None) or {}
        condition = condition.get("And", condition)
        prefix = condition.get("Prefix") or rest.pop("Prefix", "") or ""
        normal = {"enabled": rule["Status"] == "Enabled", "prefix": prefix}
        for option, element, field in DAYS:
            body = dict(rest.pop(element, None) or {})
            if body.get(field):
                normal[option] = body.pop(field)
            other = {key: value for key, value in body.items() if value not in (False, None)}
            if other:
                rest[element] = other
        extra = {key: value for key, value in condition.items() if key != "Prefix"}
        if extra:
            rest["Filter"] = extra
        rest = {key: value for key, value in rest.items() if value not in ("", [], {}, None)}
        if rest:
            normal["other"] = repr(sorted(rest.items()))
        found[rule.get("ID") or f"(rule {number} without id)"] = normal
    return found


def lifecycle_document(wanted):
    """What PutBucketLifecycleConfiguration takes. The prefix stands in Filter, also when empty: Garage wants it so."""
    rules = []
    for name, rule in sorted(wanted.items()):
        body = {
            "ID": name,
            "Status": "Enabled" if rule["enabled"] else "Disabled",
            "Filter": {"Prefix": rule["prefix"]},
        }
        body.update({element: {field: rule[option]} for option, element, field in DAYS if option in rule})
        rules.append(body)
    return {"Rules": rules}


def cors_problem(rules):
    """The first thing wrong with the option cors, as a sentence, or None."""
    for number, rule in enumerate(rules, 1):
        for option in ("origins", "methods"):
            if not rule[option]:
                return f"cors, rule {number}: {option} is empty; name at least one."
        for option in ("origins", "headers", "expose"):
            unfit = next(filter(None, map(text_problem, rule[option])), None)
            if unfit:
                return f"cors, rule {number}: an entry of {option} {unfit}"
        if rule["max_age"] is not None and rule["max_age"] < 0:
            return f"cors, rule {number}: max_age is {rule['max_age']}; give 0 or more seconds."
    return None


def _cors(origins, methods, headers, expose, max_age):
    # The order of rules counts (the first that matches applies), the order within one does not, and header names have
    # no case.
    return {
        "origins": sorted(set(origins)),
        "methods": sorted(set(methods)),
        "headers": sorted({name.lower() for name in headers}),
        "expose": sorted({name.lower() for name in expose}),
        "max_age": max_age,
    }


def wanted_cors(rules):
    """The option cors in the form that is compared."""
    return [_cors(**rule) for rule in rules]


def present_cors(rules):
    """S3's rules in the form that is compared."""
    return [
        _cors(
            rule.get("AllowedOrigins", []),
            rule.get("AllowedMethods", []),
            rule.get("AllowedHeaders", []),
            rule.get("ExposeHeaders", []),
            rule.get("MaxAgeSeconds"),
        )
        for rule in rules
    ]


def cors_document(rules):
    """What PutBucketCors takes, from the option as it was given (header names keep their spelling)."""
    document = []
    for rule in rules:
        body = {"AllowedOrigins": rule["origins"], "AllowedMethods": rule["methods"]}
        if rule["headers"]:
            body["AllowedHeaders"] = rule["headers"]
        if rule["expose"]:
            body["ExposeHeaders"] = rule["expose"]
        if rule["max_age"] is not None:
            body["MaxAgeSeconds"] = rule["max_age"]
        document.append(body)
    return {"CORSRules": document}
