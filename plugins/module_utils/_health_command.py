# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probe of kind `command`: a program ends with 0.

Private to the collection.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess

from ansible_collections.selfhost.aistack.plugins.module_utils._health_net import HopelessError, NotReadyError


def probe_command(target, timeout, read_only):
    """Runs the program without a shell; what it starts is ended with it when its time is over."""
    name = target["argv"][0]
    try:
        # run_command() has no time limit and cannot run in a thread.
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            target["argv"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise HopelessError(f"the program {name} does not exist on this host") from None
    except OSError as exc:
        raise HopelessError(f"the program {name} cannot be started ({exc.strerror})") from exc
    try:
        output = process.communicate(timeout=timeout)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):  # a grandchild that left the session may hold the pipe
            process.communicate(timeout=1)
        raise NotReadyError(f"{name} did not end within {timeout:g} s") from None
    if process.returncode != 0:
        # Only the program's name and words are told: its arguments may carry a secret.
        lines = output.decode("utf-8", "replace").strip().splitlines()
        said = f" ({lines[-1].strip()[:200]})" if lines else ""
        raise NotReadyError(f"{name} ends with {process.returncode}{said}")
