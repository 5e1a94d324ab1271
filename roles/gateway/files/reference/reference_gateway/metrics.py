# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures behind /metrics, in Prometheus' text form."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
JOB_BUCKETS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800)


class Metrics:
    """A registry of its own, so that two applications in one process do not count into one another."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        prefix = {"registry": self.registry, "namespace": "reference_gateway"}
        self.requests = Counter("http_requests", "Answered requests.", ["method", "route", "status"], **prefix)
        self.request_seconds = Histogram(
            "http_request_seconds", "Seconds to the answer's first byte.", ["route"], **prefix
        )
        self.logins = Counter("logins", "Sign-in attempts.", ["outcome"], **prefix)
        self.jobs_submitted = Counter("jobs_submitted", "Accepted PDFs.", **prefix)
        self.jobs_finished = Counter("jobs_finished", "Jobs that reached their end.", ["status"], **prefix)
        self.job_seconds = Histogram(
            "job_seconds", "Seconds from start to end of a job.", buckets=JOB_BUCKETS, **prefix
        )
        self.jobs_running = Gauge("jobs_running", "Jobs that this process is working on.", **prefix)
        self.queue_depth = Gauge("queue_depth", "Jobs that wait in the queue; -1 when Redis does not answer.", **prefix)
        self.streams = Gauge("streams", "Open event streams.", **prefix)

    def text(self) -> bytes:
        """All figures as they are now."""
        return generate_latest(self.registry)
