# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Only ssh and the front door answer from outside, and the front door tells and lets in no more than it must.

Two look on: the controller, which is the host's gateway, and a neighbour in the host's networks, who may try anything a
neighbour can. The host has a public and a private address.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator

import pytest
from truthbed.front import Front, old_server
from truthbed.outside import BY_HAND, BY_HAND_PORT, UDP, Neighbour, Seen, listening, watch
from truthbed.stand import Stand

DECLARED = [22, 80, 443]
WHO = ["controller", "neighbour"]


@pytest.fixture(scope="module")
def neighbour(converged: Stand) -> Iterator[Neighbour]:
    """A machine beside the host."""
    made = Neighbour(converged)
    yield made
    made.end()


@pytest.fixture(scope="module")
def seen(converged: Stand, neighbour: Neighbour) -> Seen:
    """What answered before, while and after Redis, Garage, gateway and Caddy were made anew."""
    found = watch(converged, neighbour)
    assert found.run is not None
    assert found.run.rc == 0, found.run.output[-3000:]
    remade = {name for kind, name, action in found.run.things if kind == "service" and action == "create"}
    assert remade == {"redis/redis", "garage/garage", "gateway/api-gateway", "caddy/caddy"}
    return found


@pytest.fixture(scope="module")
def front(converged: Stand) -> Front:
    """The front door."""
    return Front(converged.address)


# Ports


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("when", ["before", "after"])
def test_tcp_ports_that_answer(seen: Seen, when: str, who: str) -> None:
    told = getattr(seen, when)[who]
    assert len(told["tcp"]) == 2, "a public and a private address"
    assert all(ports == DECLARED for ports in told["tcp"].values()), told["tcp"]
    # The host refuses and throws nothing away, so that nothing can hide behind silence.
    assert not any(told["silent"].values()), told["silent"]


@pytest.mark.parametrize("who", WHO)
def test_tcp_ports_that_answer_meanwhile(seen: Seen, who: str) -> None:
    """A port that somebody published by hand is found, so a port of ours would have been."""
    told = seen.during[who]
    assert told["rounds"] >= 1
    assert all(set(ports) <= {*DECLARED, BY_HAND_PORT} for ports in told["tcp"].values()), told["tcp"]
    assert all(BY_HAND_PORT in ports for ports in told["tcp"].values()), told["tcp"]


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("when", ["before", "after"])
def test_udp_ports(seen: Seen, when: str, who: str) -> None:
    """Each of the usual ones is refused by the host itself; 443 answers in QUIC."""
    for address, told in getattr(seen, when)[who]["udp"].items():
        assert {int(port) for port in told} == set(UDP)
        assert {port: said for port, said in told.items() if said != "closed"} == {"443": "answers"}, address


def test_the_hosts_own_list_of_sockets_says_the_same(seen: Seen, converged: Stand) -> None:
    assert listening(converged) == {*(("tcp", port) for port in DECLARED), ("udp", 443)}


def test_what_a_person_publishes_by_hand_is_left_alone(seen: Seen) -> None:
    """docker run -p is the owner's right: it answers on both addresses, and a run of ours does not touch it."""
    assert seen.by_hand["left"]["Id"] == seen.by_hand["made"]
    assert seen.by_hand["left"]["State"]["Running"]
    assert seen.by_hand["left"]["RestartCount"] == 0
    assert all(ports == [BY_HAND_PORT] for ports in seen.by_hand["answers"].values())
    assert seen.run is not None
    assert BY_HAND not in seen.run.output


# Detours


@pytest.mark.parametrize("when", ["inner_before", "inner_after"])
def test_no_neighbour_reaches_a_container(seen: Seen, converged: Stand, when: str) -> None:
    """Packets for containers' own addresses that a neighbour hands to the host on the wire."""
    address = converged.address
    assert getattr(seen, when) == {f"{address}:22": "opens", f"{address}:443": "opens", f"{address}:81": "refuses"}


@pytest.mark.parametrize("when", ["before", "after"])
def test_no_neighbour_reaches_a_port_on_loopback(seen: Seen, when: str) -> None:
    assert seen.loopback[when] == []


def test_the_neighbour_would_have_got_through(seen: Seen, converged: Stand) -> None:
    """With the guard taken away by hand the same packets arrive, where the engine is not new enough to stop them itself."""
    version = converged.on_host("docker version --format '{{.Server.Version}}'").strip()
    reached = {place.rpartition(":")[2] for place, said in seen.inner_unguarded.items() if said == "opens"}
    if int(version.split(".")[0]) < 28:
        assert {"6379", "3900", "3903", "5001", "8080"} <= reached
        assert {3900, 3902, 3903, 8080} <= set(seen.loopback["unguarded"])
    else:
        assert reached == {"22", "443"}


def test_the_guard_came_back_by_the_run(seen: Seen) -> None:
    assert seen.run is not None
    assert ("unit", "aistack-guard.service", "start") in seen.run.things


# TLS


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_versions_that_are_spoken(front: Front, version: ssl.TLSVersion) -> None:
    assert front.handshake(version) == version.name.replace("_", ".")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_older_tls_is_refused_by_the_server(front: Front, version: ssl.TLSVersion) -> None:
    """The alert comes from the other side, and the same client gets through to a server that speaks it."""
    assert front.handshake(version) == "TLSV1_ALERT_PROTOCOL_VERSION"
    with old_server(version) as (address, port):
        assert Front(address, port).handshake(version) == version.name.replace("_", ".")


def test_ciphers(front: Front) -> None:
    """Every cipher this machine knows is offered alone: only those with a key of their own for each session and AEAD are taken."""
    offered = front.ciphers_known()
    assert {"AES128-SHA", "ECDHE-ECDSA-AES128-SHA"} <= offered, "the client offers weak ones too"
    taken = front.ciphers_taken(offered)
    assert taken
    weak = {
        name
        for name in taken
        if not re.fullmatch(r"ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM-SHA(256|384)|CHACHA20-POLY1305)", name)
    }
    assert weak == set()


# What the front door says of itself, and does not


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/metrics", "/s3/", "/no/such/page", "/api/v1/auth/me", "/api/v1/documents/submit"]
)
def test_headers(front: Front, path: str) -> None:
    answer = front.ask("GET", path)
    # A browser that does not know the site's own authority must not be told to refuse everything else.
    assert answer.headers.get_all("Strict-Transport-Security") == ["max-age=0"]
    assert answer.headers.get_all("X-Content-Type-Options") == ["nosniff"]
    assert answer.headers["Referrer-Policy"]
    assert (
        "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
        or "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    )
    for name in ("Server", "Via", "X-Powered-By"):
        assert answer.headers[name] is None


def test_plain_http_says_only_where_to_go(front: Front) -> None:
    answer = front.ask_plain("GET", "/some/page?a=b")
    assert (answer.status, answer.headers["Location"]) == (308, f"https://{front.address}/some/page?a=b")
    assert answer.headers["Server"] is None
    assert answer.body == b""


#: What the services behind the door would answer, one text each.
INNER_WORDS = {
    "metrics of the gateway or Caddy": rb"# HELP|# TYPE|process_cpu_seconds|go_goroutines",
    "Caddy's configuration": rb'"apps"\s*:|"admin"\s*:|root_common_name',
    "docling-serve": rb"[Dd]ocling[ -][Ss]erve|/v1/convert",
    "Garage": rb"ListBucketResult|ListAllMyBucketsResult|garage_|GetCluster|<Code>|Garage",
    "Redis": rb"-ERR|-NOAUTH|\+PONG",
}


def assert_nothing_from_inside(body: bytes, what: str) -> None:
    for owner, words in INNER_WORDS.items():
        assert not re.search(words, body), f"{what} got something of {owner}: {body[:300]!r}"


@pytest.mark.parametrize(
    "path",
    [
        "/metrics", "//metrics", "/metrics/", "/metrics/x", "/%6detrics", "/./metrics", "/x/../metrics", "/x/%2e%2e/metrics",
        "/METRICS", "/metrics?x", "/metrics%00", "/metrics;x", "/s3/../metrics", "\\metrics", "/%2fmetrics",
    ],
)  # fmt: skip
def test_metrics_are_closed(front: Front, path: str) -> None:
    answer = front.raw("GET", path)
    assert answer.status in (308, 400, 401, 403, 404), answer
    assert_nothing_from_inside(answer.body, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/config/"), ("POST", "/load"), ("GET", "/pki/ca/local"), ("POST", "/stop"), ("GET", "/reverse_proxy/upstreams"),
        ("GET", "/v1/convert/source"), ("GET", "/docs"), ("GET", "/v2/GetClusterStatus"), ("GET", "/v2/ListKeys"),
        ("GET", "/reflow-temp"), ("GET", "/s3/reflow-temp/"), ("GET", "/s3/reflow-results/../reflow-temp/"),
        ("GET", "/s3/reflow-results/..%2freflow-temp/"), ("GET", "/s3/reflow-results/%2e%2e/reflow-temp/"), ("GET", "/s3//reflow-temp/x"),
        ("GET", "http://127.0.0.1:3903/metrics"), ("GET", "http://garage:3903/v2/ListKeys"), ("GET", "http://docling-serve:5001/docs"),
        ("GET", "http://169.254.169.254/latest/meta-data/"), ("CONNECT", "127.0.0.1:3903"), ("CONNECT", "redis:6379"), ("TRACE", "/"),
    ],
)  # fmt: skip
def test_paths_that_lead_nowhere(front: Front, method: str, path: str) -> None:
    answer = front.raw(method, path)
    assert answer.status >= 400, answer
    assert_nothing_from_inside(answer.body, path)


@pytest.mark.parametrize(
    "host",
    [
        "garage:3903", "garage:3900", "127.0.0.1:3903", "localhost:2019", "localhost:8080", "redis:6379", "docling-serve:5001",
        "reflow-temp.web.garage", "reflow-results.web.garage", "api-gateway:8080", "unix//run/caddy/admin.sock", "example.org", "",
    ],
)  # fmt: skip
def test_another_host_header_leads_nowhere(front: Front, host: str) -> None:
    answer = front.raw("GET", "/v2/ListKeys", host=host)
    assert answer.status in (400, 421), answer
    assert_nothing_from_inside(answer.body, host)


@pytest.mark.parametrize("name", ["garage", "localhost", "reflow-temp.web.garage", "api-gateway", "example.org"])
def test_another_name_in_tls_gets_no_certificate(front: Front, name: str) -> None:
    assert front.handshake(ssl.TLSVersion.TLSv1_3, server_name=name) == "TLSV1_ALERT_INTERNAL_ERROR"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "garage:3903"}, {"X-Original-URL": "/metrics"}, {"X-Rewrite-URL": "/metrics"},
        {"Forwarded": "host=garage:3903;proto=http;for=127.0.0.1"}, {"X-Forwarded-For": "127.0.0.1"}, {"X-Real-IP": "127.0.0.1"},
        {"X-HTTP-Method-Override": "DELETE"}, {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__"},
    ],
)  # fmt: skip
def test_headers_open_nothing(front: Front, headers: dict[str, str]) -> None:
    for path in ("/metrics", "/api/v1/auth/me", "/s3/reflow-results/x"):
        answer = front.raw("GET", path, headers=headers)
        assert answer.status in (401, 403, 404), (path, answer)
        assert_nothing_from_inside(answer.body, path)
