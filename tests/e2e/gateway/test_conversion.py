# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A document's way through the gateway, with a real Redis and a real Garage. docling-serve is a double here."""

import asyncio
import json
import os
from collections.abc import Callable
from datetime import timedelta

import boto3
import pdf
import pytest
from gatewaybed.garage import RESULTS, TEMP, Garage
from gatewaybed.gateway import SOURCE, Gateway
from gatewaybed.until import final


@pytest.fixture
def s3(garage: Garage):
    """A client that owes nothing to the gateway."""
    return boto3.client(
        "s3",
        endpoint_url=garage.endpoint,
        region_name="garage",
        aws_access_key_id=garage.key_id,
        aws_secret_access_key=garage.key,
    )


def keys(s3, bucket: str, prefix: str) -> list[str]:
    return [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]


def test_words_come_back_as_markdown_and_lie_in_the_results_bucket(gateway: Gateway, s3) -> None:
    answer = gateway.submit(pdf.make(["Words of the first page", "and of the second"]), "Ein Brief.pdf")
    assert answer.status_code == 201
    submitted = answer.json()
    job_id = submitted["job_id"]
    assert submitted["status"] == "submitted"
    assert keys(s3, TEMP, f"temp/{job_id}") == [f"temp/{job_id}.pdf"]

    job = final(gateway, job_id)
    assert job["status"] == "completed"
    assert job["total_pages"] == 2
    assert job["filename"] == "Ein Brief.pdf"
    assert job["markdown_url"] == f"https://files.example.test/{RESULTS}/{job_id}.md"

    result = gateway.client.get(f"/api/v1/documents/{job_id}/result")
    assert result.headers["content-type"] == "text/markdown; charset=utf-8"
    assert result.headers["content-disposition"] == "attachment; filename*=UTF-8''Ein%20Brief.md"
    assert "Words of the first page" in result.text
    stored = s3.get_object(Bucket=RESULTS, Key=f"{job_id}.md")
    assert stored["Body"].read().decode() == result.text
    assert stored["ContentType"] == "text/markdown; charset=utf-8"

    ledger = gateway.client.get(f"/api/v1/documents/{job_id}/ledger").json()
    assert ledger == json.load(s3.get_object(Bucket=RESULTS, Key=f"{job_id}.ledger.json")["Body"])
    assert ledger["job_id"] == job_id
    assert ledger["source"]["bytes"] == len(pdf.make(["Words of the first page", "and of the second"]))


def test_embedded_images_become_objects_and_links(gateway: Gateway, s3) -> None:
    job_id = gateway.submit(pdf.make(["IMAGE one"])).json()["job_id"]
    job = final(gateway, job_id)
    key = f"{job_id}/images/figure-1.png"
    assert job["figures"] == [
        {"figure_id": "figure-1", "url": f"https://files.example.test/{RESULTS}/{key}", "alt_text": "Image"}
    ]
    markdown = gateway.client.get(f"/api/v1/documents/{job_id}/result").text
    assert f"![Image](https://files.example.test/{RESULTS}/{key})" in markdown
    assert "base64" not in markdown
    assert s3.get_object(Bucket=RESULTS, Key=key)["Body"].read().startswith(b"\x89PNG")


def test_a_document_that_the_converter_refuses_has_failed_with_its_reason(gateway: Gateway) -> None:
    job = final(gateway, gateway.submit(pdf.make(["FAIL now"])).json()["job_id"])
    assert job["status"] == "failed"
    assert job["error"] == "The converter could not read the document: the double was told to fail"
    assert gateway.client.get(f"/api/v1/documents/{job['job_id']}/result").status_code == 409


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"no PDF at all", "The file is not a PDF: it does not begin with %PDF."),
        (b"", "The file is not a PDF: it does not begin with %PDF."),
        (b"%PDF-1.7 and nothing else", "The PDF is damaged: its pages cannot be found."),
        (pdf.make(["page"] * 4), "The PDF has 4 pages; at most 3 are accepted."),
    ],
    ids=["text", "empty", "damaged", "pages"],
)
def test_what_is_no_acceptable_pdf_is_refused_in_one_sentence(
    new_gateway: Callable[..., Gateway], content: bytes, sentence: str
) -> None:
    gateway = new_gateway(PDF_MAX_PAGES="3")
    answer = gateway.submit(content)
    assert (answer.status_code, answer.json()) == (400, {"detail": sentence})


def test_an_upload_beyond_the_limit_is_refused_with_or_without_a_length(new_gateway: Callable[..., Gateway]) -> None:
    gateway = new_gateway(MAX_UPLOAD_SIZE="200000")
    large = pdf.make(["words"]) + os.urandom(400_000)
    assert gateway.submit(large).status_code == 413
    boundary = "b" * 20
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'.encode()

    def pieces():
        yield head
        yield large
        yield f"\r\n--{boundary}--\r\n".encode()

    answer = gateway.client.post(
        "/api/v1/documents/submit",
        content=pieces(),
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    assert answer.status_code == 413
    slightly = pdf.make(["words"]) + b"\n" * 200_000
    assert gateway.submit(slightly).status_code == 413
    assert gateway.submit(pdf.make(["words"]) + b"\n" * 150_000).status_code == 201


def test_unknown_documents_are_not_found(gateway: Gateway) -> None:
    unknown = "/api/v1/documents/00000000-0000-4000-8000-000000000000"
    for path in (unknown, f"{unknown}/result", f"{unknown}/ledger"):
        assert gateway.client.get(path).status_code == 404
    assert gateway.client.get("/api/v1/documents/..%2f..%2fetc").status_code in (404, 422)


def test_old_uploads_are_swept_but_not_those_of_waiting_jobs(
    new_gateway: Callable[..., Gateway], environment: dict, s3, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = new_gateway()
    converted = done.submit(pdf.make(["words"])).json()["job_id"]
    final(done, converted)
    done.stop()
    waiting = new_gateway(DISABLE_WORKERS="true").submit(pdf.make(["words"])).json()["job_id"]
    monkeypatch.syspath_prepend(str(SOURCE))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    from reference_gateway import cleanup
    from reference_gateway.jobs import JobStore, connect
    from reference_gateway.settings import load
    from reference_gateway.storage import Storage

    async def sweep(age: timedelta) -> None:
        redis = connect(load())
        await cleanup.sweep(JobStore(load(), redis), Storage(load()), age)
        await redis.aclose()

    asyncio.run(sweep(timedelta(hours=1)))
    assert keys(s3, TEMP, f"temp/{converted}"), "it is too young"
    asyncio.run(sweep(timedelta(hours=-1)))
    assert not keys(s3, TEMP, f"temp/{converted}")
    assert keys(s3, TEMP, f"temp/{waiting}")
