# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site on two hosts: docling-serve on one of its own, with stand-ins for GPUs, all else on the other."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import yaml
from gpubed import VARIABLES, give_gpus
from truthbed.outside import Neighbour
from truthbed.script import call
from truthbed.stand import BED, ROOT, Stand

DOCLING = "aistack_docling-docling-serve-1"
_PRINT_STATUS = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=8).status)"


class Machine(Stand):
    """A further host of the bed, without an inventory of its own."""

    def __init__(self, name: str, inventory: Path) -> None:
        """Have it up."""
        self.name, self.inventory = name, inventory
        self.bed("up", name)
        self.address = self.bed("address", name).strip()


class SplitSite(Stand):
    """The inventory split_gpu as people copy it, filled in for the host of another stand and one more."""

    def __init__(self, stand: Stand, folder: Path) -> None:
        """Have both up and in a private network, and a third machine beside them."""
        self.name, self.address, self.inventory = stand.name, stand.address, folder / "site"
        self.gpu = Machine(f"{stand.name}-gpu", self.inventory)
        self.private = self.bed("private", self.name, "on").strip()
        give_gpus(self.gpu.name)
        # It plugs the host into the private network too.
        self.eye = Neighbour(self.gpu)
        shutil.copytree(ROOT / "inventories" / "split_gpu", self.inventory)
        for kept in stand.inventory.glob(".secrets.yml*"):
            shutil.copy(kept, self.inventory)
        self._fill_in(stand)
        self.play_variables({})

    def _fill_in(self, stand: Stand) -> None:
        """The bed's own variables come too, and those of its stand-ins for GPUs."""
        places = {"front1": (stand.name, self.private), "gpu1": (self.gpu.name, self.eye.host_private)}
        known = yaml.safe_load(self.bed("inventory", *(name for name, _address in places.values())))["all"]
        path = self.inventory / "hosts.yml"
        site = yaml.safe_load(path.read_text(encoding="utf-8"))["all"]
        for host, (name, private) in places.items():
            site["hosts"][host] |= {**known["hosts"][name], "aistack_private_address": private}
        for user in (name for name in ("ansible_user", "ansible_python_interpreter") if name in site["vars"]):
            del site["vars"][user]
        own = yaml.safe_load((stand.inventory / "site.yml").read_text(encoding="utf-8"))["all"]["vars"]
        site["vars"] |= {**known["vars"], **own, **VARIABLES}
        path.write_text(json.dumps({"all": site}), encoding="utf-8")

    def end(self) -> None:
        """Remove what is not the other stand's."""
        self.eye.end()
        self.bed("down", self.gpu.name)
        self.bed("private", self.name, "off")

    def url(self, path: str = "/health", scheme: str = "http") -> str:
        """An address of docling-serve."""
        return f"{scheme}://{self.eye.host_private}:5001{path}"

    def front_gets(self, url: str, *options: str) -> str:
        """The status that the gateway's host gets; 000 for none."""
        return self.on_host(f"curl -s -m 8 -o /dev/null -w '%{{http_code}}' {' '.join(options)} {url}", check=False)[
            -3:
        ]

    def gateway_gets(self, url: str) -> str:
        """The status that a process in the gateway's container gets, or why it gets none."""
        command = f"docker exec aistack_gateway-api-gateway-1 python3 -c '{_PRINT_STATUS}' {url}"
        return self.on_host(command, check=False).strip().splitlines()[-1]

    def eye_reaches(self) -> dict[str, Any]:
        """Ports of the other host at which the third machine opens a connection, by address; 22 shows that it can at all."""
        addresses = [self.gpu.address, self.eye.host_private]
        order = {"addresses": addresses, "tcp": [22, 5001], "udp": [], "rounds": "once"}
        return call((BED, "run", self.eye.name), "knock", order)["tcp"]

    def eye_is_answered(self) -> dict[str, str]:
        """What is answered to packets that the third machine hands to the other host on the wire, whomever they are for."""
        inside = self.gpu.on_host(
            f"docker inspect --format '{{{{.NetworkSettings.Networks.aistack.IPAddress}}}}' {DOCLING}"
        ).strip()
        knocks = [(inside, 5001), (self.eye.host_private, 5001), (self.gpu.address, 5001), (self.gpu.address, 22)]
        return self.eye.hand_over(knocks)[0]
