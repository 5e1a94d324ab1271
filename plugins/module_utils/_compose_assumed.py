# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What check mode takes an app to be while its engine is off: as the current release was recorded. Pure.

Private to the collection.

The real run will have started the engine by then, which brings its containers up again. To look at them, check mode would
have to start it, and it must not.
"""

from __future__ import annotations

from ansible_collections.selfhost.aistack.plugins.module_utils._compose_observe import Observed


class Assumed(Observed):
    """A container that cannot be looked at."""

    running = True

    def __init__(self, service, entry):  # pylint: disable=super-init-not-called
        self.id, self.name = None, service
        self.image_id = entry["image_id"]
        self.inputs_hash = entry["hash"]
        self.fingerprint = entry["fingerprint"]
        self.state, self.exit_code, self.health, self.ports = "unknown", 0, "none", {}


def assume(record, bundle):
    """(containers by service, image ids by reference, volumes to be made, networks to be made) by a release's record, {} for none."""
    services = record.get("services", {})
    images = dict.fromkeys(service["image"] for service in bundle["services"].values())
    images.update({entry["image"]: entry["local_image_id"] for entry in services.values() if entry["image"] in images})
    made = record.get("outline", {})
    return (
        {name: Assumed(name, entry) for name, entry in services.items()},
        images,
        [volume for volume in bundle["volumes"] if volume not in made.get("volumes", [])],
        [network for network in bundle["networks"] if network not in made.get("networks", [])],
    )
