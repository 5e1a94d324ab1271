# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probe of kind `s3`: a bucket can be used with these keys. Standard library only.

Private to the collection.
"""

from __future__ import annotations

import os
import re
from urllib.parse import quote

from ansible_collections.selfhost.aistack.plugins.module_utils._health_http import request
from ansible_collections.selfhost.aistack.plugins.module_utils._health_net import NotReadyError
from ansible_collections.selfhost.aistack.plugins.module_utils._sigv4 import sign

# What the codes that an operator can do something about mean; every other code is told as it is.
_MEANING = {
    "AccessDenied": "these keys may not do that",
    "AuthorizationHeaderMalformed": "region is not the server's own",
    "InvalidAccessKeyId": "the server does not know access_key",
    "NoSuchBucket": "the bucket does not exist",
    "PermanentRedirect": "the bucket lives in another region",
    "RequestTimeTooSkewed": "the clocks of this host and of the server differ",
    "SignatureDoesNotMatch": "secret_key does not belong to access_key",
}


def _code(body):
    """The error code in an S3 error document, or an empty text."""
    found = re.search(rb"<Code>([A-Za-z0-9.]{1,64})</Code>", body)
    return found.group(1).decode() if found else ""


class _Bucket:
    def __init__(self, target, timeout):
        self._target = target
        self._timeout = timeout
        self._base = f"{target['endpoint'].rstrip('/')}/{quote(target['bucket'], safe='')}"

    def ask(self, method, key="", query="", body=b"", wanted=(200,)):
        """One signed request; the body of its answer. NotReadyError says what the server said."""
        target = self._target
        url = f"{self._base}/{key}" if key else f"{self._base}?{query}"
        headers = sign(
            method, url, target["region"], target["access_key"], target["secret_key"], body, target["session_token"]
        )
        answer = request(method, url, headers, self._timeout, body=body or None, ca_file=target["ca_file"])
        if answer.status not in wanted:
            code = _code(answer.body)
            meaning = f": {_MEANING[code]}" if code in _MEANING else ""
            what = f"{answer.status} {code}".strip()
            raise NotReadyError(
                f"{method} in bucket {target['bucket']} at {target['endpoint']} answers {what}{meaning}"
            )
        return answer.body


def probe_s3(target, timeout, read_only):
    """Writes, reads back and deletes a marker object of its own; lists only, where nothing may be written."""
    bucket = _Bucket(target, timeout)
    if read_only or target["write"] is False:
        bucket.ask("GET", query="list-type=2&max-keys=1")
        return
    marker = os.urandom(16).hex()
    key = f"health-wait/{marker}"
    bucket.ask("PUT", key, body=marker.encode())
    try:
        read = bucket.ask("GET", key)
    finally:
        bucket.ask("DELETE", key, wanted=(200, 204))
    if read != marker.encode():
        raise NotReadyError(
            f"bucket {target['bucket']} at {target['endpoint']} gives back other bytes than were written"
        )
