# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page at /: static files beside this module, and short message pages for a sign-in that failed."""

from html import escape
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse

STATIC = Path(__file__).parent / "static"
router = APIRouter(include_in_schema=False)

MESSAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} - PDF to Markdown</title>
<link rel="stylesheet" href="/static/app.css">
</head>
<body>
<main>
<h1>{title}</h1>
<p>{text}</p>
<p><a href="/">Back to the first page</a></p>
</main>
</body>
</html>
"""


def message_page(title: str, text: str, status: int) -> HTMLResponse:
    """A page with one message and the way back."""
    return HTMLResponse(MESSAGE.format(title=escape(title), text=escape(text)), status)


@router.get("/")
async def index() -> FileResponse:
    """The page."""
    return FileResponse(STATIC / "index.html")


@router.get("/viewer")
@router.get("/viewer/{rest:path}")
async def viewer(rest: str = "") -> RedirectResponse:
    """The original's older address."""
    return RedirectResponse("/", 301)
