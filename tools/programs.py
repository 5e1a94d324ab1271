# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes Garage and Caddy out of the test bed's images, for tests that run them on this machine.

They land in .cache/programs. A program that needs a newer C library than this machine has is run with the libraries of
its image, by a wrapper of the same name.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
import tempfile
from pathlib import Path

from steps import REPOSITORY
from test_host import BED

FOLDER = REPOSITORY / ".cache" / "programs"
#: Image and program: where the program lies in the image.
_INSIDE = {"garage": "/garage", "caddy": "/usr/bin/caddy"}
#: How the tests are told where a program is.
ENVIRONMENT = {
    "AISTACK_GARAGE_BIN": str(FOLDER / "garage"),
    "AISTACK_GARAGE": str(FOLDER / "garage"),
    "AISTACK_CADDY": str(FOLDER / "caddy"),
}


def main() -> int:
    """Have every program in place; one whose image is the same as last time is left as it is."""
    sys.path.insert(0, str(Path(BED).parent))
    from bedlib.paths import REGISTRY, REGISTRY_PUSH

    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        # Two parts of the tests may begin at the same time.
        fcntl.flock(lock, fcntl.LOCK_EX)
        _have_all(REGISTRY, REGISTRY_PUSH)
    return 0


def _have_all(registry: str, registry_here: str) -> None:
    lines = _run([BED, "images", *_INSIDE]).splitlines()
    for name, reference in (line.split() for line in lines if line.strip()):
        stamp = FOLDER / f"{name}.image"
        if not stamp.exists() or stamp.read_text() != reference:
            _take_out(name, reference.replace(registry, registry_here))
            stamp.write_text(reference)


def _take_out(name: str, image: str) -> None:
    """Copy a program out of an image and see that it runs here."""
    _run(["docker", "pull", "--quiet", image])
    container = _run(["docker", "create", image]).strip()
    try:
        target = FOLDER / name
        target.unlink(missing_ok=True)
        _run(["docker", "cp", "--follow-link", f"{container}:{_INSIDE[name]}", str(target)])
        if subprocess.run([str(target), "--version"], capture_output=True, check=False).returncode:
            _wrap(container, target)
            _run([str(target), "--version"])
    finally:
        _run(["docker", "rm", container])


def _wrap(container: str, target: Path) -> None:
    """Put the program's own loader and libraries beside it, and a wrapper that uses them in its place."""
    libraries = target.with_name(f"{target.name}.lib")
    libraries.mkdir(exist_ok=True)
    program = libraries / target.name
    target.rename(program)
    with tempfile.TemporaryDirectory() as folder:
        listed = _run(["docker", "run", "--rm", "--entrypoint", "ldd", _image_of(container), _INSIDE[target.name]])
        for word in listed.split():
            if word.startswith("/"):
                _run(["docker", "cp", "--follow-link", f"{container}:{word}", folder])
                copied = Path(folder) / Path(word).name
                copied.rename(libraries / copied.name)
    loader = next(libraries.glob("ld-linux*"))
    target.write_text(f'#!/bin/sh\nexec "{loader}" --library-path "{libraries}" "{program}" "$@"\n', encoding="utf-8")
    target.chmod(0o755)


def _image_of(container: str) -> str:
    return _run(["docker", "inspect", "--format", "{{.Image}}", container]).strip()


def _run(command: list[str]) -> str:
    """Run a command and return what it prints; what goes wrong ends this program with its message."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"'{' '.join(command)}' failed with exit status {done.returncode}.")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
