# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import http.server
import json
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.selfhost.aistack.plugins.module_utils._health_http import find, probe_http, same, shown
from ansible_collections.selfhost.aistack.plugins.module_utils._health_net import HopelessError, NotReadyError

PORT = 20410
HEALTH = {"status": "ready", "checks": {"redis": True, "queue_depth": 0}, "nodes": [{"id": "a"}]}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers)))
        name, _question, query = self.path.partition("?")
        if name == "/health":
            self._answer(200, json.dumps(HEALTH).encode(), "application/json")
        elif name == "/unready":
            self._answer(503, b'{"detail": "redis is down"}', "application/json")
        elif name == "/old":
            self._answer(308, b"", "text/plain", {"Location": query or "/health"})
        elif name == "/loop":
            self._answer(302, b"", "text/plain", {"Location": "/loop"})
        elif name == "/stream":
            self.send_response(200)
            self.end_headers()
            self.server.hold.wait(30)
        elif name == "/silent":
            self.server.hold.wait(30)
        else:
            self._answer(404, b"<html>secret page</html>", "text/html")

    def do_POST(self):
        self.do_GET()

    def _answer(self, status, body, kind, headers=None):
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port, tls=None):
        super().__init__(("127.0.0.1", port), Handler)
        self.seen = []
        self.hold = threading.Event()
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *exc):
        self.hold.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        pass  # a client that refuses the certificate is part of the test


@pytest.fixture
def server():
    with Server(PORT) as running:
        yield running


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate for site.test: (PEM file of it, PEM file of its key)."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "site.test")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("site.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def tls_server(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    names = []
    context.sni_callback = lambda sock, name, ctx: names.append(name)
    with Server(PORT + 1, context) as running:
        running.names = names
        yield running


def probe(target, path, port=PORT, timeout=5, **options):
    probe_http(target("http", url=f"http://127.0.0.1:{port}{path}", **options), timeout, False)


def refused(target, path, **options):
    with pytest.raises(NotReadyError) as caught:
        probe(target, path, **options)
    return str(caught.value)


def test_status_and_json_fields(server, target):
    probe(target, "/health")
    probe(target, "/unready", status=[500, 503])
    probe(target, "/health", json={"status": "ready", "checks.redis": True, "checks.queue_depth": 0, "nodes.0.id": "a"})
    probe(target, "/health", json={"checks.redis": "True", "checks.queue_depth": "0"})


def test_what_is_not_wanted_is_told(server, target):
    assert refused(target, "/unready") == (
        'http://127.0.0.1:20410/unready: answers 503 instead of 200 ({"detail": "redis is down"})'
    )
    assert refused(target, "/health", json={"checks.redis": False}).endswith(
        "/health: the field checks.redis is true instead of false"
    )
    assert refused(target, "/health", json={"checks.s3": True}).endswith("/health: the JSON has no field checks.s3")
    assert refused(target, "/nowhere", status=[404], json={"a": 1}).endswith("/nowhere: the body is not JSON")


def test_pages_and_queries_are_not_told(server, target):
    assert refused(target, "/nowhere?token=abc") == "http://127.0.0.1:20410/nowhere: answers 404 instead of 200"
    assert shown("https://user:pw@h:1/p?q#f") == "https://h:1/p"


def test_headers_method_and_host_arrive(server, target):
    probe(target, "/health", headers={"Authorization": "Bearer x", "X-Number": 1}, method="POST", host="site.test")
    headers = server.seen[0][1]
    assert (headers["Host"], headers["Authorization"], headers["X-Number"]) == ("site.test", "Bearer x", "1")


def test_a_stream_is_ready_when_it_starts(server, target):
    probe(target, "/stream")


def test_a_server_that_never_answers_costs_one_attempt_only(server, target):
    assert refused(target, "/silent", timeout=0.2).endswith("/silent: no answer in time")


def test_redirects_only_when_asked_for(server, target):
    assert "answers 308 instead of 200" in refused(target, "/old")
    probe(target, "/old", follow_redirects=True)
    assert refused(target, "/loop", follow_redirects=True) == "http://127.0.0.1:20410/loop: more than 5 redirects"
    assert len([path for path, headers in server.seen if path == "/loop"]) == 6


def test_a_redirect_to_the_sites_name_stays_at_the_address(server, target):
    probe(
        target, f"/old?http://site.test:{PORT}/health", host="site.test", follow_redirects=True, headers={"X-Key": "k"}
    )
    path, headers = server.seen[-1]
    assert (path, headers["Host"], headers["X-Key"]) == ("/health", f"site.test:{PORT}", "k")


def test_headers_do_not_follow_to_another_host(server, target):
    probe(target, f"/old?http://localhost:{PORT}/health", follow_redirects=True, headers={"X-Key": "k"})
    assert "X-Key" not in server.seen[-1][1]


def test_tls_is_checked_against_the_sites_name(tls_server, certificate, target):
    url = f"https://127.0.0.1:{PORT + 1}/health"
    probe_http(target("http", url=url, host="site.test:8443", ca_file=str(certificate[0])), 5, False)
    assert tls_server.names == ["site.test"]
    assert tls_server.seen[0][1]["Host"] == "site.test:8443"
    with pytest.raises(NotReadyError, match="certificate is not accepted"):
        probe_http(target("http", url=url, ca_file=str(certificate[0])), 5, False)
    with pytest.raises(NotReadyError, match="certificate is not accepted"):
        probe_http(target("http", url=url, host="site.test"), 5, False)


def test_a_ca_file_may_come_later_but_must_be_one(tls_server, certificate, target, tmp_path):
    url = f"https://127.0.0.1:{PORT + 1}/health"
    with pytest.raises(NotReadyError, match=r"does not exist \(yet\)"):
        probe_http(target("http", url=url, ca_file=str(tmp_path / "none.pem")), 5, False)
    (tmp_path / "bad.pem").write_text("no certificate")
    with pytest.raises(HopelessError, match="cannot be used"):
        probe_http(target("http", url=url, ca_file=str(tmp_path / "bad.pem")), 5, False)


def test_plain_words_for_what_is_not_http(target):
    assert refused(target, "/", port=PORT + 2) == "http://127.0.0.1:20412/: the connection is refused"
    with pytest.raises(NotReadyError, match="its name cannot be resolved"):
        probe_http(target("http", url="http://no-such-host.invalid/"), 5, False)


@pytest.mark.parametrize(
    ("actual", "wanted", "agree"),
    [
        (True, True, True),
        (True, 1, False),
        (0, False, False),
        (1, 1.0, True),
        (True, "true", True),
        (True, "True", True),
        (None, "null", True),
        ("1", 1, False),
        (3, "3", True),
        ([1], [1], True),
    ],
)
def test_same(actual, wanted, agree):
    assert same(actual, wanted) is agree


def test_find_has_no_negative_or_foreign_steps():
    assert find({"a": [1, {"b": None}]}, "a.1.b") is None
    for path in ("a.2", "a.-1", "a.b", "x", "a.0.b"):
        with pytest.raises(KeyError):
            find({"a": [1, {"b": None}]}, path)
