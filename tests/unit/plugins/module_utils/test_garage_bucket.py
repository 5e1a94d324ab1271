# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils._garage import (
    GarageConflict,
    GarageError,
    GarageNotFound,
    GarageUnsure,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._garage_bucket import (
    BucketPlan,
    ensure_bucket,
    present_bucket,
    remove_bucket,
    wanted_bucket,
)

KEY, OTHER_KEY = "GK" + "a" * 24, "GK" + "b" * 24


def params(**given):
    options = dict.fromkeys(("aliases", "quotas", "website", "lifecycle", "cors", "grants"))
    return dict(options, name="data", **given)


def rule(**given):
    return dict(
        {"id": "r", "prefix": None, "expire_days": None, "abort_multipart_days": None, "enabled": True}, **given
    )


def cors(**given):
    return dict({"origins": ["*"], "methods": ["GET"], "headers": [], "expose": [], "max_age": None}, **given)


def grant(key_id=KEY, read=False, write=False, owner=False):
    return {"key_id": key_id, "read": read, "write": write, "owner": owner}


def info(**given):
    return dict(
        {
            "id": "1d", "globalAliases": ["data"], "websiteAccess": False, "keys": [],
            "objects": 0, "bytes": 0, "unfinishedUploads": 0, "unfinishedMultipartUploads": 0,
            "quotas": {"maxSize": None, "maxObjects": None},
        },
        **given,
    )  # fmt: skip


def holder(key_id, *flags):
    return {"accessKeyId": key_id, "permissions": {flag: flag in flags for flag in ("read", "write", "owner")}}


class FakeGarage:
    """The bucket part of the admin API for one bucket; ``drops`` are facets that it accepts and forgets."""

    endpoint = "http://fake:3903"

    def __init__(self, bucket=None, keys=(KEY, OTHER_KEY), drops=()):
        self.bucket = copy.deepcopy(bucket)
        self.keys = keys
        self.drops = drops
        self.calls = []

    def get(self, operation, globalAlias):  # noqa: N803
        self.calls.append(operation)
        if self.bucket is None or globalAlias not in self.bucket["globalAliases"]:
            raise GarageNotFound("Bucket not found", 404)
        return copy.deepcopy(self.bucket)

    def post(self, operation, body=None, **query):
        self.calls.append(operation)
        return getattr(self, operation)(body or {}, **query)

    def CreateBucket(self, body):  # noqa: N802
        if self.bucket is not None:
            raise GarageConflict("Bucket already exists", 409)
        self.bucket = info(globalAliases=[body["globalAlias"]])
        return copy.deepcopy(self.bucket)

    def UpdateBucket(self, body, id):  # noqa: A002, N802
        for name, value in body.items():
            if name in self.drops:
                continue
            if name == "websiteAccess":
                website = {"indexDocument": value.get("indexDocument"), "errorDocument": value.get("errorDocument")}
                self.bucket.update(websiteAccess=value["enabled"], websiteConfig=website)
            else:
                self.bucket[name] = value

    def AddBucketAlias(self, body):  # noqa: N802
        self.bucket["globalAliases"].append(body["globalAlias"])

    def RemoveBucketAlias(self, body):  # noqa: N802
        self.bucket["globalAliases"].remove(body["globalAlias"])

    def AllowBucketKey(self, body):  # noqa: N802
        self._permit(body, True)

    def DenyBucketKey(self, body):  # noqa: N802
        self._permit(body, False)

    def DeleteBucket(self, body, id):  # noqa: A002, N802
        if self.bucket["objects"]:
            raise GarageConflict("Bucket is not empty", 409)
        self.bucket = None

    def _permit(self, body, value):
        if body["accessKeyId"] not in self.keys:
            raise GarageNotFound("Access key not found", 404)
        found = [entry for entry in self.bucket["keys"] if entry["accessKeyId"] == body["accessKeyId"]]
        entry = found[0] if found else holder(body["accessKeyId"])
        for flag, acts in body["permissions"].items():
            if acts:
                entry["permissions"][flag] = value
        if not found:
            self.bucket["keys"].append(entry)


# ---- options


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, {}),
        ({"aliases": []}, {"aliases": ["data"]}),
        ({"aliases": ["zoo", "data", "abc"]}, {"aliases": ["abc", "data", "zoo"]}),
        ({"quotas": {"max_size": "1G", "max_objects": None}}, {"max_size": 1_000_000_000}),
        ({"quotas": {"max_size": "0", "max_objects": 0}}, {"max_size": None, "max_objects": None}),
        ({"website": {"enabled": False, "index_document": "i", "error_document": None}}, {"website": False}),
        (
            {"website": {"enabled": True, "index_document": "i", "error_document": None}},
            {"website": {"index_document": "i", "error_document": None}},
        ),
        ({"lifecycle": []}, {"lifecycle": []}),
        (
            {"lifecycle": [rule(prefix="tmp/", expire_days=7, abort_multipart_days=2)]},
            {
                "lifecycle": [
                    {
                        "ID": "r", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 7},
                        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
                    }
                ]
            },
        ),
        (
            {"lifecycle": [rule(expire_days=1, enabled=False)]},
            {"lifecycle": [{"ID": "r", "Status": "Disabled", "Expiration": {"Days": 1}}]},
        ),
        ({"cors": [cors()]}, {"cors": [{"AllowedOrigin": ["*"], "AllowedMethod": ["GET"]}]}),
        (
            {"cors": [cors(headers=["*"], expose=["ETag"], max_age=0)]},
            {
                "cors": [
                    {
                        "AllowedOrigin": ["*"], "AllowedMethod": ["GET"], "AllowedHeader": ["*"],
                        "ExposeHeader": ["ETag"], "MaxAgeSeconds": 0,
                    }
                ]
            },
        ),
        ({"grants": [grant(read=True, owner=True)]}, {"grants": {KEY: ["read", "owner"]}}),
    ],
)  # fmt: skip
def test_options_in_garages_form(given, wanted):
    assert wanted_bucket(params(**given)) == wanted


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"aliases": ["Upper_Case"]}, "'Upper_Case' cannot be used"),
        ({"aliases": ["line\n"]}, "cannot be used"),
        ({"aliases": ["x"]}, "3 to 63 lowercase letters"),
        ({"quotas": {"max_size": "big", "max_objects": None}}, "quotas.max_size is 'big'"),
        ({"quotas": {"max_size": None, "max_objects": -1}}, "quotas.max_objects is -1"),
        ({"lifecycle": [rule()]}, r"lifecycle\[0\] \('r'\) does nothing"),
        ({"lifecycle": [rule(expire_days=0)]}, r"lifecycle\[0\].expire_days is 0"),
        ({"lifecycle": [rule(abort_multipart_days=-1)]}, r"lifecycle\[0\].abort_multipart_days is -1"),
        ({"cors": [cors(origins=[])]}, r"cors\[0\] allows nothing"),
        ({"cors": [cors(methods=[])]}, r"cors\[0\] allows nothing"),
        ({"cors": [cors(max_age=-1)]}, r"cors\[0\].max_age is -1"),
        ({"cors": [cors(headers=["ok", "a\x7f"])]}, r"an entry of cors\[0\].headers holds '\\x7f' at position 2"),
        ({"lifecycle": [rule(expire_days=1, prefix="a\n")]}, r"lifecycle\[0\].prefix holds '\\n' at position 2"),
        ({"lifecycle": [rule(expire_days=1, id="\ud800")]}, r"lifecycle\[0\].id holds '\\ud800' at position 1"),
        ({"grants": [grant(), grant()]}, r"grants\[1\] names key .* listed already"),
    ],
)
def test_options_that_cannot_be_used_are_named(given, words):
    with pytest.raises(GarageError, match=words):
        wanted_bucket(params(**given))


# ---- planning


@pytest.mark.parametrize(
    ("present", "given", "purge", "requests"),
    [
        (info(), {}, True, []),
        (info(globalAliases=["data", "old"]), {}, True, []),
        (
            info(globalAliases=["data", "old"]), {"aliases": ["new"]}, True,
            [("AddBucketAlias", {"globalAlias": "new"}), ("RemoveBucketAlias", {"globalAlias": "old"})],
        ),
        (
            info(quotas={"maxSize": 5, "maxObjects": 6}), {"quotas": {"max_size": "9", "max_objects": None}}, True,
            [("UpdateBucket", {"quotas": {"maxSize": 9, "maxObjects": 6}})],
        ),
        (
            info(websiteAccess=True, websiteConfig={"indexDocument": "i"}),
            {"website": {"enabled": False, "index_document": "i", "error_document": None}}, True,
            [("UpdateBucket", {"websiteAccess": {"enabled": False}})],
        ),
        (
            info(corsRules=[{"AllowedOrigin": ["*"], "AllowedMethod": ["GET"], "AllowedHeader": [], "ExposeHeader": []}]),
            {"cors": [cors()]}, True, [],
        ),
        (info(lifecycleRules=[{"ID": "x"}]), {"lifecycle": []}, True, [("UpdateBucket", {"lifecycleRules": []})]),
        (info(keys=[holder(KEY, "read")]), {}, True, []),
        (info(keys=[holder(KEY)]), {"grants": []}, True, []),
        (
            info(keys=[holder(KEY, "read", "owner")]), {"grants": [grant(read=True, write=True)]}, True,
            [
                ("DenyBucketKey", {"accessKeyId": KEY, "permissions": {"read": False, "write": False, "owner": True}}),
                ("AllowBucketKey", {"accessKeyId": KEY, "permissions": {"read": False, "write": True, "owner": False}}),
            ],
        ),
        (
            info(keys=[holder(OTHER_KEY, "read")]), {"grants": []}, True,
            [("DenyBucketKey", {"accessKeyId": OTHER_KEY, "permissions": {"read": True, "write": False, "owner": False}})],
        ),
        (info(keys=[holder(OTHER_KEY, "read")]), {"grants": []}, False, []),
    ],
)  # fmt: skip
def test_requests_hold_the_difference_only(present, given, purge, requests):
    plan = BucketPlan(present, "data", wanted_bucket(params(**given)), purge)
    made = [(name, {key: body[key] for key in body if key != "bucketId"}) for name, query, body in plan.requests]
    assert made == requests
    assert plan.differences.changed == bool(requests)


ALL = {
    "aliases": ["more"],
    "quotas": {"max_size": "1G", "max_objects": 3},
    "website": {"enabled": True, "index_document": "index.html", "error_document": "e.html"},
    "lifecycle": [rule(expire_days=3)],
    "cors": [cors(max_age=9)],
    "grants": [grant(read=True)],
}


# ---- converging


def test_everything_at_once_then_nothing_with_one_request():
    garage = FakeGarage()
    wanted = wanted_bucket(params(**ALL))
    predicted, nothing = ensure_bucket(garage, "data", wanted, check_mode=True)
    assert nothing is None
    assert garage.bucket is None
    done, found = ensure_bucket(garage, "data", wanted)
    assert done.diff == predicted.diff
    assert present_bucket(found) == wanted
    assert garage.calls.count("UpdateBucket") == 1
    garage.calls.clear()
    assert not ensure_bucket(garage, "data", wanted)[0].changed
    assert garage.calls == ["GetBucketInfo"]


@pytest.mark.parametrize(("drops", "facet"), [("corsRules", "cors"), ("lifecycleRules", "lifecycle")])
def test_a_facet_that_the_server_drops_silently_is_an_error(drops, facet):
    garage = FakeGarage(drops=[drops])
    with pytest.raises(GarageError, match=f"did not keep {facet}: it is older than 2.3"):
        ensure_bucket(garage, "data", wanted_bucket(params(**ALL)))


@pytest.mark.parametrize("problem", [GarageUnsure("no answer"), GarageConflict("taken", 409)])
def test_a_bucket_that_is_there_after_a_failed_creation_is_used(problem):
    class Losing(FakeGarage):
        def CreateBucket(self, body):  # noqa: N802
            super().CreateBucket(body)
            raise problem

    garage = Losing()
    assert ensure_bucket(garage, "data", {})[0].changed
    assert garage.calls.count("CreateBucket") == 1


def test_a_creation_that_failed_for_good_is_told():
    class Failing(FakeGarage):
        def CreateBucket(self, body):  # noqa: N802
            raise GarageUnsure("quorum", 503)

    with pytest.raises(GarageUnsure, match="quorum"):
        ensure_bucket(Failing(), "data", {})


def test_a_grant_for_a_key_that_is_not_there_names_the_cure():
    garage = FakeGarage(info(), keys=())
    with pytest.raises(GarageError, match=f"grants names key '{KEY}', .* import it with garage_key first"):
        ensure_bucket(garage, "data", wanted_bucket(params(grants=[grant(read=True)])))


# ---- removing


@pytest.mark.parametrize("content", [{"objects": 1}, {"unfinishedUploads": 1}, {"unfinishedMultipartUploads": 1}])
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_bucket_with_content_is_kept(content, check_mode):
    garage = FakeGarage(info(**content))
    with pytest.raises(GarageError, match="Bucket data is not empty .* and was kept"):
        remove_bucket(garage, "data", check_mode)
    assert garage.bucket is not None


def test_a_bucket_that_filled_up_meanwhile_is_kept():
    class Filling(FakeGarage):
        def DeleteBucket(self, body, id):  # noqa: A002, N802
            self.bucket["objects"] = 2
            super().DeleteBucket(body, id)

    with pytest.raises(GarageError, match="2 objects"):
        remove_bucket(Filling(info()), "data")


def test_removing():
    garage = FakeGarage(info())
    assert remove_bucket(garage, "data", check_mode=True).changed
    assert garage.bucket is not None
    assert remove_bucket(garage, "data").changed
    assert garage.bucket is None
    assert not remove_bucket(garage, "data").changed
