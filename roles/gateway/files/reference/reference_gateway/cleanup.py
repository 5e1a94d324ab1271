# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes old uploads from the temp bucket, unless their job is still to be done."""

import asyncio
import logging
from datetime import datetime, timedelta, timezone
from pathlib import PurePosixPath

from redis.exceptions import RedisError

from reference_gateway.jobs import JobStore
from reference_gateway.settings import Settings
from reference_gateway.storage import STORAGE_ERRORS, Storage

log = logging.getLogger(__name__)


async def sweep(store: JobStore, storage: Storage, retention: timedelta) -> int:
    """One round. Returns how many uploads were removed."""
    removed = 0
    for key in await storage.old_uploads(datetime.now(timezone.utc) - retention):
        job = await store.get(PurePosixPath(key).stem)
        if job is None or job.is_final:
            await storage.delete_upload(key)
            removed += 1
    return removed


async def run(settings: Settings, store: JobStore, storage: Storage) -> None:
    """Sweep every TEMP_CLEANUP_INTERVAL_HOURS until cancelled."""
    while True:
        await asyncio.sleep(settings.temp_cleanup_interval_hours * 3600)
        try:
            removed = await sweep(store, storage, timedelta(hours=settings.temp_file_retention_hours))
            log.info("removed %d old uploads", removed)
        except (RedisError, *STORAGE_ERRORS) as error:
            log.warning("old uploads could not be removed: %s", error)
