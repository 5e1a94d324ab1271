# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for many targets at once: the kinds, the check of a target's options, and the wait itself.

Private to the collection.
"""

from __future__ import annotations

import threading
import time
from urllib.parse import urlsplit

from ansible_collections.selfhost.aistack.plugins.module_utils._health_command import probe_command
from ansible_collections.selfhost.aistack.plugins.module_utils._health_container import probe_container
from ansible_collections.selfhost.aistack.plugins.module_utils._health_http import probe_http
from ansible_collections.selfhost.aistack.plugins.module_utils._health_net import (
    HopelessError,
    NotReadyError,
    probe_tcp,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._health_redis import probe_redis
from ansible_collections.selfhost.aistack.plugins.module_utils._health_s3 import probe_s3

# The pause between the end of an attempt and the next one starts short, because most targets are ready already or
# nearly so, and never exceeds what lets readiness be noticed within 0.1 s.
FIRST_PAUSE = 0.02
LONGEST_PAUSE = 0.07
ATTEMPT_TIMEOUT = 5.0
# What an attempt that began in time may take beyond the deadline before its target is given up.
GRACE = 0.5


def target_spec():
    """The options of one target; without defaults, so that one of another kind can be told from one not given."""
    return {
        "name": {"type": "str", "required": True},
        "kind": {"type": "str", "required": True, "choices": ["http", "tcp", "redis", "s3", "container", "command"]},
        "timeout": {"type": "float"},
        "attempt_timeout": {"type": "float"},
        "url": {"type": "str"},
        "status": {"type": "list", "elements": "int"},
        "json": {"type": "dict"},
        "method": {"type": "str", "choices": ["GET", "HEAD", "POST", "OPTIONS"]},
        "headers": {"type": "dict", "no_log": True},
        "follow_redirects": {"type": "bool"},
        "host": {"type": "str"},
        "port": {"type": "int"},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "role": {"type": "str", "choices": ["master", "slave"]},
        "tls": {"type": "bool"},
        "ca_file": {"type": "path"},
        "endpoint": {"type": "str"},
        "region": {"type": "str"},
        "bucket": {"type": "str"},
        "access_key": {"type": "str", "no_log": False},
        "secret_key": {"type": "str", "no_log": True},
        "session_token": {"type": "str", "no_log": True},
        "write": {"type": "bool"},
        "container": {"type": "str"},
        "project": {"type": "str"},
        "service": {"type": "str"},
        "docker_socket": {"type": "path"},
        "argv": {"type": "list", "elements": "str"},
    }


class Kind:
    """One kind of target: its probe, the options that it needs, and the others that it takes."""

    def __init__(self, probe, needs=(), takes=()):
        self.probe = probe
        self.needs = needs
        self.takes = takes


KINDS = {
    "http": Kind(probe_http, ("url",), ("status", "json", "ca_file", "host", "headers", "method", "follow_redirects")),
    "tcp": Kind(probe_tcp, ("port",), ("host",)),
    "redis": Kind(probe_redis, (), ("host", "port", "username", "password", "role", "tls", "ca_file")),
    "s3": Kind(
        probe_s3,
        ("endpoint", "region", "bucket", "access_key", "secret_key"),
        ("session_token", "write", "ca_file"),
    ),
    "container": Kind(probe_container, (), ("container", "project", "service", "docker_socket")),
    "command": Kind(probe_command, ("argv",), ()),
}
COMMON = ("name", "kind", "timeout", "attempt_timeout")


def _bad_url(value):
    try:
        parts = urlsplit(value)
        return parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
    except ValueError:
        return True


def _problem(target):
    """The first thing wrong with one target, as the end of a sentence, or None."""
    kind = KINDS[target["kind"]]
    accepted = kind.needs + kind.takes
    for option in kind.needs:
        if target[option] in (None, "", []):
            return f"{option} is missing; kind {target['kind']} needs {', '.join(kind.needs)}"
    for option, value in target.items():
        if value is not None and option not in COMMON and option not in accepted:
            return f"{option} is not used by kind {target['kind']}; it takes {', '.join(accepted)}"
    for option in ("url", "endpoint"):
        # Not shown: a URL may carry a user name and password.
        if target[option] is not None and _bad_url(target[option]):
            return f"{option} is not a URL; write http://HOST or https://HOST, with :PORT if it needs one"
    if target["port"] is not None and not 1 <= target["port"] <= 65535:
        return f"port is {target['port']}; a port is 1 to 65535"
    for option in ("timeout", "attempt_timeout"):
        if target[option] is not None and target[option] <= 0:
            return f"{option} is {target[option]:g}; give seconds above 0"
    for header, value in (target["headers"] or {}).items():
        if "\n" in f"{header}{value}" or "\r" in f"{header}{value}":
            return "a header contains a line break; give each header on one line"
    if target["kind"] == "container" and bool(target["container"]) == bool(target["project"]):
        return "give either container, or project with or without service"
    if target["service"] and not target["project"]:
        return f"service is {target['service']} without project; name the compose project too"
    return None


def problems(targets, timeout):
    """One sentence for each thing in the options that cannot be meant; empty when all is well."""
    found = [] if timeout > 0 else [f"timeout is {timeout:g}; give seconds above 0."]
    names = [target["name"] for target in targets]
    for name in sorted(set(names)):
        if names.count(name) > 1:
            found.append(f"targets has the name {name} {names.count(name)} times; give each target a name of its own.")
    for target in targets:
        problem = _problem(target)
        if problem:
            found.append(f"targets, {target['name']}: {problem}.")
    return found


class Report:
    """What is known about one target; written by its watcher alone."""

    def __init__(self, target):
        self.target = target
        self.ready = False
        self.seconds = None
        self.tries = 0
        self.last_error = None
        self.hopeless = False

    def result(self):
        """The target's entry in the module's result."""
        return {"ready": self.ready, "seconds": self.seconds, "tries": self.tries, "last_error": self.last_error}


def watch(report, probe, timeout, read_only, once=False, stop=None, clock=time.monotonic):
    """Try until the target is ready or hopeless, `timeout` seconds have passed, or `stop` (an Event) is set.

    With `once` a single attempt is made. Between attempts it waits on `stop`, whose wait() is thereby the pause.
    """
    stop = stop or threading.Event()
    limit = report.target["attempt_timeout"] or ATTEMPT_TIMEOUT
    started = clock()
    pause = FIRST_PAUSE
    while True:
        left = started + timeout - clock()
        report.tries += 1
        try:
            probe(report.target, limit if once else max(min(limit, left), FIRST_PAUSE), read_only)
            report.ready, report.last_error = True, None
        except NotReadyError as exc:
            report.last_error, report.hopeless = str(exc), isinstance(exc, HopelessError)
        except Exception as exc:  # a watcher that died in silence would look like a target that is never ready
            report.last_error, report.hopeless = f"the probe itself failed ({type(exc).__name__}: {exc})", True
        report.seconds = round(clock() - started, 3)
        left = started + timeout - clock()
        if report.ready or report.hopeless or once or left <= 0:
            return
        if stop.wait(min(pause, left)):
            return
        pause = min(pause * 1.5, LONGEST_PAUSE)


def wait(targets, timeout, say=lambda text: None):
    """Wait for all targets at once; a target that is hopeless ends the wait for every one. Returns their Reports.

    `say` gets a sentence now and then about who is not ready yet.
    """
    stop = threading.Event()
    reports = [Report(target) for target in targets]
    watchers = []

    def run(report, own):
        watch(report, KINDS[report.target["kind"]].probe, own, False, stop=stop)
        if report.hopeless:
            stop.set()

    started = time.monotonic()
    for report in reports:
        own = report.target["timeout"] or timeout
        # Daemons: one that is stuck in name resolution must not keep the module from ending.
        watcher = threading.Thread(target=run, args=(report, own), daemon=True)
        watcher.start()
        watchers.append((watcher, started + own + GRACE))
    for watcher, until in watchers:
        while watcher.is_alive():
            left = until - time.monotonic()
            if stop.is_set():
                left = min(left, GRACE)
            if left <= 0:
                break
            watcher.join(min(left, GRACE))
            say("waiting for " + ", ".join(_waiting(report) for report in reports if not report.ready))
    return reports


def _waiting(report):
    return f"{report.target['name']} ({report.last_error})" if report.last_error else report.target["name"]


def look(targets):
    """One attempt at each target, all at once, that writes nothing and starts no program. Returns their Reports."""
    reports = [Report(target) for target in targets]
    watchers = []
    for report in reports:
        if report.target["kind"] == "command":
            report.ready, report.last_error = None, "a command is not run in check mode"
            continue
        limit = report.target["attempt_timeout"] or ATTEMPT_TIMEOUT
        args = (report, KINDS[report.target["kind"]].probe, limit, True, True)
        watcher = threading.Thread(target=watch, args=args, daemon=True)
        watcher.start()
        watchers.append((watcher, time.monotonic() + limit + GRACE))
    for watcher, until in watchers:
        watcher.join(max(0.0, until - time.monotonic()))
    return reports


def failure(reports):
    """One sentence for each target that failed the wait, or an empty text when all are ready."""
    late = [report for report in reports if not report.ready]
    culprits = [report for report in late if report.hopeless] or late
    sentences = []
    for report in culprits:
        spent = "" if report.seconds is None else f" after {report.seconds:.1f} s and {report.tries} tries"
        why = report.last_error or "its first attempt has not ended"
        sentences.append(f"{report.target['name']} ({report.target['kind']}) is not ready{spent}: {why}.")
    others = [report.target["name"] for report in late if report not in culprits]
    if others:
        sentences.append(f"So the wait ended before {', '.join(others)} became ready.")
    return " ".join(sentences)
