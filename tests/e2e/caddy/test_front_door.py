# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What everybody who reaches the site gets: encryption, headers, limits, streams, closed paths, and a quiet log."""

from __future__ import annotations

import gzip
import json
import os
import socket
import ssl
import stat
import threading
import time
import uuid

import pytest
from caddybed.net import LOOPBACK, ask, connect, listens, wait_until


def received(answer):
    """The headers that the upstream received, in lower case."""
    return {name.lower(): value for name, value in json.loads(answer.body)["headers"]}


def test_http_leads_to_https(edge):
    answer = ask(edge.http, "/a/b?c=d", name=edge.site)
    assert (answer.status, answer.headers["Location"]) == (308, f"https://{edge.authority}/a/b?c=d")
    assert answer.headers["Server"] is None


def test_http_of_another_name_leads_to_the_site(edge):
    answer = ask(edge.http, "/", name="other.example.test")
    assert answer.headers["Location"] == f"https://{edge.authority}/"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_no_tls_before_1_2(edge):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(edge.root)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        connect(edge.https, edge.site, context=context)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3(edge, version):
    context = ssl.create_default_context(cafile=edge.root)
    context.minimum_version = context.maximum_version = version
    with connect(edge.https, edge.site, context=context) as sock:
        assert sock.version() == version.name.replace("_", ".")


def test_http_2(edge):
    context = ssl.create_default_context(cafile=edge.root)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with connect(edge.https, edge.site, context=context) as sock:
        assert sock.selected_alpn_protocol() == "h2"


def test_http_3(edge):
    assert f'h3=":{edge.https}"' in edge.ask("/healthz").headers["Alt-Svc"]
    # A packet of a version that does not exist is answered with the versions that do (RFC 9000, 17.2.1).
    packet = bytes([0xC0]) + bytes.fromhex("1a1a1a1a") + b"\x08" + os.urandom(8) + b"\x08" + os.urandom(8)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.sendto(packet.ljust(1200, b"\0"), (LOOPBACK, edge.https))
        answer = sock.recv(2000)
    assert answer[1:5] == bytes(4)
    assert bytes.fromhex("00000001") in answer[5:]


def test_another_name_in_tls_or_host(edge):
    with pytest.raises(ssl.SSLError):
        connect(edge.https, "other.example.test", edge.root)
    assert edge.ask("/", headers={"Host": "other.example.test"}).status == 421


@pytest.mark.parametrize("path", ["/echo", "/healthz", "/metrics"])
def test_security_headers(edge, path):
    headers = edge.ask(path).headers
    # HSTS with an authority that browsers do not know would lock people out, so mode internal takes it back.
    assert headers.get_all("Strict-Transport-Security") == ["max-age=0"]
    assert headers.get_all("X-Content-Type-Options") == ["nosniff"]
    assert headers.get_all("Referrer-Policy") == ["strict-origin-when-cross-origin"]
    assert headers.get_all("Content-Security-Policy") == ["frame-ancestors 'self'"]
    assert headers["Server"] is None
    assert headers["Via"] is None


def test_the_applications_own_policies_win(edge):
    headers = edge.ask("/page").headers
    assert headers.get_all("Content-Security-Policy") == ["default-src 'self'"]
    assert headers.get_all("Referrer-Policy") == ["no-referrer"]
    assert headers.get_all("X-Content-Type-Options") == ["nosniff"]


def test_text_is_compressed(edge):
    answer = edge.ask("/page", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(answer.body).startswith(b"<p>words")


@pytest.mark.parametrize("size", [0, 999_999, 1_000_000])
def test_a_body_within_the_limit_passes_whole(edge, size):
    assert json.loads(edge.ask("/submit", "POST", body=bytes(size)).body)["size"] == size


@pytest.mark.parametrize("chunked", [False, True])
def test_a_larger_body_is_413(edge, chunked):
    with connect(edge.https, edge.site, edge.root) as sock:
        kind = "Transfer-Encoding: chunked" if chunked else "Content-Length: 1000001"
        sock.sendall(f"POST /submit HTTP/1.1\r\nHost: {edge.authority}\r\n{kind}\r\n\r\n".encode())
        if chunked:
            sock.sendall(f"{1_000_001:x}\r\n".encode())
        sock.sendall(bytes(1_000_001) + (b"\r\n0\r\n\r\n" if chunked else b""))
        answer = b""
        while b"larger than" not in answer and (part := sock.recv(65536)):
            answer += part
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"The upload is larger than 1MB." in answer


def test_events_arrive_one_by_one(edge):
    with connect(edge.https, edge.site, edge.root) as sock:
        sock.sendall(
            f"GET /stream?count=3&gap=1 HTTP/1.1\r\nHost: {edge.authority}\r\nAccept-Encoding: gzip, zstd\r\n\r\n".encode()
        )
        answer = b""
        for number in range(3):
            while f"data: {number} ".encode() not in answer or not answer.endswith(b"\n"):
                answer += sock.recv(65536)
            sent = float(answer.split(f"data: {number} ".encode())[1].split()[0])
            assert time.monotonic() - sent < 0.5
    assert b"Content-Encoding" not in answer


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/metrics/",
        "/metrics?x=1",
        "/METRICS",
        "//metrics",
        "/./metrics",
        "/a/../metrics",
        "/%6detrics",
        "/a/%2e%2e/metrics",
        "/metrics%2f",
        "/metrics/x",
        "/docs",
        "/docs/oauth2-redirect",
        "/openapi.json",
    ],
)
def test_closed_paths(edge, upstream, path):
    upstream.seen.clear()
    assert edge.ask(path).status == 404
    assert upstream.seen == []


def test_the_health_of_the_edge_needs_no_upstream(edge, upstream):
    upstream.stop()
    try:
        answer = edge.ask("/healthz")
        assert (answer.status, answer.text) == (200, "ok")
    finally:
        upstream.start()


def test_forged_forwarding_headers_are_replaced(edge):
    forged = {
        "X-Forwarded-For": "192.0.2.66",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Port": "1",
        "X-Forwarded-Prefix": "/evil",
        "X_Forwarded_For": "192.0.2.66",
        "Forwarded": "for=192.0.2.66",
        "X-Real-IP": "192.0.2.66",
        "X-Client-IP": "192.0.2.66",
        "True-Client-IP": "192.0.2.66",
        "X-Original-URL": "/admin",
        "X-Rewrite-URL": "/admin",
    }
    answer = edge.ask("/echo", headers=forged)
    headers = received(answer)
    assert headers["x-forwarded-for"] == LOOPBACK
    assert headers["x-forwarded-proto"] == "https"
    assert headers["x-forwarded-host"] == edge.authority
    assert headers["host"] == edge.authority
    others = {name.lower() for name in forged} - {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"}
    assert not others & set(headers)
    assert "evil" not in answer.text
    assert "192.0.2.66" not in answer.text


def test_a_foreign_origin_cannot_claim_to_be_this_site(edge):
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}
    assert received(edge.ask("/echo", "POST", headers=foreign))["sec-fetch-site"] == "cross-site"
    own = {"Origin": f"https://{edge.authority}", "Sec-Fetch-Site": "same-origin"}
    assert received(edge.ask("/echo", "POST", headers=own))["sec-fetch-site"] == "same-origin"
    assert "sec-fetch-site" not in received(edge.ask("/echo"))


def test_the_log_holds_no_secret(edge, upstream):
    secret = uuid.uuid4().hex
    headers = {
        "Authorization": f"Bearer {secret}",
        "Cookie": f"session={secret}",
        "X-API-Key": secret,
        "X-CSRF-Token": secret,
        "Referer": f"https://{edge.authority}/stream?token={secret}",
    }
    mark = uuid.uuid4().hex
    edge.ask(f"/{mark}/stream?token={secret}", headers=headers)
    edge.ask(f"/{mark}/api/v1/approval/{secret}/review?x={secret}", headers=headers)
    ask(edge.http, f"/{mark}/plain?token={secret}", headers=headers, name=edge.site)
    edge.ask(f"/{mark}/other?token={secret}", headers={**headers, "Host": "other.example.test"})
    # A request whose upstream goes away leaves lines of the proxy itself.
    thread = threading.Thread(target=edge.ask, args=(f"/{mark}/slow?seconds=60&token={secret}", "POST", headers))
    thread.start()
    wait_until("the request arrives", lambda: any(f"{mark}/slow" in path for _verb, path in upstream.seen))
    upstream.stop()
    upstream.start()
    thread.join()
    paths = ["stream", "api/v1/approval/-/review", "plain", "other", "slow"]

    def logged():
        lines = [line for line in edge.log() if line.get("logger", "").startswith("http.log.access")]
        return {line["request"]["uri"] for line in lines if mark in line["request"]["uri"]}

    wait_until("all requests are in the log", lambda: len(logged()) == len(paths))
    assert logged() == {f"/{mark}/{path}" for path in paths}
    assert secret not in edge.output.read_text()
    assert "secret-set-cookie" not in edge.output.read_text()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_requests_wait_for_an_upstream_that_restarts(edge, upstream, method):
    upstream.stop()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(edge.ask("/echo", method, body=b"x" * 1000)))
    thread.start()
    thread.join(1)
    assert not answers
    upstream.start()
    thread.join(10)
    assert answers[0].status == 200
    assert json.loads(answers[0].body)["size"] == 1000


def test_an_upstream_that_stays_away(new_edge, upstream):
    impatient = new_edge(caddy_tls_upstream_patience=1).start()
    upstream.stop()
    try:
        answer = impatient.ask("/echo")
    finally:
        upstream.start()
    assert answer.status == 502
    assert answer.headers["Retry-After"] == "10"
    assert "may be restarting" in answer.text
    assert answer.headers["Server"] is None


def test_the_admin_interface_is_a_socket_of_the_owner(edge):
    assert stat.S_IMODE(edge.socket.stat().st_mode) == 0o200
    assert not listens(2019)
    assert edge.ask("/config/").status == 200, "the path belongs to the application"
    assert json.loads(edge.ask("/config/").body)["path"] == "/config/"


def test_the_health_check_of_the_container(new_edge):
    edge = new_edge()
    assert edge.healthcheck() != 0
    edge.start()
    assert edge.healthcheck() == 0
    edge.stop()
    assert edge.healthcheck() != 0
