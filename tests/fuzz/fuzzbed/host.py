# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A test host with a Docker engine, whose compose and engine read what we write."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tarfile
from typing import Any

from .role import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "tools"))

from site_access import ansible_playbook  # noqa: E402
from steps import Steps  # noqa: E402
from test_host import BED, prepare  # noqa: E402

_FOLDER = "/root/aistack-fuzz"


class Host:
    """The host that AISTACK_FUZZ_HOST names, by default `it`, which the integration tests use too."""

    def __init__(self) -> None:
        """Have it up, with an engine."""
        self.name = os.environ.get("AISTACK_FUZZ_HOST", "it")
        inventory = prepare(Steps(), self.name)
        self._variables = (inventory / "hosts.yml").read_text(encoding="utf-8")
        if self._call("docker compose version").returncode:
            docker = str(REPOSITORY / "tests" / "integration" / "docker.yml")
            Steps().run(f"Docker on {self.name}", ansible_playbook(inventory, docker), limit_s=900)

    def image(self, variable: str) -> str:
        """The reference of one of the bed's images, by the name of the role variable that it is for."""
        return re.search(rf'^ *{variable}: "(.*)"$', self._variables, re.MULTILINE)[1]

    def _call(self, script: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [BED, "run", self.name, "sh", "-c", script], input=given, capture_output=True, check=False
        )

    def run(self, script: str, files: dict[str, bytes] | None = None) -> bytes:
        """What a shell script prints that runs as root in a folder with these files and no others; it must succeed."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for name, content in (files or {}).items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        script = f"rm -rf {_FOLDER}; mkdir -m 0700 {_FOLDER}; cd {_FOLDER}; tar -x; {script}"
        done = self._call(script, packed.getvalue())
        assert done.returncode == 0, f"{script}: {done.stderr.decode(errors='replace')[-3000:]}"
        return done.stdout

    def configs(self, compose_files: list[str]) -> list[Any]:
        """What compose makes of each of these compose files: its whole model, or its words as a text where it refuses one."""
        files = {f"{number}/compose.yml": text.encode() for number, text in enumerate(compose_files)}
        one = (
            "cd $0 && { docker compose -p fuzz -f compose.yml config --format json >out 2>err"
            " && echo 0 >rc || echo 1 >rc; }"
        )
        # Two at a time: compose starts slowly.
        packed = self.run(f"ls | xargs -P 2 -I@ sh -c '{one}' @; tar -c */out */err */rc", files)
        with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
            found = {entry.name: tar.extractfile(entry).read() for entry in tar if entry.isfile()}
        return [
            unescaped(json.loads(found[f"{number}/out"]))
            if found[f"{number}/rc"].strip() == b"0"
            else found[f"{number}/err"].decode(errors="replace")
            for number in range(len(compose_files))
        ]


def unescaped(model: Any) -> Any:
    """What `docker compose config` prints, without the second `$` that it writes behind each one."""
    if isinstance(model, dict):
        return {unescaped(key): unescaped(value) for key, value in model.items()}
    if isinstance(model, list):
        return [unescaped(item) for item in model]
    return model.replace("$$", "$") if isinstance(model, str) else model
