# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils._garage import (
    GarageConflict,
    GarageError,
    GarageNotFound,
    GarageUnsure,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._garage_key import (
    KeyPlan,
    check_key,
    ensure_key,
    remove_key,
)

ID = "GK" + "0123456789ab" * 2
SECRET = "5ec4e7" * 10 + "beef"
OTHER = "0" * 64


def key(name="app", secret=SECRET, create_bucket=False, expiration=None):
    return {"name": name, "secret": secret, "create_bucket": create_bucket, "expiration": expiration}


class FakeGarage:
    """The key part of the admin API; a key that was deleted stays a tombstone."""

    endpoint = "http://fake:3903"

    def __init__(self, keys=None, tombstones=(), lose=None):
        self.keys = dict(keys or {})
        self.tombstones = set(tombstones)
        self.lose = lose
        self.calls = []

    def get(self, operation, **query):
        self.calls.append(operation)
        found = self.keys.get(query["id"])
        if found is None:
            raise GarageNotFound("Access key not found", 404)
        return {
            "name": found["name"],
            "secretAccessKey": found["secret"],
            "permissions": {"createBucket": found["create_bucket"]},
            "expiration": found["expiration"],
        }

    def post(self, operation, body=None, **query):
        self.calls.append(operation)
        getattr(self, operation)(body, **query)
        if operation == self.lose:
            raise GarageUnsure("no answer")

    def ImportKey(self, body):  # noqa: N802
        if body["accessKeyId"] in self.tombstones or body["accessKeyId"] in self.keys:
            raise GarageConflict("already exists", 409)
        self.keys[body["accessKeyId"]] = key(body.get("name", "Imported key"), body["secretAccessKey"])

    def UpdateKey(self, body, id):  # noqa: A002, N802
        self.keys[id]["name"] = body.get("name", self.keys[id]["name"])
        for word, value in (("allow", True), ("deny", False)):
            if body.get(word, {}).get("createBucket"):
                self.keys[id]["create_bucket"] = value
        if body.get("neverExpires"):
            self.keys[id]["expiration"] = None

    def DeleteKey(self, body, id):  # noqa: A002, N802
        if id not in self.keys:
            raise GarageNotFound("Access key not found", 404)
        del self.keys[id]
        self.tombstones.add(id)


@pytest.mark.parametrize(
    ("key_id", "secret", "words"),
    [
        ("AKIA", SECRET, "id is 'AKIA'"),
        (ID.upper(), SECRET, "GK and 24 lowercase hexadecimal digits"),
        (ID + "\n", SECRET, "GK and 24 lowercase hexadecimal digits"),
        (ID, SECRET + "\n", "has 65 characters"),
        (ID, None, "secret is unset"),
        (ID, "", "secret is unset"),
        (ID, "short-and-secret", "has 16 characters"),
        (ID, SECRET.upper(), "64 lowercase hexadecimal digits"),
    ],
)
def test_a_key_that_cannot_be_imported_is_refused_without_its_secret(key_id, secret, words):
    with pytest.raises(GarageError, match=words) as caught:
        check_key(key_id, secret)
    assert not secret or secret not in str(caught.value)


@pytest.mark.parametrize(
    ("current", "name", "create_bucket", "differs", "update"),
    [
        (key(), "app", False, [], {}),
        (key(), None, False, [], {}),
        (key(), "new", False, ["name"], {"name": "new"}),
        (key(), "app", True, ["create_bucket"], {"allow": {"createBucket": True}}),
        (key(create_bucket=True), "app", False, ["create_bucket"], {"deny": {"createBucket": True}}),
        (key(expiration="2027-01-01T00:00:00Z"), "app", False, ["expiration"], {"neverExpires": True}),
    ],
)
def test_plan(current, name, create_bucket, differs, update):
    plan = KeyPlan(current, ID, SECRET, name, create_bucket)
    assert plan.differences.names == differs
    assert plan.update_request == update


def test_another_secret_is_an_error_that_shows_neither():
    with pytest.raises(GarageError, match="exists in Garage with another secret") as caught:
        KeyPlan(key(secret=OTHER), ID, SECRET, None, False)
    assert SECRET not in str(caught.value)
    assert OTHER not in str(caught.value)


def test_an_equal_key_costs_one_request():
    garage = FakeGarage({ID: key()})
    assert not ensure_key(garage, ID, SECRET, "app", False).changed
    assert garage.calls == ["GetKeyInfo"]


def test_a_missing_key_is_imported_and_the_diff_hides_its_secret():
    garage = FakeGarage()
    differences = ensure_key(garage, ID, SECRET, "app", True)
    assert garage.keys[ID] == key(create_bucket=True)
    assert SECRET not in json.dumps(differences.diff)
    assert differences.diff["after"]["id"] == ID


def test_check_mode_predicts_what_the_run_does():
    garage = FakeGarage()
    predicted = ensure_key(garage, ID, SECRET, "app", True, check_mode=True).diff
    assert garage.calls == ["GetKeyInfo"]
    assert predicted == ensure_key(garage, ID, SECRET, "app", True).diff


def test_a_deleted_id_is_told_as_such():
    with pytest.raises(GarageError, match="was deleted from Garage once"):
        ensure_key(FakeGarage(tombstones=[ID]), ID, SECRET, "app", False)


def test_a_parallel_import_of_the_same_key_is_success():
    class Parallel(FakeGarage):
        def ImportKey(self, body):  # noqa: N802
            super().ImportKey(body)
            super().ImportKey(body)

    garage = Parallel()
    assert ensure_key(garage, ID, SECRET, "app", False).changed
    assert garage.keys[ID] == key()


def test_a_lost_answer_to_the_import_is_looked_up():
    garage = FakeGarage(lose="ImportKey")
    assert ensure_key(garage, ID, SECRET, "app", False).changed
    assert garage.calls.count("ImportKey") == 1


def test_what_garage_did_not_keep_is_an_error():
    class Forgetful(FakeGarage):
        def UpdateKey(self, body, id):  # noqa: A002, N802
            """Answer 200 and do nothing."""

    with pytest.raises(GarageError, match="did not keep create_bucket"):
        ensure_key(Forgetful({ID: key()}), ID, SECRET, "app", True)


@pytest.mark.parametrize("check_mode", [True, False])
def test_removing(check_mode):
    garage = FakeGarage({ID: key()})
    assert remove_key(garage, ID, check_mode).diff == {"before": {"id": ID}, "after": {"id": None}}
    assert (ID in garage.keys) is check_mode


def test_removing_what_is_not_there_changes_nothing():
    assert not remove_key(FakeGarage(), ID).changed
