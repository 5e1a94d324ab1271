# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.selfhost.aistack.plugins.plugin_utils.bucket_rules import problems

GOOD = {
    "name": "backup",
    "aliases": ["old-backup"],
    "quotas": {"max_size": "50G", "max_objects": "1000"},
    "website": {"enabled": "yes"},
    "lifecycle": [{"id": "expire", "expire_days": 30, "abort_multipart_days": 1}],
    "cors": [{"origins": ["*"], "methods": ["GET"], "max_age": 3000}],
    "grants": [{"key_id": "GK0123456789abcdef01234567", "read": True}],
}


def test_what_the_module_takes_is_accepted():
    assert problems([GOOD, {"name": "abc"}, {"name": "abc", "lifecycle": None}], "buckets") == []
    assert problems([], "buckets") == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"website": True}, "buckets[0].website is True, which is not accepted: set it to a dictionary."),
        ({"website": {}}, "buckets[0].website has no enabled: give it true or false."),
        (
            {"website": {"enabled": "perhaps"}},
            "buckets[0].website.enabled is 'perhaps', which is not accepted: set it to true or",
        ),
        ({"lifecyle": []}, "buckets[0] has the unknown option 'lifecyle': use only name, aliases,"),
        (
            {"lifecycle": [{"id": "a", "expire": 1}]},
            "buckets[0].lifecycle[0] has the unknown option 'expire': use only id,",
        ),
        (
            {"lifecycle": [{"id": "a", "expire_days": 0}]},
            "buckets[0]: lifecycle[0].expire_days is 0: give a number of days from 1.",
        ),
        ({"lifecycle": {"id": "a"}}, "buckets[0].lifecycle is {'id': 'a'}, which is not accepted: set it to a list."),
        (
            {"quotas": {"max_objects": "many"}},
            "buckets[0].quotas.max_objects is 'many', which is not accepted: set it to a whole",
        ),
        ({"quotas": {"max_size": "many"}}, "buckets[0]: quotas.max_size is 'many': give bytes"),
        (
            {"cors": [{"origins": ["*"], "methods": ["PATCH"]}]},
            "buckets[0].cors[0].methods[0] is 'PATCH', which is not accepted: set it",
        ),
        ({"aliases": "x y"}, "buckets[0].aliases is 'x y', which is not accepted: set it to a list."),
        ({"aliases": ["x\ny"]}, "buckets[0]: The bucket name or alias 'x\\ny' cannot be used"),
        ({"grants": [["GK"]]}, "buckets[0].grants[0] is ['GK'], which is not accepted: set it to a dictionary."),
        (
            {"name": "My_Bucket"},
            "buckets is 'My_Bucket', which is not accepted: set it to a list of buckets, each with a name of 3",
        ),
        ({"name": None}, "buckets is not set"),
    ],
)
def test_a_wrong_option_is_one_sentence(options, sentence):
    found = problems([{**GOOD, **options}], "buckets")
    assert len(found) == 1
    assert found[0].startswith(sentence)
    assert found[0].endswith(".")
    assert "\n" not in found[0]


def test_what_is_no_list_of_buckets_is_refused():
    assert problems("backup", "buckets")[0].startswith(
        "buckets is 'backup', which is no list: set it to a list of buckets"
    )
    assert problems(None, "buckets")[0].startswith("buckets is not set")
    assert problems(["backup"], "buckets")[0].startswith("buckets[0] is 'backup', which is no bucket")


def test_every_wrong_bucket_is_told():
    assert len(problems([GOOD, {"name": "a"}, {**GOOD, "cors": 5}, 7], "buckets")) == 3
