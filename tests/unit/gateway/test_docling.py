# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of docling-serve, against answers of a double."""

import asyncio
import io
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from reference_gateway import docling
from reference_gateway.docling import ConversionError, Docling

GOOD = {"document": {"md_content": "# Words"}, "status": "success", "errors": [], "processing_time": 1.5}


class DoclingDouble(httpx.AsyncBaseTransport):
    """A DOUBLE of docling-serve: gives the prepared answers one after the other; an exception is raised."""

    def __init__(self, *answers: object, healthy: tuple[bool, ...] = ()) -> None:
        self.answers, self.health, self.bodies = list(answers), list(healthy), []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/health":
            return httpx.Response(200 if not self.health or self.health.pop(0) else 503)
        assert (request.method, request.url.path) == ("POST", "/v1/convert/file")
        self.bodies.append(await request.aread())
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer) if isinstance(answer, int) else httpx.Response(200, json=answer)


@pytest.fixture
def convert(settings, monkeypatch):
    """Converts by a double; returns the conversion and the phases that were told."""
    waits: list[float] = []

    async def no_wait(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(docling.asyncio, "sleep", no_wait)

    def run(double: DoclingDouble, **variables: str):
        phases: list[str] = []

        async def tell(phase: str) -> None:
            phases.append(phase)

        async def whole():
            client = Docling(settings(**variables), double)
            try:
                return await client.convert("a.pdf", io.BytesIO(b"%PDF-1.4 words"), tell)
            finally:
                await client.close()

        return asyncio.run(whole()), phases, waits

    return run


def test_the_markdown_comes_from_the_body(convert) -> None:
    double = DoclingDouble(GOOD)
    conversion, phases, _waits = convert(double)
    assert (conversion.markdown, conversion.seconds, conversion.attempts) == ("# Words", 1.5, 1)
    assert phases == ["converting"]
    (body,) = double.bodies
    assert b'name="files"; filename="a.pdf"' in body
    assert b"%PDF-1.4 words" in body


@pytest.mark.parametrize(
    ("variable", "field"), [("DOCLING_DO_OCR", "do_ocr"), ("DOCLING_DO_TABLE_STRUCTURE", "do_table_structure")]
)
def test_models_that_are_not_there_can_be_left_out(settings, variable: str, field: str) -> None:
    assert Docling(settings()).options[field] == "true"
    assert Docling(settings(**{variable: "false"})).options[field] == "false"


def test_the_image_scale_stays_within_what_docling_takes(settings) -> None:
    assert Docling(settings(PDF_IMAGES_SCALE="3")).options["images_scale"] == "2.0"


def test_three_attempts_with_waits_of_one_and_two_seconds(convert) -> None:
    double = DoclingDouble(503, httpx.ConnectError("no"), GOOD)
    conversion, _phases, waits = convert(double)
    assert conversion.attempts == 3
    assert waits == [1.0, 2.0]
    assert double.bodies[0].count(b"%PDF-1.4 words") == double.bodies[2].count(b"%PDF-1.4 words") == 1


def test_the_third_failure_is_the_last(convert) -> None:
    with pytest.raises(ConversionError, match=r"^The converter failed 3 times; the last time it answered 500\.$"):
        convert(DoclingDouble(500, 500, 500, GOOD))


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (504, "The converter gave up waiting: the document takes longer than its synchronous limit."),
        (422, "The converter refused the document with status 422."),
        (httpx.ReadTimeout("slow"), "The converter did not answer within 120 seconds."),
        (
            {"document": {}, "status": "failure", "errors": [{"error_message": "page 3 is broken"}]},
            "The converter could not read the document: page 3 is broken",
        ),
        ({"status": "failure"}, "The converter could not read the document: failure"),
        ({"status": "success", "document": {}}, "The converter could not read the document: success"),
        ({"document": "?"}, "The converter gave an answer that is not its documented form."),
        ([], "The converter gave an answer that is not its documented form."),
    ],
)
def test_what_another_attempt_would_not_mend_gets_none(convert, answer, sentence: str) -> None:
    double = DoclingDouble(answer, GOOD)
    with pytest.raises(ConversionError) as failed:
        convert(double)
    assert str(failed.value) == sentence
    assert len(double.bodies) == 1


def test_a_partial_success_carries_warnings(convert) -> None:
    body = {**GOOD, "status": "partial_success"}
    conversion, _phases, _waits = convert(DoclingDouble(body))
    assert conversion.warnings == ["The converter finished only a part of the document."]
    conversion, _phases, _waits = convert(DoclingDouble({**body, "errors": [{"error_message": "page 2"}]}))
    assert conversion.warnings == ["page 2"]


def test_a_converter_that_is_not_ready_is_waited_for(convert) -> None:
    conversion, phases, _waits = convert(DoclingDouble(GOOD, healthy=(False, False, True)))
    assert phases == ["waiting_for_converter", "converting"]
    assert conversion.attempts == 1


@pytest.fixture(scope="module")
def https(tmp_path_factory):
    """(address of a server that answers everything with 200, file with the one certificate that it has)."""
    folder = tmp_path_factory.mktemp("https")
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=x",
    ]
    more = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key", "-out", "pem"]
    subprocess.run([*command, *more], cwd=folder, check=True, capture_output=True)

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments):
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "pem", folder / "key")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}", str(folder / "pem")
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("trusted", [True, False])
def test_a_docling_serve_of_a_private_authority(settings, monkeypatch, https, trusted):
    address, certificate = https
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", certificate)

    async def ask():
        client = Docling(settings(DOCLING_SERVE_URL=address))
        try:
            return await client.healthy()
        finally:
            await client.close()

    assert asyncio.run(ask()) is trusted
