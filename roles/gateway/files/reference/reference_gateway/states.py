# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can happen to a job, and what its readers see of it. Pure: no Redis, no clock."""

from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

SUBMITTED, PROCESSING, COMPLETED, FAILED = "submitted", "processing", "completed", "failed"
FINAL = frozenset({COMPLETED, FAILED})
# submitted -> processing -> completed or failed; processing -> submitted when its process ends. scripts.py holds to it.
# A job whose process died this often is given up: it may be what kills the process.
MAX_ATTEMPTS = 3

PHASES = {
    "queued": "Waiting in the queue.",
    "fetching": "Reading the PDF.",
    "waiting_for_converter": "Waiting for the converter to be ready.",
    "converting": "Converting the PDF to Markdown.",
    "storing": "Storing the Markdown and the images.",
    "done": "Done.",
}


def now() -> str:
    """The time as every answer writes it: UTC, ISO 8601, with milliseconds."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Job:
    """One conversion, as its Redis hash keeps it. Times are ISO 8601 texts in UTC; `size` is in bytes."""

    job_id: str
    original_filename: str
    s3_key: str
    size: int
    total_pages: int
    created_at: str
    updated_at: str
    status: str = SUBMITTED
    processing_phase: str = "queued"
    attempts: int = 0
    submitted_by: str = ""
    markdown_key: str = ""
    ledger_key: str = ""
    figures: str = "[]"
    warnings: str = "[]"
    error: str = ""

    def to_hash(self) -> dict[str, str]:
        return {name: str(value) for name, value in asdict(self).items()}

    @classmethod
    def from_hash(cls, data: dict[str, str]) -> "Job":
        """Read a hash; fields of another version are left out."""
        values: dict[str, Any] = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        for name in ("size", "total_pages", "attempts"):
            values[name] = int(values.get(name, 0))
        return cls(**values)

    @property
    def is_final(self) -> bool:
        return self.status in FINAL
