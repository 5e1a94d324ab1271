# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host of the bench, for pyinfra; how it is reached stands in the variables' file."""

import json
import os
from pathlib import Path

hosts = [tuple(json.loads(Path(os.environ["AISTACK_BENCH_VARS"]).read_text(encoding="utf-8"))["pyinfra_host"])]
