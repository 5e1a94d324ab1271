# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names, places and addresses that several parts of the bed share."""

from __future__ import annotations

import os
from pathlib import Path

BED = Path(__file__).resolve().parent.parent
REPOSITORY = BED.parent.parent
RECIPES = BED / "images"
STATE = BED / ".state"
LOGS = STATE / "logs"

#: Expensive results that several checkouts share: the base system, built binaries, lock files.
CACHE = Path(os.environ.get("AISTACK_CACHE") or Path.home() / ".cache" / "selfhost-aistack")

#: Everything the bed makes carries this label, and nothing without it is ever removed.
LABEL = "aistack.bed=1"

NETWORK = "aistack-bed"
SUBNET = "198.18.0.0/24"
GATEWAY = "198.18.0.1"
#: A second network that stands for the private one of a data centre; a host has the same last number in both.
PRIVATE_NETWORK = "aistack-bed-private"
PRIVATE_SUBNET = "198.19.0.0/24"
#: A second network for hosts that are to be reached by IPv6; a host's last byte there is that of its first address.
NETWORK6 = "aistack-bed6"
PREFIX6 = "fd0c:a157:ac4b::"
REGISTRY_ADDRESS = "198.18.0.2"
DNS_ADDRESS = "198.18.0.3"

#: How hosts name the registry; the name in every image reference of the inventory.
REGISTRY = f"{REGISTRY_ADDRESS}:5000"
#: How this machine's engine pushes to it: engines trust loopback without configuration.
REGISTRY_PUSH_PORT = int(os.environ.get("AISTACK_BED_REGISTRY_PORT") or 5055)
REGISTRY_PUSH = f"127.0.0.1:{REGISTRY_PUSH_PORT}"
