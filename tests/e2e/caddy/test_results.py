# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results through Caddy: the results bucket of a real Garage and nothing else, openly or behind the login."""

from __future__ import annotations

import pytest
from caddybed.garage import RESULTS, ROOT, TEMP, Garage
from caddybed.net import ask

MARKDOWN = b"# Heading\n\nWords of the document.\n"
TEMPORARY = b"%PDF somebody's upload"


@pytest.fixture(scope="module")
def garage(tmp_path_factory):
    node = Garage(tmp_path_factory.mktemp("garage"))
    node.put(RESULTS, "job/images/figure 1.png", b"\x89PNG", "image/png")
    node.put(RESULTS, "job.md", MARKDOWN, "text/markdown")
    node.put(RESULTS, "page.html", b"<script>alert(1)</script>", "text/html")
    node.put(TEMP, "temp/upload.pdf", TEMPORARY, "application/pdf")
    yield node
    node.stop()


@pytest.fixture(scope="module")
def new_route(new_edge, garage):
    def make(access):
        return new_edge(
            caddy_tls_results_access=access,
            caddy_tls_results_bucket=RESULTS,
            caddy_tls_results_upstream=f"127.0.0.1:{garage.web}",
            caddy_tls_results_website_root=ROOT,
        ).start()

    return make


@pytest.fixture(scope="module")
def public(new_route):
    return new_route("public")


@pytest.fixture(scope="module")
def authenticated(new_route):
    return new_route("authenticated")


@pytest.fixture(scope="module")
def closed(new_route):
    return new_route("none")


def test_a_result_is_read_without_a_login(public):
    answer = public.ask(f"/s3/{RESULTS}/job.md")
    assert (answer.status, answer.body) == (200, MARKDOWN)
    assert answer.headers["Content-Type"] == "text/markdown"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000"
    assert answer.headers["ETag"]


def test_a_name_with_a_space(public):
    assert public.ask(f"/s3/{RESULTS}/job/images/figure%201.png").body == b"\x89PNG"


def test_part_of_a_result(public):
    answer = public.ask(f"/s3/{RESULTS}/job.md", headers={"Range": "bytes=2-8"})
    assert (answer.status, answer.body) == (206, b"Heading")


def test_the_head_of_a_result(public):
    answer = public.ask(f"/s3/{RESULTS}/job.md", "HEAD")
    assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(MARKDOWN)))


def test_a_result_is_not_run_as_a_part_of_the_site(public):
    policies = public.ask(f"/s3/{RESULTS}/page.html").headers.get_all("Content-Security-Policy")
    assert len(policies) == 1
    assert "sandbox" in policies[0]
    assert "default-src 'none'" in policies[0]


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "OPTIONS", "PATCH"])
def test_nothing_but_reading(public, upstream, method):
    upstream.seen.clear()
    assert public.ask(f"/s3/{RESULTS}/job.md", method, body=b"x").status == 404
    assert upstream.seen == []


@pytest.mark.parametrize(
    "path", ["", "/", "?list-type=2", "/?list-type=2&prefix=", "/?versions", "/job/", "/job/images/"]
)
def test_no_listing(public, path):
    answer = public.ask(f"/s3/{RESULTS}{path}")
    assert answer.status == 404
    assert "job.md" not in answer.text


def test_no_other_bucket_by_any_path(public, garage, upstream):
    assert ask(garage.web, "/temp/upload.pdf", name=f"{TEMP}{ROOT}").body == TEMPORARY
    upstream.seen.clear()
    for path in (
        f"/s3/{TEMP}/temp/upload.pdf",
        f"/S3/{TEMP}/temp/upload.pdf",
        f"/s3/{TEMP.upper()}/temp/upload.pdf",
        f"//s3//{TEMP}/temp/upload.pdf",
        f"/s3//{TEMP}/temp/upload.pdf",
        f"/s3/./{TEMP}/temp/upload.pdf",
        f"/s3/{RESULTS}/../{TEMP}/temp/upload.pdf",
        f"/s3/{RESULTS}/%2e%2e/{TEMP}/temp/upload.pdf",
        f"/s3/{RESULTS}/..%2f{TEMP}/temp/upload.pdf",
        f"/s3/{RESULTS}%2f..%2f{TEMP}/temp/upload.pdf",
        f"/s3/{RESULTS}/%2e%2e%2f{TEMP}%2ftemp%2fupload.pdf",
        f"/s3/{RESULTS}/..%252f{TEMP}/temp/upload.pdf",
        f"/s3/{RESULTS}/..\\{TEMP}\\temp\\upload.pdf",
        f"/s3/{RESULTS}/..;/{TEMP}/temp/upload.pdf",
        f"/s3/{RESULTS}//{TEMP}/temp/upload.pdf",
        f"/s3/{RESULTS}.{TEMP}/temp/upload.pdf",
        f"/s3/{RESULTS}@{TEMP}/temp/upload.pdf",
        f"/s3/{RESULTS}x/temp/upload.pdf",
        f"/s3%2f{TEMP}/temp/upload.pdf",
        f"/%73%33/{TEMP}/temp/upload.pdf",
        f"/a/../s3/{TEMP}/temp/upload.pdf",
        "/s3",
        "/s3/",
    ):
        answer = public.ask(path)
        assert answer.status in (400, 404), path
        assert TEMPORARY not in answer.body, path
    assert upstream.seen == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": f"{TEMP}{ROOT}"},
        {"X-Forwarded-Host": f"{TEMP}{ROOT}"},
        {"X-Original-URL": f"/{TEMP}/temp/upload.pdf"},
    ],
)
def test_no_other_bucket_by_a_header(public, headers):
    answer = public.ask(f"/s3/{RESULTS}/temp/upload.pdf", headers=headers)
    assert answer.status in (404, 421)
    assert TEMPORARY not in answer.body


def test_no_other_bucket_by_an_absolute_request(public):
    answer = public.ask(f"https://{TEMP}{ROOT}/temp/upload.pdf")
    assert answer.status == 421
    assert TEMPORARY not in answer.body


def test_the_login_decides_where_it_is_asked(authenticated):
    path = f"/s3/{RESULTS}/job.md"
    refused = authenticated.ask(path)
    assert refused.status == 401
    assert MARKDOWN not in refused.body
    assert authenticated.ask(path, headers={"Cookie": "session=wrong"}).status == 401
    assert authenticated.ask(path, headers={"Range": "bytes=0-1"}).status == 401
    assert authenticated.ask(path, "HEAD").status == 401
    allowed = authenticated.ask(path, headers={"Cookie": "session=good"})
    assert (allowed.status, allowed.body) == (200, MARKDOWN)
    assert allowed.headers.get_all("Cache-Control") == ["private, no-cache"]


def test_the_login_opens_no_other_bucket(authenticated):
    answer = authenticated.ask(f"/s3/{TEMP}/temp/upload.pdf", headers={"Cookie": "session=good"})
    assert answer.status == 404


def test_without_the_route_its_paths_are_the_applications(closed, upstream):
    upstream.seen.clear()
    assert closed.ask(f"/s3/{RESULTS}/job.md").status == 200
    assert upstream.seen == [("GET", f"/s3/{RESULTS}/job.md")]
