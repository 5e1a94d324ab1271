# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a bucket of an S3 server what the options say, or tell what that would change.

Private to the collection.
"""

from __future__ import annotations

import json
import time
from urllib.parse import urlsplit

from ansible_collections.selfhost.aistack.plugins.module_utils._changes import change, verb
from ansible_collections.selfhost.aistack.plugins.module_utils._diff import DifferenceTracker
from ansible_collections.selfhost.aistack.plugins.module_utils._s3 import BUCKET_NAME, Bucket, S3Error, s3_client
from ansible_collections.selfhost.aistack.plugins.module_utils._s3_facets import FACETS, UnsupportedError
from ansible_collections.selfhost.aistack.plugins.module_utils._s3_rules import cors_problem, lifecycle_problem

# AWS may go on answering with the old value for a moment after a change.
SETTLE_SECONDS = 5.0
SETTLE_PAUSE = 0.2


def problem(params):
    """The first thing in the options that cannot be meant, as a sentence, or None."""
    url = params["endpoint_url"]
    if not BUCKET_NAME.match(params["name"]):
        return f"name is {params['name']!r}; a bucket has 3 to 63 lowercase letters, digits, dots and hyphens."
    if url is not None and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
        return f"endpoint_url is {url!r}; write http://HOST:PORT or https://HOST, or leave it out for AWS."
    if params["public_read_prefixes"] is not None and not params["public_read"]:
        return "public_read_prefixes is set without public_read; set public_read to true, or leave the prefixes out."
    if params["policy"] is not None:
        try:
            document = json.loads(params["policy"])
        except ValueError:
            return "policy is not JSON; give a policy document, or {} for none."
        if not isinstance(document, dict):
            return "policy is not a mapping; give a policy document, or {} for none."
    return lifecycle_problem(params["lifecycle"] or []) or cors_problem(params["cors"] or [])


def converge(params, check_mode):
    """Bring the bucket to its state; the module's result. S3Error ends it, with a sentence."""
    bucket = Bucket(s3_client(params), params["name"], params)
    exists = bucket.exists()
    if params["state"] == "absent":
        return _remove(bucket, exists, check_mode)
    return _ensure(bucket, exists, params, check_mode)


def _result(name, tracker, exists, facets):
    changes = []
    if tracker.changed:
        before, after = (tracker.diff[side].get("bucket", name) for side in ("before", "after"))
        changes = [change("bucket", name, verb(before, after), tracker.names)]
    return {
        "changed": tracker.changed,
        "changes": changes,
        "diff": tracker.diff,
        "exists": exists,
        "facets": facets,
    }


def _remove(bucket, exists, check_mode):
    tracker = DifferenceTracker()
    tracker.add("bucket", bucket.name if exists else None, None)
    if exists:
        contents = bucket.contents()
        if contents:
            raise S3Error(f"Bucket '{bucket.name}' is not removed, because it holds {contents}; empty it first.")
        if not check_mode:
            bucket.call("delete_bucket")
    return _result(bucket.name, tracker, False, {})


def _ensure(bucket, exists, params, check_mode):
    asked = [facet for facet in FACETS if facet.asked(params)]
    tracker = DifferenceTracker()
    tracker.add("bucket", bucket.name if exists else None, bucket.name)
    if not exists and not check_mode:
        bucket.create()
    # Everything is looked at before anything is changed, so that what the server cannot do is told first. Of a bucket
    # that is only going to be created, nothing can be known but that it will be empty.
    present = {facet.name: facet.empty for facet in asked}
    if exists or not check_mode:
        present = _present(bucket, asked, params)
    different = []
    for facet in asked:
        if tracker.add(facet.name, present[facet.name], facet.wanted(params)):
            different.append(facet)
    if not check_mode:
        for facet in different:
            _apply(bucket, facet, params)
    return _result(bucket.name, tracker, True, {facet.name: facet.wanted(params) for facet in asked})


def _unsupported(bucket, facet, answer):
    return f"{facet.name} is set for bucket '{bucket.name}', but the server does not have it ({answer}); leave it out."


def _present(bucket, asked, params):
    present, lacking = {}, []
    for facet in asked:
        try:
            present[facet.name] = facet.present(bucket)
        except UnsupportedError as exc:
            # Nothing is what a server without the facet has, so to want nothing is fulfilled.
            present[facet.name] = facet.empty
            if facet.wanted(params) != facet.empty:
                lacking.append(_unsupported(bucket, facet, str(exc).rstrip(".")))
    if lacking:
        raise S3Error(" ".join(lacking))
    return present


def _apply(bucket, facet, params):
    wanted = facet.wanted(params)
    try:
        facet.apply(bucket, params)
    except UnsupportedError as exc:
        raise S3Error(_unsupported(bucket, facet, str(exc).rstrip("."))) from exc
    until = time.monotonic() + SETTLE_SECONDS
    while True:
        found = facet.present(bucket)
        if found == wanted:
            return
        if time.monotonic() > until:
            raise S3Error(
                f"{facet.name} of bucket '{bucket.name}' was written and accepted, but the server did not keep it: it has"
                f" {json.dumps(found, sort_keys=True)} instead of {json.dumps(wanted, sort_keys=True)};"
                " ask for what this server can do."
            )
        time.sleep(SETTLE_PAUSE)
