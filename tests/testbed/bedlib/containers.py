# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions and orders about the bed's own containers, by label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

from .engine import docker
from .paths import LABEL
from .shell import logged, output, works

PREFIX = "aistack-bed-"


@dataclass(frozen=True)
class Container:
    """One container of the bed: its name without the prefix, its kind (host or service), its state and address."""

    name: str
    kind: str
    state: str
    address: str

    @property
    def full_name(self) -> str:
        """The container's name in the engine."""
        return PREFIX + self.name


def all_of(kind: str) -> dict[str, Container]:
    """Return the bed's containers of a kind by name, whatever their state."""
    columns = '{{.Names}}|{{.State}}|{{.Label "aistack.bed.kind"}}|{{.Label "aistack.bed.address"}}'
    listed = output([docker(), "ps", "--all", "--filter", f"label={LABEL}", "--format", columns])
    found = {}
    for line in listed.splitlines():
        full_name, state, this_kind, address = line.split("|")
        if this_kind == kind and full_name.startswith(PREFIX):
            name = full_name.removeprefix(PREFIX)
            found[name] = Container(name, this_kind, state, address)
    return found


def labels(kind: str, address: str) -> list[str]:
    """Return the options that mark a new container as the bed's."""
    pairs = (LABEL, f"aistack.bed.kind={kind}", f"aistack.bed.address={address}")
    return [part for pair in pairs for part in ("--label", pair)]


def remove(container: Container) -> None:
    """Remove a container with the volumes that have no name, and nothing else."""
    logged(f"rm-{container.name}", [docker(), "rm", "--force", "--volumes", container.full_name])


def job(name: str, arguments: list[str], stdout: IO[bytes]) -> None:
    """Run a container to its end with its output into a file; it is gone afterwards, also after an interruption."""
    full_name = f"{PREFIX}job-{name}"
    remove_it = [docker(), "rm", "--force", "--volumes", full_name]
    works(remove_it)
    try:
        logged(name, [docker(), "run", "--name", full_name, "--label", LABEL, *arguments], stdout=stdout)
    finally:
        # Ending the command line program does not end a shell that is a container's first process.
        works(remove_it)
