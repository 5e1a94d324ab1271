# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils import _garage
from ansible_collections.selfhost.aistack.plugins.module_utils._garage import (
    GarageClient,
    GarageConflict,
    GarageError,
    GarageNoLayout,
    GarageNotFound,
    GarageUnsure,
    PredictingClient,
    client_from_params,
    parse_size,
)

TOKEN = "token-that-must-not-show"


class Scripted(BaseHTTPRequestHandler):
    """Answer every request with the server's status and text, and remember the request."""

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.server.seen.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
        if self.server.text is None:
            self.close_connection = True
            return
        body = self.server.text.encode()
        self.send_response(self.server.status)
        for name, value in self.server.extra:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *arguments):
        """Keep the test's output clean."""


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Scripted) as httpd:
        httpd.status, httpd.text, httpd.extra, httpd.seen = 200, "{}", [], []
        httpd.url = f"http://127.0.0.1:{httpd.server_port}"
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield httpd
        httpd.shutdown()
        thread.join()


def garage_error(code, message):
    return json.dumps({"code": code, "message": message, "region": "garage", "path": "/v2/X"})


def test_a_call_carries_token_query_and_body(server):
    server.text = '{"id": "abc"}'
    client = GarageClient(server.url + "/", TOKEN)
    assert client.post("UpdateKey", {"name": "é"}, id="GK&x") == {"id": "abc"}
    method, path, headers, body = server.seen[0]
    assert (method, path) == ("POST", "/v2/UpdateKey?id=GK%26x")
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert json.loads(body) == {"name": "é"}


def test_proxies_of_the_environment_never_see_the_token(server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert GarageClient(server.url, TOKEN).get("ListKeys") == {}


def test_a_redirect_is_not_followed(server):
    server.status, server.text, server.extra = 302, "", [("Location", server.url + "/elsewhere")]
    with pytest.raises(GarageError, match="not Garage's admin API v2"):
        GarageClient(server.url, TOKEN).get("ListKeys")
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("status", "text", "kind", "words"),
    [
        (403, garage_error("AccessDenied", "Forbidden"), GarageError, "refused admin_token"),
        (404, garage_error("NoSuchBucket", "Bucket not found: x"), GarageNotFound, "Bucket not found: x"),
        (409, garage_error("BucketNotEmpty", "no"), GarageConflict, "HTTP 409"),
        (400, garage_error("InvalidRequest", "Bad request:\n  x"), GarageError, "Bad request: x"),
        (400, garage_error("InvalidRequest", "Unknown API endpoint: GET /v2/X"), GarageError, "Garage 2.0 or newer"),
        (500, garage_error("InternalError", "Invalid new layout version"), GarageUnsure, "Invalid new layout version"),
        (500, garage_error("InternalError", "Internal error: Layout not ready"), GarageNoLayout, "garage_layout first"),
        (503, garage_error("ServiceUnavailable", "Could not reach quorum"), GarageUnsure, "not enough nodes answer"),
        (404, "<html>nginx</html>", GarageError, "not Garage's admin API v2"),
        (502, "<html>proxy</html>", GarageUnsure, "not Garage's admin API v2"),
        (200, "<html>portal</html>", GarageError, "not Garage's admin API v2"),
        (500, "[]", GarageUnsure, "no message"),
    ],
)
def test_errors_are_told_as_one_sentence(server, status, text, kind, words):
    server.status, server.text = status, text
    with pytest.raises(GarageError) as caught:
        GarageClient(server.url, TOKEN).get("GetClusterLayout")
    assert caught.type is kind
    assert caught.value.status == status
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_a_lost_answer_leaves_it_open_what_happened(server):
    server.text = None
    with pytest.raises(GarageUnsure, match="broke off CreateBucket without an answer"):
        GarageClient(server.url, TOKEN).post("CreateBucket", {"globalAlias": "x"})


def test_a_refused_connection_names_the_cure():
    with pytest.raises(GarageUnsure, match="refuses the connection: start Garage"):
        GarageClient("http://127.0.0.1:1", TOKEN).get("ListKeys")


def test_tls_to_a_plain_port_is_told(server):
    with pytest.raises(GarageUnsure, match="https?://"):
        GarageClient(server.url.replace("http:", "https:"), TOKEN).get("ListKeys")


@pytest.mark.parametrize(
    "endpoint",
    ["127.0.0.1:3903", "ftp://h:1", "http://", "http://h:port", "http://h:1/v2", "http://user@h:1", "http://h:1/?x=1"],
)
def test_an_endpoint_that_cannot_be_used_is_refused(endpoint):
    with pytest.raises(GarageError, match="endpoint is"):
        GarageClient(endpoint, TOKEN)


@pytest.mark.parametrize("token", ["", "two words", "line\n", "schlüssel"])
def test_a_token_that_fits_no_header_is_refused_without_showing_it(token):
    with pytest.raises(GarageError) as caught:
        GarageClient("http://h:1", token)
    assert str(caught.value).startswith("admin_token must be one word")


def test_a_missing_ca_file_is_named(tmp_path):
    with pytest.raises(GarageError, match="ca_file .*absent.pem"):
        GarageClient("https://h:1", TOKEN, ca_file=str(tmp_path / "absent.pem"))


def test_a_timeout_below_one_second_is_refused():
    params = {"endpoint": "http://h:1", "admin_token": TOKEN, "timeout": 0, "ca_file": None}
    with pytest.raises(GarageError, match="timeout is 0"):
        _garage.client_from_params(params)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0), ("1024", 1024), (2048, 2048), ("10G", 10_000_000_000), ("10GB", 10_000_000_000), ("1Ki", 1024),
        ("1 MiB", 1048576), ("1.5T", 1_500_000_000_000), ("3k", 3000), (" 2P ", 2_000_000_000_000_000),
        ("9007199254740993", 9007199254740993),
    ],
)  # fmt: skip
def test_sizes(text, size):
    assert parse_size(text, "capacity") == size


@pytest.mark.parametrize("text", ["", "G", "-1", "1.5", "10X", "1e9", "10iB", "ten", "1,5G"])
def test_what_is_no_size_is_refused_by_name(text):
    with pytest.raises(GarageError, match="capacity is"):
        parse_size(text, "capacity")


def test_a_garage_that_is_not_there_yet_is_assumed_empty_in_check_mode_only():
    params = {
        "endpoint": "http://127.0.0.1:3903",
        "admin_token": "t",
        "timeout": 30,
        "ca_file": None,
        "admin_token_file": None,
        "assume_empty": True,
    }
    empty = client_from_params(params, check_mode=True)
    assert empty.get("GetClusterLayout")["version"] == 0
    with pytest.raises(GarageNotFound):
        empty.get("GetBucketInfo", globalAlias="anything")
    assert isinstance(client_from_params(params, check_mode=False), GarageClient)
    assert isinstance(client_from_params(dict(params, assume_empty=False), check_mode=True), GarageClient)


def test_a_prediction_finds_nothing_before_the_first_layout(server):
    server.status, server.text = 500, garage_error("InternalError", "Internal error: Layout not ready")
    with pytest.raises(GarageNotFound):
        PredictingClient(server.url, TOKEN).get("GetKeyInfo", id="GK1")
