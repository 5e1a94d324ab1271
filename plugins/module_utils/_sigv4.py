# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Signature Version 4 for S3 requests in headers, standard library only.

Private to the collection.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from urllib.parse import parse_qsl, quote, urlsplit


def _hash(data):
    return hashlib.sha256(data).hexdigest()


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def sign(method, url, region, access_key, secret_key, body=b"", session_token=None, now=None):
    """The headers (Host included) that make a request with these parts valid for S3 in `region`.

    The path of `url` must be percent-encoded as it is sent: S3 signs it once, as it stands. `now` is in seconds since
    1970 and defaults to this machine's clock; a server refuses a time more than 15 minutes off its own.
    """
    parts = urlsplit(url)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    headers = {"Host": parts.netloc, "X-Amz-Content-Sha256": _hash(body), "X-Amz-Date": stamp}
    if session_token:
        headers["X-Amz-Security-Token"] = session_token

    names = sorted(headers, key=str.lower)
    signed = ";".join(name.lower() for name in names)
    query = "&".join(
        f"{key}={value}"
        for key, value in sorted(
            (quote(key, safe="-_.~"), quote(value, safe="-_.~"))
            for key, value in parse_qsl(parts.query, keep_blank_values=True)
        )
    )
    canonical = "\n".join(
        [
            method,
            parts.path or "/",
            query,
            "".join(f"{name.lower()}:{headers[name].strip()}\n" for name in names),
            signed,
            headers["X-Amz-Content-Sha256"],
        ]
    )

    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, _hash(canonical.encode())])
    key = f"AWS4{secret_key}".encode()
    for step in scope.split("/"):
        key = _hmac(key, step)
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={signed}, Signature={signature}"
    )
    return headers
