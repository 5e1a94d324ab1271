# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The states that the tests of the promises compare: what they say differs, and what they leave out."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "truth"))

from truthbed import host_state  # noqa: E402
from truthbed.state import differences, digest, settled  # noqa: E402

STATE = {
    "files": {"/opt/aistack": ["folder", "0700", 0, 0]},
    "garage": {"buckets": {"results": {"websiteAccess": True}}},
    "leftovers": [],
    "moments": {"boot": "1", "packages": ["docker.io 26 installed"]},
}


def test_equal_states_have_no_differences_and_one_digest():
    again = {part: STATE[part] for part in reversed(list(STATE))}
    assert differences(STATE, again) == []
    assert digest(STATE) == digest(again)


def test_every_value_that_differs_is_a_line_with_its_place():
    after = {
        **STATE,
        "files": {**STATE["files"], "/opt/aistack/redis": ["folder", "0700", 0, 0]},
        "garage": {"buckets": {"results": {"websiteAccess": False}}},
        "leftovers": ["/run/aistack/job-1"],
    }
    assert differences(STATE, after) == [
        'files /opt/aistack/redis: nothing became ["folder", "0700", 0, 0]',
        "garage buckets results websiteAccess: true became false",
        "leftovers: /run/aistack/job-1 came",
    ]


def test_a_part_that_is_not_there_is_a_difference_as_a_whole():
    assert differences({"garage": None}, {"garage": {"layout": 1}}) == ['garage: null became {"layout": 1}']


def test_settled_states_are_equal_after_a_restart_and_digests_are_not():
    after = {**STATE, "moments": {"boot": "2"}}
    assert differences(settled(STATE), settled(after)) == []
    assert digest(STATE) != digest(after)


def test_records_of_ours_are_compared_without_what_tells_when(tmp_path):
    release = '{"made": "%s", "number": 1, "services": {"redis": {"image_id": "%s", "hash": "h"}}}'
    one, other = tmp_path / "1" / "release.json", tmp_path / "2" / "release.json"
    for path, words in ((one, ("now", "a")), (other, ("then", "b"))):
        path.parent.mkdir()
        path.write_text(release % words, encoding="utf-8")
    assert host_state._content(str(one), one.stat().st_mode) == host_state._content(str(other), other.stat().st_mode)
    other.write_text(release.replace('"h"', '"i"') % ("now", "a"), encoding="utf-8")
    assert host_state._content(str(one), one.stat().st_mode) != host_state._content(str(other), other.stat().st_mode)


def test_a_record_that_is_cut_off_is_compared_as_it_is(tmp_path):
    path = tmp_path / "release.json"
    path.write_text('{"made": ', encoding="utf-8")
    assert host_state._content(str(path), path.stat().st_mode) == host_state.digest(b'{"made": ')


def test_a_container_is_shown_without_its_values_and_ids():
    seen = {
        "Image": "sha256:1",
        "Config": {
            "Image": "redis:8",
            "Env": ["PASSWORD=hidden"],
            "Labels": {"aistack.inputs": "x", "com.docker.compose.replace": "abc"},
        },
        "HostConfig": {"Memory": 1},
        "Mounts": [{"Type": "volume", "Name": "0" * 64, "Destination": "/data", "Mode": "", "RW": True}],
        "NetworkSettings": {"Networks": {"aistack": {"Aliases": ["abc"]}}},
        "State": {"Status": "running", "Health": {"Status": "healthy"}},
    }
    shown = host_state.container(seen, {"sha256:1": "sha256:2"})
    assert "hidden" not in str(shown)
    assert shown["labels"] == {"aistack.inputs": "x"}
    assert shown["mounts"] == [["anonymous", "/data", "", True]]
    assert (shown["image_digest"], shown["networks"], shown["state"], shown["health"]) == (
        "sha256:2", ["aistack"], "running", "healthy",
    )  # fmt: skip


def test_an_image_that_was_built_here_has_no_digest_of_a_registry():
    digests = ["aistack/gateway-api-gateway@sha256:1"]
    assert host_state.image_digest({"RepoTags": ["aistack/gateway-api-gateway:1"], "RepoDigests": digests}) == "local"
    assert host_state.image_digest({"RepoTags": ["redis:8"], "RepoDigests": ["redis@sha256:2"]}) == "sha256:2"
    assert host_state.image_digest({"RepoTags": ["redis:8"], "RepoDigests": None}) == "local"
