# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image references, logins and the progress of a pull."""

from __future__ import annotations

import base64
import json

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils import _compose_images as images
from ansible_collections.selfhost.aistack.plugins.module_utils._docker import DockerError, demultiplex


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("redis:8", ("redis", "8")),
        ("host:5000/a/redis:8", ("host:5000/a/redis", "8")),
        ("host:5000/redis:8@sha256:00", ("host:5000/redis", "sha256:00")),
        ("redis@sha256:00", ("redis", "sha256:00")),
    ],
)
def test_a_digest_wins_over_a_tag(reference, parts):
    assert images.split(reference) == parts


@pytest.mark.parametrize(
    ("reference", "registry"),
    [
        ("redis:8", images.DEFAULT_REGISTRY),
        ("library/redis:8", images.DEFAULT_REGISTRY),
        ("docker.io/library/redis:8", images.DEFAULT_REGISTRY),
        ("quay.example/a/b:1", "quay.example"),
        ("host:5000/b:1", "host:5000"),
        ("localhost/b:1", "localhost"),
    ],
)
def test_the_registry_of_a_reference(reference, registry):
    assert images.registry_of(reference) == registry


def test_a_login_is_sent_to_its_registry_only(tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"auths": {"host:5000": {"auth": base64.b64encode(b"me:pass:word").decode()}}}))
    header = images.login_header("host:5000/b:1", str(config))["X-Registry-Auth"]
    assert json.loads(base64.urlsafe_b64decode(header))["password"] == "pass:word"
    assert images.login_header("other:5000/b:1", str(config)) == {}
    assert images.login_header("host:5000/b:1", str(tmp_path / "none")) == {}


class Recorded:
    """A double of the engine that plays back the events of one pull."""

    def __init__(self, *events):
        self.played = events

    def events(self, _method, _path, headers=None):
        return iter(self.played)


def test_a_pull_tells_bytes_and_unpacking():
    said = []
    engine = Recorded(
        {"status": "Pulling from a/b", "id": "1"},
        {"status": "Downloading", "id": "x", "progressDetail": {"current": 1_000_000, "total": 4_000_000}},
        {"status": "Download complete", "id": "x"},
        {"status": "Extracting", "id": "x", "progressDetail": {"current": 2_000_000, "total": 4_000_000}},
        {"status": "Pull complete", "id": "x"},
    )
    images.pull(engine, "a/b:1@sha256:00", said.append)
    assert said[1] == "pulling a/b:1: 1 of 4 MB"
    assert said[-1] == "pulling a/b:1: 4 of 4 MB, unpacked 4 of 4 MB"


def test_a_refused_pull_is_told_in_the_registrys_words():
    with pytest.raises(DockerError, match="manifest unknown"):
        images.pull(Recorded({"error": "manifest unknown"}), "a/b:1", lambda text: None)


def test_log_frames_are_joined_and_a_terminal_s_stream_is_left_alone():
    frame = b"\x01\0\0\0\0\0\0\x03one" + b"\x02\0\0\0\0\0\0\x03two"
    assert demultiplex(frame) == b"onetwo"
    assert demultiplex(b"plain text, no frames") == b"plain text, no frames"
