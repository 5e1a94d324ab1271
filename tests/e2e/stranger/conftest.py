# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A test host, and someone who has nothing of this repository but the collection."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
BED = ROOT / "tests" / "testbed" / "bed"
HOST = "it"


@dataclass(frozen=True)
class Played:
    """What a playbook came to."""

    output: str
    changed: int
    failed: int


@dataclass(frozen=True)
class Stranger:
    """A folder with an inventory and a playbook, outside this repository."""

    folder: Path

    def play(self, playbook: str, **variables: Any) -> Played:
        """Play a playbook of the folder on the host, with these variables on top."""
        (self.folder / "values.json").write_text(json.dumps(variables), encoding="utf-8")
        done = subprocess.run(
            [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "site", playbook, "-e", "@values.json"],
            cwd=self.folder,
            env={**os.environ, "ANSIBLE_CONFIG": "ansible.cfg", "ANSIBLE_COLLECTIONS_PATH": _collections()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        recap = re.search(rf"^{HOST} .* changed=(\d+) .* failed=(\d+) ", done.stdout, re.MULTILINE)
        assert recap, done.stdout
        return Played(done.stdout, *map(int, recap.groups()))

    def on_host(self, script: str) -> str:
        """Run a shell script as root on the host and return what it prints, errors too."""
        return subprocess.run(
            [BED, "run", HOST, "sh", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        ).stdout


@pytest.fixture(scope="module")
def stranger(tmp_path_factory) -> Stranger:
    """Have the host up and the folder filled."""
    subprocess.run([BED, "up", HOST], check=True)
    folder = tmp_path_factory.mktemp("stranger")
    (folder / "ansible.cfg").write_text("[connection]\npipelining = true\n", encoding="utf-8")
    (folder / "site").mkdir()
    inventory = subprocess.run([BED, "inventory", HOST], stdout=subprocess.PIPE, check=True).stdout
    (folder / "site" / "hosts.yml").write_bytes(inventory)
    for playbook in Path(__file__).parent.glob("*.yml"):
        (folder / playbook.name).write_bytes(playbook.read_bytes())
    return Stranger(folder)


def _collections() -> str:
    """The folder with ansible_collections in which these tests found the collection."""
    from ansible_collections.selfhost.aistack.plugins.plugin_utils import checks

    return checks.__file__.partition("/ansible_collections/")[0]
