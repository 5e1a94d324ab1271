# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converge one S3 access key of Garage.

Private to the collection.

A key's id and secret come from the caller's secret store and are imported. Garage never changes the secret of an id and
never takes an id again once it was deleted, so both cases are told as what they are.
"""

from __future__ import annotations

import contextlib
import re

from ansible_collections.selfhost.aistack.plugins.module_utils._changes import change, verb
from ansible_collections.selfhost.aistack.plugins.module_utils._diff import DifferenceTracker
from ansible_collections.selfhost.aistack.plugins.module_utils._garage import (
    GarageConflict,
    GarageError,
    GarageNotFound,
    GarageUnsure,
)

# The form that every Garage 2 takes; newer ones take more, older ones nothing else.
KEY_ID = re.compile(r"GK[0-9a-f]{24}")
KEY_SECRET = re.compile(r"[0-9a-f]{64}")


def check_key(key_id, secret):
    """Check the form of an id and a secret that shall be imported.

    :raises GarageError: naming the option that cannot be used, without the secret's value.
    """
    if not KEY_ID.fullmatch(key_id):
        raise GarageError("id is %r: give GK and 24 lowercase hexadecimal digits" % key_id)
    if not secret:
        raise GarageError("secret is unset: give the 64 lowercase hexadecimal digits that belong to key %s" % key_id)
    if not KEY_SECRET.fullmatch(secret):
        raise GarageError(
            "secret of key %s has %d characters and is not usable: give 64 lowercase hexadecimal digits"
            % (key_id, len(secret))
        )


def read_key(client, key_id):
    """Return what Garage knows of a key, or None if there is none.

    :returns: dict with name, secret, create_bucket, expiration.
    """
    try:
        info = client.get("GetKeyInfo", id=key_id, showSecretKey="true")
    except GarageNotFound:
        return None
    return {
        "name": info["name"],
        "secret": info["secretAccessKey"],
        "create_bucket": info["permissions"]["createBucket"],
        "expiration": info.get("expiration"),
    }


class KeyPlan:
    """What separates a key from the wanted one.

    :param current: result of ``read_key``.
    :param key_id: the id.
    :param secret: the wanted secret.
    :param name: the wanted name, or None to keep what is there.
    :param create_bucket: whether the key may create buckets.
    :raises GarageError: if the id is there with another secret.
    """

    def __init__(self, current, key_id, secret, name, create_bucket):
        if current and current["secret"] != secret:
            raise GarageError(
                "Key %s exists in Garage with another secret, which Garage cannot change: take a new id together with the new "
                "secret, grant it, and remove this id afterwards" % key_id
            )
        self.id = key_id
        self.secret = secret
        self.name = name
        self.missing = current is None
        self.differences = DifferenceTracker()
        current = current or {"name": None, "secret": None, "create_bucket": None, "expiration": None}
        self.differences.add("id", None if self.missing else key_id, key_id)
        self.differences.add("secret", current["secret"], secret, secret=True)
        if name is not None:
            self.differences.add("name", current["name"], name)
        self.differences.add("create_bucket", current["create_bucket"], create_bucket)
        self.differences.add("expiration", current["expiration"], None)
        self._create_bucket = create_bucket

    @property
    def import_request(self):
        """The body for ImportKey."""
        body = {"accessKeyId": self.id, "secretAccessKey": self.secret}
        if self.name is not None:
            body["name"] = self.name
        return body

    @property
    def update_request(self):
        """The body for UpdateKey: the differing properties only; empty if none differs."""
        names = self.differences.names
        body = {}
        if "name" in names:
            body["name"] = self.name
        if "create_bucket" in names:
            body["allow" if self._create_bucket else "deny"] = {"createBucket": True}
        if "expiration" in names:
            body["neverExpires"] = True
        return body


def ensure_key(client, key_id, secret, name, create_bucket, check_mode=False):
    """Import or update one key.

    :param client: a GarageClient; the other parameters are those of ``KeyPlan``.
    :param check_mode: True predicts only.
    :returns: the DifferenceTracker between what was there and what is wanted.
    :raises GarageError: if the id cannot be used, or if Garage did not keep what it accepted.
    """
    wanted = (key_id, secret, name, create_bucket)
    first = plan = KeyPlan(read_key(client, key_id), *wanted)
    if check_mode or not first.differences.changed:
        return first.differences
    if plan.missing:
        _import_key(client, plan)
        plan = KeyPlan(read_key(client, key_id), *wanted)
    if plan.update_request:
        client.post("UpdateKey", plan.update_request, id=key_id)
        plan = KeyPlan(read_key(client, key_id), *wanted)
    if plan.differences.changed:
        raise GarageError(
            "Garage at %s accepted the change of key %s but did not keep %s: run again, and look for somebody else who changes this key"
            % (client.endpoint, key_id, ", ".join(plan.differences.names))
        )
    return first.differences


def remove_key(client, key_id, check_mode=False):
    """Remove one key, with its grants.

    :returns: the DifferenceTracker; a key that is not there is no difference.
    """
    current = read_key(client, key_id)
    differences = DifferenceTracker()
    differences.add("id", key_id if current else None, None)
    if current and not check_mode:
        # Somebody else may remove it after it was read; the wish is fulfilled then.
        with contextlib.suppress(GarageNotFound):
            client.post("DeleteKey", id=key_id)
    return differences


def key_argument_spec():
    """Return the specification of the options of one key."""
    return {
        "id": {"type": "str", "required": True},
        "secret": {"type": "str", "no_log": True},
        "name": {"type": "str"},
        "create_bucket": {"type": "bool", "default": False},
    }


def converge_key(client, wanted, check_mode=False):
    """Bring one key to its state.

    :param client: a GarageClient.
    :param wanted: the options of ``key_argument_spec``; ``state`` absent removes it.
    :param check_mode: True predicts only.
    :returns: a module's result.
    :raises GarageError: as ``ensure_key``.
    """
    if wanted.get("state") == "absent":
        differences = remove_key(client, wanted["id"], check_mode)
    else:
        check_key(wanted["id"], wanted["secret"])
        differences = ensure_key(
            client, wanted["id"], wanted["secret"], wanted["name"], wanted["create_bucket"], check_mode
        )
    changes = []
    if differences.changed:
        # The name rather than the id, which a check run on a new site makes up.
        before, after = (differences.diff[side].get("id", wanted["id"]) for side in ("before", "after"))
        changes = [change("key", wanted["name"] or wanted["id"], verb(before, after), differences.names)]
    return {"changed": differences.changed, "changes": changes, "diff": differences.diff, "id": wanted["id"]}


def _import_key(client, plan):
    try:
        client.post("ImportKey", plan.import_request)
    except GarageConflict as problem:
        # A parallel run may have imported it; if it is still not to be seen, it was deleted once.
        if read_key(client, plan.id) is None:
            raise GarageError(
                "Key %s was deleted from Garage once, and Garage never takes a deleted id again: take a new id and secret"
                % plan.id
            ) from problem
    except GarageUnsure:
        # The answer may have been lost after the key was stored.
        if read_key(client, plan.id) is None:
            raise
