# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done with one claimed job, from the stored PDF to the stored Markdown."""

import contextlib
import hashlib
import json
import tempfile
import time
from typing import BinaryIO

from redis.exceptions import RedisError

from reference_gateway import __version__, figures, states
from reference_gateway.docling import Conversion, ConversionError, Docling
from reference_gateway.jobs import JobStore
from reference_gateway.states import Job
from reference_gateway.storage import Storage, is_missing


class Processing:
    """Converts one job. Raises ConversionError for what is the document's or the converter's fault."""

    def __init__(self, store: JobStore, storage: Storage, docling: Docling) -> None:
        self._store = store
        self.storage = storage
        self._docling = docling

    async def run(self, job: Job) -> dict[str, str]:
        """Convert the job's PDF and store what came out. Returns the fields of the completed job."""
        started = time.monotonic()

        async def tell(phase: str) -> None:
            # Only for those who watch: a Redis that is away for a moment does not break the conversion off.
            with contextlib.suppress(RedisError):
                await self._store.progress(job.job_id, phase)

        with tempfile.TemporaryFile() as file:
            digest = await self._fetch(job, file)
            conversion = await self._docling.convert(job.original_filename, file, tell)
        await tell("storing")
        return await self._keep(job, conversion, digest, started)

    async def _fetch(self, job: Job, file: BinaryIO) -> str:
        try:
            await self.storage.get_upload(job.s3_key, file)
        except Exception as error:
            if is_missing(error):
                raise ConversionError("The uploaded PDF is no longer in the temp bucket; submit it anew.") from None
            raise
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest()

    async def _keep(self, job: Job, conversion: Conversion, digest: str, started: float) -> dict[str, str]:
        markdown, images = figures.extract(conversion.markdown, job.job_id, self.storage.public_url)
        for image in images:
            await self.storage.put_result(image.key, image.body, image.content_type)
        markdown_key, ledger_key = f"{job.job_id}.md", f"{job.job_id}.ledger.json"
        ledger = self._ledger(job, conversion, digest, [image.key for image in images], time.monotonic() - started)
        await self.storage.put_result(ledger_key, json.dumps(ledger, indent=2).encode(), "application/json")
        # The Markdown comes last: where it is, everything it links to is there too.
        await self.storage.put_result(markdown_key, markdown.encode(), "text/markdown; charset=utf-8")
        listed = [{"figure_id": i.figure_id, "key": i.key, "alt_text": i.alt_text} for i in images]
        return {
            "markdown_key": markdown_key,
            "ledger_key": ledger_key,
            "figures": json.dumps(listed),
            "warnings": json.dumps(conversion.warnings),
        }

    def _ledger(self, job: Job, conversion: Conversion, digest: str, images: list[str], seconds: float) -> dict:
        return {
            "job_id": job.job_id,
            "document_title": job.original_filename,
            "total_pages": job.total_pages,
            # The reference gateway edits nothing: the Markdown is what the converter wrote.
            "pages_with_changes": 0,
            "total_edits": 0,
            "entries_needing_review": 0,
            "pages": [],
            "processing_duration_ms": round(seconds * 1000),
            "final_markdown_url": self.storage.public_url(f"{job.job_id}.md"),
            "source": {"sha256": digest, "bytes": job.size, "submitted_at": job.created_at},
            "conversion": {
                "converter": "docling-serve",
                "options": self._docling.options,
                "attempts": conversion.attempts,
                "seconds": round(conversion.seconds, 3),
                "warnings": conversion.warnings,
                "images": images,
                "claims": job.attempts,
                "finished_at": states.now(),
            },
            "written_by": f"reference gateway {__version__}",
        }
