# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import shutil
import subprocess
import time

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils._health_net import NotReadyError
from ansible_collections.selfhost.aistack.plugins.module_utils._health_redis import (
    ReplyError,
    encode,
    probe_redis,
    read_reply,
)

PORT = 20420


def start(folder, port, *options):
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    assert program, "This test needs a real Redis: install the Debian package redis-server."
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def stop(process):
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    process = start(
        tmp_path_factory.mktemp("redis"),
        PORT,
        "--requirepass",
        "pässword",
        "--user",
        "app",
        "on",
        ">apppass",
        "+ping",
        "+info",
    )
    yield
    stop(process)


def refused(target, **options):
    with pytest.raises(NotReadyError) as caught:
        probe_redis(target("redis", port=PORT, **options), 5, False)
    return str(caught.value)


def wait_for(target, seconds=20, **options):
    """Try until the probe succeeds; a starting server refuses, and then perhaps loads."""
    until = time.monotonic() + seconds
    while True:
        try:
            return probe_redis(target("redis", port=PORT, **options), 5, False)
        except NotReadyError:
            assert time.monotonic() < until
            time.sleep(0.02)


def test_logs_in_and_sees_the_role(redis, target):
    wait_for(target, password="pässword")
    probe_redis(target("redis", port=PORT, password="pässword", role="master"), 5, False)
    probe_redis(target("redis", port=PORT, username="app", password="apppass", role="master"), 5, False)
    assert refused(target, password="pässword", role="slave") == (
        "127.0.0.1:20420: its role is master instead of slave"
    )


def test_refused_logins_are_told_without_the_password(redis, target):
    wait_for(target, password="pässword")
    assert refused(target) == "127.0.0.1:20420: it wants a password; set password"
    assert refused(target, password="wrong") == "127.0.0.1:20420: it refuses the username or password (WRONGPASS)"


def test_a_password_where_none_is_set(target, tmp_path):
    process = start(tmp_path, PORT + 1)
    try:
        until = time.monotonic() + 20
        words = "the connection is refused"
        while words == "the connection is refused" and time.monotonic() < until:
            with pytest.raises(NotReadyError) as caught:
                probe_redis(target("redis", port=PORT + 1, password="x"), 5, False)
            words = str(caught.value).partition(": ")[2]
            time.sleep(0.02)
        assert words == "it has no password set; leave password out"
    finally:
        stop(process)


def test_nothing_listens(target):
    with pytest.raises(NotReadyError, match="127.0.0.1:20422: the connection is refused"):
        probe_redis(target("redis", port=PORT + 2), 5, False)


def test_commands_are_counted_in_bytes():
    assert encode("AUTH", "pä") == b"*2\r\n$4\r\nAUTH\r\n$3\r\np\xc3\xa4\r\n"


@pytest.mark.parametrize(
    ("reply", "value"), [(b"+PONG\r\n", "PONG"), (b":1\r\n", "1"), (b"$4\r\na\r\nb\r\n", "a\r\nb"), (b"$0\r\n\r\n", "")]
)
def test_replies(reply, value):
    assert read_reply(io.BytesIO(reply)) == value


@pytest.mark.parametrize(
    "reply", [b"", b"+PON", b"$9\r\nshort\r\n", b"HTTP/1.1 400\r\n", b"*1\r\n$1\r\na\r\n", b"$-1\r\n"]
)
def test_replies_that_are_none(reply):
    with pytest.raises(ValueError, match="closed|protocol"):
        read_reply(io.BytesIO(reply))


def test_an_error_reply_keeps_its_words():
    with pytest.raises(ReplyError, match="LOADING Redis is loading"):
        read_reply(io.BytesIO(b"-LOADING Redis is loading the dataset in memory\r\n"))
