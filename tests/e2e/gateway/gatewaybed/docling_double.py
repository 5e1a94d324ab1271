# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A DOUBLE of docling-serve: `python docling_double.py PORT`. It is not docling; the stack's own test runs the real one.

It answers /health and /v1/convert/file in docling-serve's documented form, and takes the words from the PDF with pypdf. What a document's
first words say makes it misbehave: `SLEEP 5` takes five seconds, `BREAK` closes the connection, `FAIL` reports a failure, `IMAGE`
embeds one.
"""

import asyncio
import io
import os
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, UploadFile
from pypdf import PdfReader

# One red pixel.
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
app = FastAPI(title="Double of docling-serve")
app.state.calls = []


@app.get("/health")
async def health() -> dict[str, str]:
    """As docling-serve."""
    return {"status": "ok"}


@app.get("/calls")
async def calls() -> list[dict[str, Any]]:
    """What was asked for, for the tests."""
    return app.state.calls


@app.post("/v1/convert/file")
async def convert(files: UploadFile, request: Request) -> dict[str, Any]:
    """The words of the PDF as Markdown."""
    form = await request.form()
    app.state.calls.append({key: value for key, value in form.items() if isinstance(value, str)})
    text = "\n\n".join(page.extract_text() for page in PdfReader(io.BytesIO(await files.read())).pages)
    words = text.split()
    if words[0] == "SLEEP":
        await asyncio.sleep(float(words[1]))
    if words[0] == "BREAK":
        os._exit(1)
    if words[0] == "FAIL":
        return {"document": {}, "status": "failure", "errors": [{"error_message": "the double was told to fail"}]}
    if words[0] == "IMAGE":
        text += f"\n\n![Image](data:image/png;base64,{PIXEL})"
    body = {"md_content": text, "filename": files.filename}
    return {"document": body, "status": "success", "errors": [], "processing_time": 0.01}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
