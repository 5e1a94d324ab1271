# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a request came from, as the edge in front says. The gateway is published on loopback only, so only the edge speaks to it."""

from starlette.requests import HTTPConnection


def client_address(request: HTTPConnection) -> str:
    """The caller's address: the last X-Forwarded-For entry, which the edge itself wrote; earlier ones anybody may claim."""
    entries = [part.strip() for part in ",".join(request.headers.getlist("x-forwarded-for")).split(",") if part.strip()]
    if entries:
        return entries[-1]
    return request.client.host if request.client else "unknown"


def site_origin(request: HTTPConnection) -> str:
    """scheme://host of the site as the browser sees it, from X-Forwarded-Proto and Host."""
    scheme = request.headers.get("x-forwarded-proto", request.url.scheme).split(",")[-1].strip().lower()
    return f"{scheme}://{request.headers.get('host', '').lower()}"
