# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The job's states, and what readers see of each."""

import json

import pytest
from reference_gateway.documents import _clean_name, view
from reference_gateway.states import COMPLETED, FAILED, PROCESSING, Job


def job(**fields) -> Job:
    made = {"job_id": "j", "original_filename": "a.pdf", "s3_key": "temp/j.pdf", "size": 1, "total_pages": 2}
    return Job(**made, created_at="t0", updated_at="t1", **fields)


def test_a_job_survives_its_hash_and_unknown_fields() -> None:
    before = job(status=PROCESSING, attempts=2, submitted_by="ada")
    assert Job.from_hash({**before.to_hash(), "of_another_version": "x"}) == before


class Parts:
    """As much of the parts as a view needs."""

    class storage:  # noqa: N801
        public_url = staticmethod(lambda key: f"https://f.test/results/{key}")

    class settings:  # noqa: N801
        estimated_processing_minutes = 5


COMMON = {"job_id": "j", "filename": "a.pdf", "created_at": "t0", "updated_at": "t1", "total_pages": 2}


def test_a_waiting_job_says_where_to_watch_it() -> None:
    assert view(Parts, job()) == {
        **COMMON,
        "status": "submitted",
        "processing_phase": "queued",
        "message": "Waiting in the queue.",
        "estimated_completion_minutes": 5,
        "stream_url": "/api/v1/documents/j/stream",
    }


def test_a_completed_job_has_links_and_a_failed_one_a_sentence() -> None:
    figures = json.dumps([{"figure_id": "figure-1", "key": "j/images/figure-1.png", "alt_text": "A cat"}])
    done = view(Parts, job(status=COMPLETED, markdown_key="j.md", ledger_key="j.ledger.json", figures=figures))
    assert done == {
        **COMMON,
        "status": "completed",
        "markdown_url": "https://f.test/results/j.md",
        "result_url": "/api/v1/documents/j/result",
        "ledger_url": "/api/v1/documents/j/ledger",
        "figures": [
            {"figure_id": "figure-1", "url": "https://f.test/results/j/images/figure-1.png", "alt_text": "A cat"}
        ],
        "warnings": [],
        "total_edits": 0,
    }
    assert view(Parts, job(status=FAILED, error="Why.")) == {**COMMON, "status": "failed", "error": "Why."}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a.pdf", "a.pdf"),
        ("C:\\Users\\x\\b.pdf", "b.pdf"),
        ("../../etc/passwd", "passwd"),
        ("c\r\nX: y.pdf", "cX: y.pdf"),
        ("Über.pdf", "Über.pdf"),
        ("", "document.pdf"),
        (None, "document.pdf"),
        ("x" * 300, "x" * 200),
    ],
)
def test_file_names(given: str | None, kept: str) -> None:
    assert _clean_name(given) == kept
