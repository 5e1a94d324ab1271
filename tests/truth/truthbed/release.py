# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as it was at its last release, and a host that is played with it.

The last release is the newest tag v* before HEAD. While there is none it is the commit that the file
tests/truth/last_release names; with the first tag that file goes.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from .stand import ROOT, Stand

_NAMED = ROOT / "tests" / "truth" / "last_release"


def last_release() -> str:
    """The tag or commit of the last release, which HEAD must come from."""
    # HEAD^, because a commit that is being released is to be held against the release before it.
    tagged = _git("describe", "--tags", "--match", "v*", "--abbrev=0", "HEAD^", check=False).strip()
    name = tagged or _NAMED.read_text(encoding="utf-8").strip()
    base = _git("merge-base", name, "HEAD").strip()
    assert base == _git("rev-parse", f"{name}^{{commit}}").strip(), f"HEAD does not come from {name}: correct {_NAMED}."
    return name


def unpack(name: str, folder: Path) -> Path:
    """Put the collection as it was at a tag or commit below `folder`; return the path for ANSIBLE_COLLECTIONS_PATH."""
    tree = folder / "ansible_collections" / "selfhost" / "aistack"
    tree.mkdir(parents=True)
    packed = subprocess.run(["git", "archive", name], cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x"], cwd=tree, input=packed, check=True)
    return folder


class EarlierStand(Stand):
    """A host and its inventory, played with the collection of another folder."""

    def __init__(self, stand: Stand, collections: Path) -> None:
        """The same host as `stand`."""
        self.name, self.inventory, self.address = stand.name, stand.inventory, stand.address
        self._collections = collections

    def environment(self, ledger: str | Path) -> dict[str, str]:
        """The environment of a call, in which nothing leads to the collection of this repository."""
        return {
            **super().environment(ledger),
            "ANSIBLE_COLLECTIONS_PATH": str(self._collections),
            "PYTHONPATH": str(self._collections),
        }


def _git(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout if done.returncode == 0 else ""
