# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converge one bucket of Garage: aliases, quotas, website, lifecycle, CORS and grants.

Private to the collection.

All facets are compared in the form in which Garage returns them, with what is empty left out. A facet that the caller
does not mention is never looked at.
"""

from __future__ import annotations

import re

from ansible_collections.selfhost.aistack.plugins.module_utils._changes import change, verb
from ansible_collections.selfhost.aistack.plugins.module_utils._diff import DifferenceTracker
from ansible_collections.selfhost.aistack.plugins.module_utils._garage import (
    GarageConflict,
    GarageError,
    GarageNotFound,
    GarageUnsure,
    parse_size,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._s3_rules import text_problem

BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
FLAGS = ("read", "write", "owner")


def wanted_bucket(params):
    """Check the module's options and bring them into Garage's form.

    :param params: the module's parameters.
    :returns: dict with the mentioned facets only: aliases, max_size, max_objects, website, lifecycle, cors, grants.
    :raises GarageError: naming the option that cannot be used.
    """
    wanted = {}
    if params["aliases"] is not None:
        wanted["aliases"] = sorted({params["name"]} | set(params["aliases"]))
    for alias in wanted.get("aliases", [params["name"]]):
        if not BUCKET_NAME.fullmatch(alias):
            raise GarageError(
                "The bucket name or alias %r cannot be used: give 3 to 63 lowercase letters, digits, hyphens and dots"
                % alias
            )
    wanted.update(_quotas(params["quotas"] or {}))
    if params["website"] is not None:
        wanted["website"] = _website(params["website"])
    if params["lifecycle"] is not None:
        wanted["lifecycle"] = [_lifecycle_rule(number, rule) for number, rule in enumerate(params["lifecycle"])]
    if params["cors"] is not None:
        wanted["cors"] = [_cors_rule(number, rule) for number, rule in enumerate(params["cors"])]
    if params["grants"] is not None:
        wanted["grants"] = _grants(params["grants"])
    return wanted


def find_bucket(client, name):
    """Return the answer of GetBucketInfo for a global alias, or None if no bucket has it."""
    try:
        return client.get("GetBucketInfo", globalAlias=name)
    except GarageNotFound:
        return None


def present_bucket(info):
    """Return all facets of a bucket in the form of ``wanted_bucket``.

    :param info: an answer of GetBucketInfo, or None for a bucket that is not there.
    """
    if info is None:
        return {
            "aliases": [],
            "max_size": None,
            "max_objects": None,
            "website": False,
            "lifecycle": [],
            "cors": [],
            "grants": {},
        }
    website = info.get("websiteConfig") or {}
    return {
        "aliases": sorted(info["globalAliases"]),
        "max_size": info["quotas"]["maxSize"],
        "max_objects": info["quotas"]["maxObjects"],
        "website": info["websiteAccess"]
        and {"index_document": website.get("indexDocument"), "error_document": website.get("errorDocument")},
        "lifecycle": [_without_empty(rule) for rule in info.get("lifecycleRules") or []],
        "cors": [_without_empty(rule) for rule in info.get("corsRules") or []],
        "grants": {
            key["accessKeyId"]: [flag for flag in FLAGS if key["permissions"].get(flag)]
            for key in info["keys"]
            if any(key["permissions"].get(flag) for flag in FLAGS)
        },
    }


class BucketPlan:
    """What separates a bucket from the wanted one.

    :param info: an answer of GetBucketInfo, or None for a bucket that is not there.
    :param name: the bucket's global alias.
    :param wanted: result of ``wanted_bucket``.
    :param purge_grants: True if keys that are not listed shall lose their grants.
    """

    def __init__(self, info, name, wanted, purge_grants):
        self._info = info
        self._before = before = present_bucket(info)
        self._wanted = wanted
        self.differences = DifferenceTracker()
        self.differences.add("bucket", name if info else None, name)
        if info is None and "aliases" not in wanted:
            wanted = dict(wanted, aliases=[name])
        for facet in ("aliases", "max_size", "max_objects", "website", "lifecycle", "cors"):
            if facet in wanted:
                self.differences.add(facet, before[facet], wanted[facet])
        self._grants = dict(before["grants"])
        if "grants" in wanted:
            self._grants = {} if purge_grants else self._grants
            self._grants.update(wanted["grants"])
        for key in sorted(set(before["grants"]) | set(self._grants)):
            self.differences.add("grant " + key, before["grants"].get(key, []), self._grants.get(key, []))

    @property
    def requests(self):
        """The calls that reach the wanted state, as (operation, query, body), rights taken away first."""
        bucket_id = self._info["id"]
        calls = list(self._grant_calls("DenyBucketKey", self._before["grants"], self._grants))
        wanted_aliases = self._wanted.get("aliases", self._before["aliases"])
        calls += self._alias_calls("AddBucketAlias", wanted_aliases, self._before["aliases"])
        if self._update_body:
            calls.append(("UpdateBucket", {"id": bucket_id}, self._update_body))
        calls += self._grant_calls("AllowBucketKey", self._grants, self._before["grants"])
        calls += self._alias_calls("RemoveBucketAlias", self._before["aliases"], wanted_aliases)
        return calls

    @property
    def _update_body(self):
        names = self.differences.names
        body = {}
        if "max_size" in names or "max_objects" in names:
            # Garage replaces both quotas at once, so the one that is not mentioned is sent as it is.
            both = dict(self._before, **self._wanted)
            body["quotas"] = {"maxSize": both["max_size"], "maxObjects": both["max_objects"]}
        if "website" in names:
            body["websiteAccess"] = _website_request(self._wanted["website"])
        if "lifecycle" in names:
            body["lifecycleRules"] = self._wanted["lifecycle"]
        if "cors" in names:
            body["corsRules"] = self._wanted["cors"]
        return body

    def _grant_calls(self, operation, have, lack):
        """Calls for the flags that are in ``have`` and not in ``lack``; Garage acts on flags that are true only."""
        for key in sorted(have):
            flags = {flag: flag in have[key] and flag not in lack.get(key, []) for flag in FLAGS}
            if any(flags.values()):
                yield (operation, {}, {"bucketId": self._info["id"], "accessKeyId": key, "permissions": flags})

    def _alias_calls(self, operation, have, lack):
        return [
            (operation, {}, {"bucketId": self._info["id"], "globalAlias": alias}) for alias in have if alias not in lack
        ]


def bucket_argument_spec():
    """Return the specification of the options of one bucket."""
    quotas = {"max_size": {"type": "str"}, "max_objects": {"type": "int"}}
    website = {
        "enabled": {"type": "bool", "required": True},
        "index_document": {"type": "str", "default": "index.html"},
        "error_document": {"type": "str"},
    }
    lifecycle = {
        "id": {"type": "str", "required": True},
        "prefix": {"type": "str"},
        "expire_days": {"type": "int"},
        "abort_multipart_days": {"type": "int"},
        "enabled": {"type": "bool", "default": True},
    }
    methods = ["GET", "PUT", "POST", "DELETE", "HEAD"]
    cors = {
        "origins": {"type": "list", "elements": "str", "required": True},
        "methods": {"type": "list", "elements": "str", "choices": methods, "required": True},
        "headers": {"type": "list", "elements": "str", "default": []},
        "expose": {"type": "list", "elements": "str", "default": []},
        "max_age": {"type": "int"},
    }
    grants = {
        "key_id": {"type": "str", "required": True},
        "read": {"type": "bool", "default": False},
        "write": {"type": "bool", "default": False},
        "owner": {"type": "bool", "default": False},
    }
    return {
        "name": {"type": "str", "required": True},
        "aliases": {"type": "list", "elements": "str"},
        "quotas": {"type": "dict", "options": quotas},
        "website": {"type": "dict", "options": website},
        "lifecycle": {"type": "list", "elements": "dict", "options": lifecycle},
        "cors": {"type": "list", "elements": "dict", "options": cors},
        "grants": {"type": "list", "elements": "dict", "options": grants, "no_log": False},
        "purge_grants": {"type": "bool", "default": True},
    }


def converge_bucket(client, params, check_mode=False):
    """Bring one bucket to its state.

    :param client: a GarageClient.
    :param params: the options of ``bucket_argument_spec``; ``state`` absent removes it.
    :param check_mode: True predicts only.
    :returns: a module's result.
    :raises GarageError: as ``wanted_bucket``, ``ensure_bucket`` and ``remove_bucket``.
    """
    name = params["name"]
    wanted = wanted_bucket(params)
    if params.get("state") == "absent":
        differences, info = remove_bucket(client, name, check_mode), None
    else:
        differences, info = ensure_bucket(client, name, wanted, params["purge_grants"], check_mode)
    changes = []
    if differences.changed:
        before, after = (differences.diff[side].get("bucket", name) for side in ("before", "after"))
        changes = [change("bucket", name, verb(before, after), differences.names)]
    result = {"changed": differences.changed, "changes": changes, "diff": differences.diff}
    if info:
        result.update(id=info["id"], bucket=present_bucket(info))
    return result


def ensure_bucket(client, name, wanted, purge_grants=True, check_mode=False):
    """Create or converge one bucket.

    :param client: a GarageClient; the other parameters are those of ``BucketPlan``.
    :param check_mode: True predicts only.
    :returns: (DifferenceTracker, answer of GetBucketInfo or None in check mode for a bucket that is not there).
    :raises GarageError: if a call fails, or if Garage did not keep what it accepted.
    """
    info = find_bucket(client, name)
    first = BucketPlan(info, name, wanted, purge_grants)
    if check_mode or not first.differences.changed:
        return first.differences, info
    plan = first
    if info is None:
        info = _create_bucket(client, name)
        plan = BucketPlan(info, name, wanted, purge_grants)
    for operation, query, body in plan.requests:
        _write(client, operation, query, body)
    info = find_bucket(client, name)
    left = BucketPlan(info, name, wanted, purge_grants).differences
    if left.changed:
        raise GarageError(
            "Garage at %s accepted the change of bucket %s but did not keep %s: it is older than 2.3 and does not know this, or somebody "
            "else changes the bucket; leave the option out or upgrade Garage"
            % (client.endpoint, name, ", ".join(left.names))
        )
    return first.differences, info


def remove_bucket(client, name, check_mode=False):
    """Remove one bucket if it is empty.

    :returns: the DifferenceTracker; a bucket that is not there is no difference.
    :raises GarageError: if it holds objects or uploads that are not finished.
    """
    info = find_bucket(client, name)
    differences = DifferenceTracker()
    differences.add("bucket", name if info else None, None)
    if info is None:
        return differences
    # Garage itself would drop uploads that are under way together with the bucket.
    if info["objects"] or info["unfinishedUploads"] or info["unfinishedMultipartUploads"]:
        raise _not_empty(name, info)
    if not check_mode:
        try:
            client.post("DeleteBucket", id=info["id"])
        except GarageNotFound:
            # Somebody else removed it since it was read; the wish is fulfilled.
            pass
        except GarageConflict as problem:
            raise _not_empty(name, find_bucket(client, name) or info) from problem
    return differences


def _not_empty(name, info):
    # A multipart upload counts as an upload, too.
    return GarageError(
        "Bucket %s is not empty (%d objects, %d unfinished uploads) and was kept: delete its content over S3 first"
        % (name, info["objects"], max(info["unfinishedUploads"], info["unfinishedMultipartUploads"]))
    )


def _create_bucket(client, name):
    """Create a bucket; after an error that leaves it open whether that happened, the name decides."""
    try:
        return client.post("CreateBucket", {"globalAlias": name})
    except (GarageConflict, GarageUnsure):
        info = find_bucket(client, name)
        if info is None:
            raise
        return info


def _write(client, operation, query, body):
    try:
        client.post(operation, body, **query)
    except GarageNotFound as problem:
        if "accessKeyId" in (body or {}):
            raise GarageError(
                "grants names key %r, which Garage at %s does not have: import it with garage_key first"
                % (body["accessKeyId"], client.endpoint)
            ) from problem
        raise


def _quotas(quotas):
    wanted = {}
    if quotas.get("max_size") is not None:
        wanted["max_size"] = parse_size(quotas["max_size"], "quotas.max_size") or None
    if quotas.get("max_objects") is not None:
        if quotas["max_objects"] < 0:
            raise GarageError(
                "quotas.max_objects is %d: give a number of objects, or 0 for no limit" % quotas["max_objects"]
            )
        wanted["max_objects"] = quotas["max_objects"] or None
    return wanted


def _website(website):
    if not website["enabled"]:
        return False
    return {"index_document": website["index_document"], "error_document": website["error_document"]}


def _website_request(website):
    if not website:
        return {"enabled": False}
    request = {"enabled": True, "indexDocument": website["index_document"]}
    if website["error_document"]:
        request["errorDocument"] = website["error_document"]
    return request


def _lifecycle_rule(number, rule):
    name = "lifecycle[%d]" % number
    _check_text(name + ".id", rule["id"])
    _check_text(name + ".prefix", rule["prefix"] or "")
    days = {option: rule[option] for option in ("expire_days", "abort_multipart_days") if rule[option] is not None}
    if not days:
        raise GarageError("%s (%r) does nothing: give expire_days or abort_multipart_days" % (name, rule["id"]))
    for option, value in days.items():
        # Garage takes 0 and would delete every object on its next round.
        if value < 1:
            raise GarageError("%s.%s is %d: give a number of days from 1" % (name, option, value))
    built = {"ID": rule["id"], "Status": "Enabled" if rule["enabled"] else "Disabled"}
    if rule["prefix"]:
        built["Filter"] = {"Prefix": rule["prefix"]}
    if "expire_days" in days:
        built["Expiration"] = {"Days": days["expire_days"]}
    if "abort_multipart_days" in days:
        built["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": days["abort_multipart_days"]}
    return built


def _cors_rule(number, rule):
    if not rule["origins"] or not rule["methods"]:
        raise GarageError("cors[%d] allows nothing: give at least one entry in origins and in methods" % number)
    for option in ("origins", "headers", "expose"):
        for text in rule[option]:
            _check_text("an entry of cors[%d].%s" % (number, option), text)
    if rule["max_age"] is not None and rule["max_age"] < 0:
        raise GarageError("cors[%d].max_age is %d: give a number of seconds from 0" % (number, rule["max_age"]))
    return _without_empty(
        {
            "AllowedOrigin": rule["origins"],
            "AllowedMethod": rule["methods"],
            "AllowedHeader": rule["headers"],
            "ExposeHeader": rule["expose"],
            "MaxAgeSeconds": rule["max_age"],
        }
    )


def _check_text(name, text):
    problem = text_problem(text)
    if problem:
        raise GarageError("%s %s" % (name, problem.rstrip(".")))


def _grants(grants):
    wanted = {}
    for number, grant in enumerate(grants):
        if grant["key_id"] in wanted:
            raise GarageError(
                "grants[%d] names key %r, which is listed already: list each key once" % (number, grant["key_id"])
            )
        wanted[grant["key_id"]] = [flag for flag in FLAGS if grant[flag]]
    return wanted


def _without_empty(rule):
    return {name: value for name, value in rule.items() if value is not None and value != [] and value != {}}
