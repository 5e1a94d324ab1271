# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The application's parts, made once from the settings, and how a request reaches them."""

import asyncio
from dataclasses import dataclass, field

from redis.asyncio import Redis
from starlette.requests import Request

from reference_gateway import jobs, oidc_providers, pdf
from reference_gateway.attempts import Attempts
from reference_gateway.changes import Changes
from reference_gateway.docling import Docling
from reference_gateway.jobs import JobStore
from reference_gateway.metrics import Metrics
from reference_gateway.oidc import Oidc
from reference_gateway.processing import Processing
from reference_gateway.sessions import Sessions
from reference_gateway.settings import Settings, secret
from reference_gateway.storage import Storage
from reference_gateway.users import Users
from reference_gateway.worker import Worker


@dataclass
class Parts:
    """What the routes work with. `ending` turns true at the signal to stop, so that event streams end at once."""

    settings: Settings
    redis: Redis
    store: JobStore
    storage: Storage
    docling: Docling
    changes: Changes
    worker: Worker
    sessions: Sessions
    metrics: Metrics
    users: Users | None
    oidc: Oidc | None
    attempts: Attempts = field(default_factory=Attempts)
    pdf_slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(pdf.AT_ONCE))
    ending: bool = False

    def begin_ending(self) -> None:
        """The process was told to stop: take no more jobs, let the streams go."""
        self.ending = True
        self.worker.drain()
        self.changes.wake_all()


def make(settings: Settings) -> Parts:
    """Build everything; nothing is connected yet."""
    redis = jobs.connect(settings)
    store = JobStore(settings, redis)
    storage, docling, metrics = Storage(settings), Docling(settings), Metrics()
    basic = settings.auth_mode == "basic"
    oidc = settings.auth_mode == "oidc"
    providers = oidc_providers.parse(secret(settings.auth_oidc_providers)) if oidc else {}
    return Parts(
        settings=settings,
        redis=redis,
        store=store,
        storage=storage,
        docling=docling,
        changes=Changes(redis, store.channel),
        worker=Worker(settings, store, Processing(store, storage, docling), metrics),
        sessions=Sessions(settings),
        metrics=metrics,
        users=Users.from_text(secret(settings.auth_basic_users)) if basic else None,
        oidc=Oidc(providers, secret(settings.auth_secret_key)) if oidc else None,
    )


def parts_of(request: Request) -> Parts:
    """For FastAPI's Depends."""
    return request.app.state.parts
