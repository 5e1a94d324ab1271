# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where things are."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
BENCH = REPOSITORY / "tests" / "bench"
CACHE = REPOSITORY / ".cache" / "bench"
OWN_COLLECTIONS = REPOSITORY / ".cache" / "collections"
