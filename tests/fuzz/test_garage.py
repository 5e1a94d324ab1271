# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Garage keeps every rule, quota, grant and name that our modules take, or they refuse it in a sentence.

What Garage has then is read over its admin API and over S3, without any code of the collection.
"""

from __future__ import annotations

import importlib.util
import secrets
import socket
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator
from botocore.config import Config
from fuzzbed.cases import cases, count, sentence_problem, told
from fuzzbed.role import REPOSITORY
from fuzzbed.values import NO_TEXT, PIECES, mix, nasty
from hypothesis import strategies as st

from ansible_collections.selfhost.aistack.plugins.module_utils import _s3_bucket
from ansible_collections.selfhost.aistack.plugins.module_utils._garage import GarageClient, GarageError
from ansible_collections.selfhost.aistack.plugins.module_utils._garage_bucket import (
    bucket_argument_spec,
    converge_bucket,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._garage_cluster import converge_cluster
from ansible_collections.selfhost.aistack.plugins.module_utils._garage_key import converge_key
from ansible_collections.selfhost.aistack.plugins.module_utils._s3 import S3Error
from ansible_collections.selfhost.aistack.plugins.modules.s3_bucket import facet_spec
from ansible_collections.selfhost.aistack.plugins.plugin_utils import bucket_rules

_PORTS = range(27500, 27600, 10)
BUCKET = "fuzz-bucket"
KEYS = [{"id": f"GK{number:024x}", "secret": secrets.token_hex(32), "name": f"key {number}"} for number in range(3)]
OWNER = KEYS[0]


class Garage:
    """A running Garage: our client, and ways to it that are not ours."""

    def __init__(self, described: dict[str, Any], call: Any) -> None:
        self.client = GarageClient(described["garage_endpoint"], described["garage_admin_token"])
        self._raw = lambda operation: call(described["garage_endpoint"], described["garage_admin_token"], operation)
        self.endpoint = described["s3_endpoint"]
        self.s3 = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="garage",
            aws_access_key_id=OWNER["id"],
            aws_secret_access_key=OWNER["secret"],
            config=Config(s3={"addressing_style": "path"}),
        )

    def bucket(self, name: str) -> dict[str, Any]:
        """What the admin API says of a bucket."""
        return self._raw(f"GetBucketInfo?globalAlias={name}")

    def key(self, key_id: str) -> dict[str, Any]:
        """What the admin API says of a key."""
        return self._raw(f"GetKeyInfo?id={key_id}")


def _free_port() -> int:
    for port in _PORTS:
        with socket.socket() as probe:
            if all(probe.connect_ex(("127.0.0.1", port + n)) for n in range(4)):
                return port
    raise AssertionError(f"No four ports in a row are free from {_PORTS.start} to {_PORTS.stop}.")


@pytest.fixture(scope="module")
def garage() -> Iterator[Garage]:
    spec = importlib.util.spec_from_file_location("garage", REPOSITORY / "tests" / "integration" / "garage.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.running_garage(_free_port()) as described:
        running = Garage(described, module.call)
        layout = {"nodes": [{"id": None, "zone": "home", "capacity": "1G", "tags": []}]}
        converge_cluster(
            running.client,
            {
                "layout": {**layout, "zone_redundancy": None, "purge": False, "wait": 30},
                "keys": [{"create_bucket": False, "state": "present", **key} for key in KEYS],
                "buckets": [],
            },
        )
        yield running


_SOME = st.sampled_from
_TEXT = nasty(5)
_ODD_NUMBER = st.integers(-(2**66), 2**66)
_ODD_DAYS = mix(st.integers(-2, 0), _ODD_NUMBER)
_METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD"]
_HEADERS = st.lists(_SOME(["*", "ETag", "x-amz-meta-a"]), max_size=3)
_ID = mix(st.uuids().map(str), _TEXT)


def _one_odd(good: dict[str, st.SearchStrategy[Any]], odd: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """A dictionary as it should be; in one case of three with one value of another kind."""
    right = st.fixed_dictionaries(good)
    wrong = st.tuples(right, _SOME(sorted(odd)).flatmap(lambda name: st.fixed_dictionaries({name: odd[name]})))
    return mix(right, right, wrong.map(lambda both: {**both[0], **both[1]}))


_DAYS = mix(
    st.fixed_dictionaries({"expire_days": st.integers(1, 4000), "abort_multipart_days": st.none()}),
    st.fixed_dictionaries({"expire_days": st.none(), "abort_multipart_days": st.integers(1, 4000)}),
    st.fixed_dictionaries({"expire_days": st.integers(1, 4000), "abort_multipart_days": st.integers(1, 4000)}),
)
_PLAIN_RULE = {"id": st.uuids().map(str), "prefix": _SOME(["", "tmp/", "ä/ &<x>"]), "enabled": st.booleans()}
_ODD_RULE = {"id": mix(_TEXT, _SOME(["x" * 255, "x" * 256])), "prefix": _TEXT}
_RULES = st.tuples(
    _one_odd(_PLAIN_RULE, _ODD_RULE), mix(_DAYS, _DAYS, _DAYS, _one_odd({}, {"expire_days": _ODD_DAYS}))
).map(lambda parts: {"expire_days": None, "abort_multipart_days": None, **parts[0], **parts[1]})
_CORS = _one_odd(
    {
        "origins": st.lists(_SOME(["*", "https://app.example.org", "https://*.example.org"]), min_size=1, max_size=3),
        "methods": st.lists(_SOME(_METHODS), min_size=1, max_size=5),
        "headers": _HEADERS,
        "expose": _HEADERS,
        "max_age": mix(st.none(), st.integers(0, 2**31)),
    },
    {
        "origins": st.lists(_TEXT, max_size=2),
        "methods": st.lists(_SOME([*_METHODS, "PATCH", "get"]), max_size=5),
        "headers": st.lists(_TEXT, min_size=1, max_size=2),
        "expose": st.lists(_TEXT, min_size=1, max_size=2),
        "max_age": mix(st.integers(-3, -1), _ODD_NUMBER),
    },
)
_SIZE = st.from_regex(r"[0-9]{1,12}(\.[0-9]{1,3})? ?[kKMGTP]?i?B?", fullmatch=True)
_GRANTS = _one_odd(
    {
        "key_id": _SOME([key["id"] for key in KEYS]),
        "read": st.booleans(),
        "write": st.booleans(),
        "owner": st.booleans(),
    },
    {"key_id": mix(_SOME(["GK" + "f" * 24, "GKx"]), _TEXT)},
)
GARAGE_OPTIONS = {
    "aliases": st.lists(mix(st.from_regex(r"[a-z0-9]([a-z0-9.-]{1,8})[a-z0-9]", fullmatch=True), _TEXT), max_size=2),
    "quotas": _one_odd(
        {"max_size": _SIZE, "max_objects": st.integers(0, 2**40)}, {"max_size": _TEXT, "max_objects": _ODD_NUMBER}
    ),
    "website": _one_odd(
        {"enabled": st.booleans(), "index_document": st.just("index.html"), "error_document": st.none()},
        {"index_document": _TEXT, "error_document": _TEXT},
    ),
    "lifecycle": st.lists(_RULES, max_size=2),
    "cors": st.lists(_CORS, max_size=2),
    "grants": st.lists(_GRANTS, max_size=3),
}
S3_OPTIONS = {name: GARAGE_OPTIONS[name] for name in ("lifecycle", "cors")}


@st.composite
def options(draw: st.DrawFn, known: dict[str, st.SearchStrategy[Any]]) -> dict[str, Any]:
    """One or two of the options with values; one in ten is of another type than it should be."""
    names = draw(st.lists(_SOME(sorted(known)), min_size=1, max_size=2, unique=True))
    return {name: draw(NO_TEXT if draw(st.integers(0, 9)) == 0 else known[name]) for name in names}


def as_a_module_has_them(spec: dict[str, Any], given: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The options after Ansible's own look at them, and what it refuses."""
    if any(known["type"] == "dict" and not isinstance(given.get(name) or {}, dict) for name, known in spec.items()):
        return {}, "ansible-core itself fails at what is no dictionary where options of a dictionary are known."
    result = ModuleArgumentSpecValidator(spec).validate(given)
    return result.validated_parameters, "; ".join(result.error_messages)


def without_nothing(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule without what is empty, which says the same."""
    return {name: value for name, value in rule.items() if value not in (None, [], {}, "")}


def _difference(params: dict[str, Any], info: dict[str, Any]) -> str:
    """What Garage has of a bucket that is not what the options ask for."""
    found, meant = {}, {}
    if params["aliases"] is not None:
        found["aliases"], meant["aliases"] = set(info["globalAliases"]), {BUCKET, *params["aliases"]}
    if params["website"] is not None:
        found["website"] = info["websiteAccess"] and (
            info["websiteConfig"]["indexDocument"],
            info["websiteConfig"].get("errorDocument"),
        )
        site = params["website"]
        meant["website"] = site["enabled"] and (site["index_document"], site["error_document"])
    if params["lifecycle"] is not None:
        found["lifecycle"] = [without_nothing(rule) for rule in info.get("lifecycleRules") or []]
        meant["lifecycle"] = [
            without_nothing(
                {
                    "ID": rule["id"],
                    "Status": "Enabled" if rule["enabled"] else "Disabled",
                    "Filter": without_nothing({"Prefix": rule["prefix"]}),
                    "Expiration": without_nothing({"Days": rule["expire_days"]}),
                    "AbortIncompleteMultipartUpload": without_nothing(
                        {"DaysAfterInitiation": rule["abort_multipart_days"]}
                    ),
                }
            )
            for rule in params["lifecycle"]
        ]
    if params["cors"] is not None:
        names = {"AllowedOrigin": "origins", "AllowedMethod": "methods", "AllowedHeader": "headers"}
        names |= {"ExposeHeader": "expose", "MaxAgeSeconds": "max_age"}
        found["cors"] = [without_nothing(rule) for rule in info.get("corsRules") or []]
        meant["cors"] = [without_nothing({ours: rule[name] for ours, name in names.items()}) for rule in params["cors"]]
    if params["grants"] is not None:
        flags = ("read", "write", "owner")
        given = {key["accessKeyId"]: [flag for flag in flags if key["permissions"][flag]] for key in info["keys"]}
        found["grants"] = without_nothing(given)
        meant["grants"] = without_nothing(
            {grant["key_id"]: [flag for flag in flags if grant[flag]] for grant in params["grants"]}
        )
    if params["quotas"] and str(params["quotas"]["max_size"]).isdigit():
        found["max_size"], meant["max_size"] = info["quotas"]["maxSize"], int(params["quotas"]["max_size"]) or None
    if params["quotas"] and params["quotas"]["max_objects"] is not None:
        found["max_objects"], meant["max_objects"] = (
            info["quotas"]["maxObjects"],
            params["quotas"]["max_objects"] or None,
        )
    return "" if found == meant else f"Garage has {found!r:.700} where {meant!r:.700} is meant"


def test_garage_keeps_what_garage_bucket_takes(garage: Garage) -> None:
    """First the check that the role makes, then the module, then what Garage has."""
    made = cases(options(GARAGE_OPTIONS), 320)
    failures, kept, refused = [], 0, 0
    for given in made:
        try:
            sentences = bucket_rules.problems([{**given, "name": BUCKET}], "buckets")
            if sentences:
                refused += 1
                failures += [(given, why) for why in map(sentence_problem, sentences) if why]
                continue
            params, told_by_ansible = as_a_module_has_them(bucket_argument_spec(), {**given, "name": BUCKET})
            converge_bucket(garage.client, params, False)
            why = _difference(params, garage.bucket(BUCKET))
            if not why and converge_bucket(garage.client, params, False)["changed"]:
                why = "a second run changes it again"
            why = why or told_by_ansible
            kept += 1
        except GarageError as error:
            why = sentence_problem(str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told with the case
            why = f"{type(error).__name__}: {error}"
        failures += [(given, why)] if why else []
    count("Garage: garage_bucket", len(made) - refused, refused)
    assert kept > len(made) // 3
    assert not failures, told(failures)


def test_garage_keeps_what_s3_bucket_takes(garage: Garage) -> None:
    owner = {"key_id": OWNER["id"], "read": True, "write": True, "owner": True}
    params, refused = as_a_module_has_them(bucket_argument_spec(), {"name": "fuzz-s3", "grants": [owner]})
    assert not refused
    converge_bucket(garage.client, params, False)
    access = {
        "endpoint_url": garage.endpoint,
        "region": "garage",
        "access_key": OWNER["id"],
        "secret_key": OWNER["secret"],
        "session_token": None,
        "ca_file": None,
        "addressing_style": "path",
        "checksums": "when_supported",
    }
    made = cases(options(S3_OPTIONS), 260)
    failures, kept = [], 0
    for given in made:
        try:
            params, refused = as_a_module_has_them(facet_spec(), {**given, "name": "fuzz-s3"})
            refused = refused or _s3_bucket.problem({**access, **params})
            if refused:
                why = sentence_problem(refused)
            else:
                _s3_bucket.converge({**access, **params}, False)
                why = _s3_difference(params, garage)
                if not why and _s3_bucket.converge({**access, **params}, False)["changed"]:
                    why = "a second run changes it again"
                kept += 1
        except S3Error as error:
            why = sentence_problem(str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told with the case
            why = f"{type(error).__name__}: {error}"
        failures += [(given, why)] if why else []
    count("Garage: s3_bucket", kept, len(made) - kept)
    assert kept > len(made) // 4
    assert not failures, told(failures)


def _s3_difference(params: dict[str, Any], garage: Garage) -> str:
    """What an S3 client reads of a bucket that is not what the options ask for."""
    found, meant = {}, {}
    if params["lifecycle"] is not None:
        rules = _s3_rules(garage.s3.get_bucket_lifecycle_configuration, "Rules", "NoSuchLifecycleConfiguration")
        found["lifecycle"] = {
            rule["ID"]: (
                rule["Status"],
                rule.get("Filter", {}).get("Prefix", ""),
                rule.get("Expiration", {}).get("Days"),
                rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation"),
            )
            for rule in rules
        }
        meant["lifecycle"] = {
            rule["id"]: (
                "Enabled" if rule["enabled"] else "Disabled",
                rule["prefix"],
                rule["expire_days"],
                rule["abort_multipart_days"],
            )
            for rule in params["lifecycle"]
        }
    if params["cors"] is not None:
        names = ("AllowedOrigins", "AllowedMethods", "AllowedHeaders", "ExposeHeaders")
        rules = _s3_rules(garage.s3.get_bucket_cors, "CORSRules", "NoSuchCORSConfiguration")
        found["cors"] = [(*(set(rule.get(name, [])) for name in names), rule.get("MaxAgeSeconds")) for rule in rules]
        options_of = ("origins", "methods", "headers", "expose")
        meant["cors"] = [(*(set(rule[name]) for name in options_of), rule["max_age"]) for rule in params["cors"]]
    return "" if found == meant else f"S3 reads {found!r:.700} where {meant!r:.700} is meant"


def _s3_rules(read: Any, name: str, absent: str) -> list[dict[str, Any]]:
    try:
        return read(Bucket="fuzz-s3").get(name, [])
    except read.__self__.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != absent:
            raise
        return []


def test_garage_keeps_the_name_of_a_key(garage: Garage) -> None:
    made = cases(mix(nasty(), nasty(), _SOME(PIECES)), 70)
    failures, kept = [], 0
    for name in made:
        params = {**KEYS[1], "name": name, "create_bucket": False, "state": "present"}
        try:
            converge_key(garage.client, params, False)
            found = garage.key(KEYS[1]["id"])["name"]
            why = "" if found == name else f"Garage has {found!r:.300}"
            kept += 1
        except GarageError as error:
            why = sentence_problem(str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told with the case
            why = f"{type(error).__name__}: {error}"
        failures += [(name, why)] if why else []
    count("Garage: name of a key", kept, len(made) - kept)
    assert not failures, told(failures)


def test_a_wrong_option_of_a_bucket_is_a_sentence() -> None:
    """Values of any type and form, without asking Garage."""
    anything = {name: mix(strategy, NO_TEXT, nasty()) for name, strategy in GARAGE_OPTIONS.items()}
    made = [*cases(options(anything), 250), *cases(mix(NO_TEXT, nasty()), 20)]
    failures, refused = [], 0
    for given in made:
        try:
            buckets = [{**given, "name": BUCKET}] if isinstance(given, dict) else given
            sentences = bucket_rules.problems(buckets, "buckets")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told with the case
            failures.append((given, f"{type(error).__name__}: {error}"))
            continue
        refused += bool(sentences)
        failures += [(given, why) for why in map(sentence_problem, sentences) if why]
    count("options of a bucket", len(made) - refused, refused)
    assert not failures, told(failures)
