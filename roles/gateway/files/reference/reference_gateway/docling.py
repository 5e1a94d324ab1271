# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of docling-serve: one PDF in, Markdown out, with three attempts."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import httpx

from reference_gateway.settings import Settings

log = logging.getLogger(__name__)

# Seconds to wait after the first and after the second failed attempt.
WAITS = (1.0, 2.0)
PROBE_SECONDS = 5.0
READY_EVERY_SECONDS = 1.0
# Worth another attempt. Not 504: docling-serve then still works on the document, and a second copy would double its load.
RETRY_STATUS = frozenset({429, 500, 502, 503})


class ConversionError(Exception):
    """The document cannot be converted; the text is one sentence for the person who submitted it."""


@dataclass
class Conversion:
    """What docling-serve made of a document. `seconds` is its own processing time."""

    markdown: str
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0
    attempts: int = 1


class Docling:
    """Speaks to one docling-serve."""

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._timeout = settings.docling_serve_timeout
        self._client = httpx.AsyncClient(
            base_url=settings.docling_serve_url,
            timeout=httpx.Timeout(self._timeout, connect=10),
            transport=transport,
            # Of the environment it takes the authorities of SSL_CERT_FILE, and no proxy.
            verify=httpx.create_ssl_context(),
            trust_env=False,
        )
        # Figures come inside the Markdown and are taken out of it by `figures.py`. docling-serve caps the scale at 2.
        self.options = {
            "from_formats": "pdf",
            "to_formats": "md",
            "image_export_mode": "embedded",
            "images_scale": str(min(settings.pdf_images_scale, 2.0)),
            "do_ocr": str(settings.docling_do_ocr).lower(),
            "do_table_structure": str(settings.docling_do_table_structure).lower(),
        }

    async def close(self) -> None:
        await self._client.aclose()

    async def healthy(self) -> bool:
        """Whether docling-serve answers its health check."""
        try:
            return (await self._client.get("/health", timeout=PROBE_SECONDS)).status_code == 200
        except httpx.HTTPError:
            return False

    async def convert(self, name: str, file: BinaryIO, tell: Callable[[str], Awaitable[None]]) -> Conversion:
        """Convert one PDF. `tell` is called with the phase that begins.

        A docling-serve that is being replaced or still loads its models is waited for; the caller sets the limit.
        Raises ConversionError.
        """
        for attempt, wait in enumerate((*WAITS, None), start=1):
            await self._until_healthy(tell)
            await tell("converting")
            file.seek(0)
            try:
                answer = await self._client.post(
                    "/v1/convert/file",
                    data=self.options,
                    files={"files": (name, file, "application/pdf")},
                )
            except httpx.ReadTimeout:
                raise ConversionError(f"The converter did not answer within {self._timeout} seconds.") from None
            except httpx.TransportError as error:
                problem = f"the connection failed ({type(error).__name__})"
            else:
                if answer.status_code not in RETRY_STATUS:
                    conversion = read_answer(answer)
                    conversion.attempts = attempt
                    return conversion
                problem = f"it answered {answer.status_code}"
            log.warning("docling-serve, attempt %d: %s", attempt, problem)
            if wait is not None:
                await asyncio.sleep(wait)
        raise ConversionError(f"The converter failed {attempt} times; the last time {problem}.")

    async def _until_healthy(self, tell: Callable[[str], Awaitable[None]]) -> None:
        if await self.healthy():
            return
        await tell("waiting_for_converter")
        while not await self.healthy():
            await asyncio.sleep(READY_EVERY_SECONDS)


def read_answer(answer: httpx.Response) -> Conversion:
    """The Markdown of an answer. Status 200 alone says nothing: the body carries the document's own status."""
    if answer.status_code == 504:
        raise ConversionError("The converter gave up waiting: the document takes longer than its synchronous limit.")
    if answer.status_code != 200:
        raise ConversionError(f"The converter refused the document with status {answer.status_code}.")
    try:
        body: dict[str, Any] = answer.json()
        status, errors = body["status"], _messages(body.get("errors"))
        markdown = (body.get("document") or {}).get("md_content")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConversionError("The converter gave an answer that is not its documented form.") from None
    if status not in ("success", "partial_success") or not isinstance(markdown, str):
        raise ConversionError(f"The converter could not read the document: {errors[0] if errors else status}")
    warnings = errors
    if status == "partial_success" and not errors:
        warnings = ["The converter finished only a part of the document."]
    return Conversion(markdown, warnings, float(body.get("processing_time") or 0))


def _messages(errors: object) -> list[str]:
    found = errors if isinstance(errors, list) else []
    return [str(e.get("error_message") or e) if isinstance(e, dict) else str(e) for e in found]
