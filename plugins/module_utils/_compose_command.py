# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of `docker compose` for one app, their last lines told while they run.

Private to the collection.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import time

from ansible_collections.selfhost.aistack.plugins.module_utils._compose_app import AppError

_TAIL = 20
# From here on an exit code says that a program could not be run, or was killed, and not what it found.
_NOT_ITS_OWN = 125


class CommandFailed(AppError):
    """A command ended with an error. by_itself: whether it says so itself, and was not killed or could not even be run."""

    def __init__(self, text, by_itself):
        super().__init__(text)
        self.by_itself = by_itself


class Compose:
    """`docker compose` on the host. `app`: its name for messages. `redact`: takes secrets out of a text. `say`: takes a sentence."""

    def __init__(self, app, redact, say):
        self.app = app
        self.redact = redact
        self.say = say
        # Descriptors that the programs hold open too.
        self.holding = ()

    def run(self, project, folder, arguments, what, seconds=1800, model=None):
        """One command on a project whose files lie in `folder`, ended after `seconds`. Raises AppError, naming `what`.

        model: the compose model to use in place of the folder's files; it goes in through a pipe, since it may hold secrets.
        """
        command = ["docker", "compose", "--ansi", "never", "--progress", "plain", "--project-name", project]
        if model:
            command += ["--project-directory", folder, "--file", "-"]
        tail, deadline = [], time.monotonic() + seconds
        try:
            # run_command() shows nothing before the end.
            process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                [*command, *arguments],
                cwd=folder,
                env=dict(os.environ, COMPOSE_IGNORE_ORPHANS="0"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=self.holding,
            )
        except FileNotFoundError:
            raise AppError("docker compose is not installed on the host; put it into the group docker_host.") from None
        with process:
            if model:
                process.stdin.write(json.dumps(model).encode())
            process.stdin.close()
            while True:
                ready = select.select([process.stdout], [], [], 1.0)[0]
                if ready:
                    line = process.stdout.readline()
                    if not line:
                        break
                    tail = [*tail[-_TAIL:], line.decode("utf-8", "replace").strip()]
                    # Cut only without its secrets: a part of one would not be recognised.
                    self.say(f"{arguments[0]}: {self.redact(tail[-1])[:160]}")
                if time.monotonic() >= deadline:
                    process.kill()
                    raise AppError(f"{what} of {self.app} took more than {seconds} s and was ended.")
        if process.returncode:
            told = " | ".join(
                [line for line in tail if "error" in line.lower()][-4:] or [line for line in tail[-6:] if line]
            )
            raise CommandFailed(
                f"{what} failed for {self.app} (code {process.returncode}): {self.redact(told)}",
                0 < process.returncode < _NOT_ITS_OWN,
            )
