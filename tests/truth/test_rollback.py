# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release that fails leaves the host as it was: every role, every kind of fault, with people at the front door meanwhile.

AISTACK_ROLLBACK=7 draws other cases, AISTACK_ROLLBACK=all takes every fault of every role, as tools/soak does.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import pytest
from truthbed.faults import (
    PULL,
    SUBJECTS,
    Subject,
    faulty_image,
    image_variables,
    small_disk,
    with_ballast,
    without_registry,
)
from truthbed.stand import Run, Stand
from truthbed.state import differences, settled
from truthbed.visitors import Visits, visitors

from ansible_collections.selfhost.aistack.plugins.module_utils._front_door import Access, FrontDoor

# Caddy itself, the gateway behind it, the gateway with Redis and storage, and with all that it needs.
PATHS = ["/healthz", "/", "/health", "/health/ready"]
PUT_BACK = r"Release \d+ was put back and is healthy\."
UNTOUCHED = r"No file and no container was changed: release \d+ runs on\."
REHEARSED = r"; that was in a rehearsal beside the running one\. " + UNTOUCHED
FULL = r"The file system \S+ has \d+ of \d+ MiB free.*{}; free some space there"


@dataclass(frozen=True)
class Fault:
    """A fault and what is told of it, `{service}` being the service. The log of a service that runs is told too."""

    told: str
    image: str = ""
    logged: str = ""
    touches: bool = True
    only: tuple[str, ...] = tuple(SUBJECTS)
    variables: dict[str, Any] = field(default_factory=dict)


FAULTS = {
    "an image that does not start": Fault(
        r"{service} could not be started: .*no-such-program.*", image="does not start"
    ),
    "an image that never gets healthy": Fault(
        r"{service} did not become healthy within 10 s \(it is starting(; its check said: .*)?\)",
        image="never healthy",
        logged="the double of a service is here",
    ),
    "an image that is healthy and then exits": Fault(
        r"{service} was healthy and then exited with code 3",
        image="healthy and exits",
        logged="the double exits",
    ),
    "too little memory": Fault(
        r"{service} (was killed|could not be started, it seems) for want of memory \(its memory limit is \d+ MiB; raise it\)"
    ),
    "a digest that is not there": Fault(
        r"The image \S+@sha256:0+ of {service} cannot be pulled: the registry 198\.18\.0\.2:5000 has no image of that name and"
        r" digest \(.*\); give one that it has",
        touches=False,
    ),
    "a registry that is away": Fault(
        r"The image \S+ of {service} cannot be pulled: the registry 198\.18\.0\.2:5000 does not answer \(.*\); see that it runs",
        touches=False,
    ),
    "a disk that is full": Fault(FULL.format("and a change needs at least 64 MiB"), "does not start", touches=False),
    "a disk without room for more files": Fault(
        FULL.format(r"and room for \d+ more files, and there was no room for \S+"), "does not start", touches=False
    ),
    "an engine's disk that is full": Fault(
        r"The image \S+ of {service} cannot be pulled: "
        + FULL.format(r"and there was no room for /var/lib/docker/tmp/\S+"),
        image="large",
        touches=False,
    ),
    "a Caddyfile that Caddy refuses": Fault(
        r"the check of caddy/Caddyfile by caddy validate failed for caddy \(code 1\): .*99999",
        touches=False,
        only=("caddy_tls",),
        variables={"caddy_tls_upstream": "127.0.0.1:99999"},
    ),
    "a Caddyfile with which Caddy cannot listen": Fault(
        r"{service} did not take the new caddy/Caddyfile: .*192\.0\.2\.77.*",
        only=("caddy_tls",),
        variables={"caddy_tls_bind_addresses": ["192.0.2.77"]},
    ),
}


def cases() -> list[tuple[str, str]]:
    """(role, fault): all there are with AISTACK_ROLLBACK=all, otherwise those that drawn() gives for it as a seed."""
    wanted = os.environ.get("AISTACK_ROLLBACK") or "1"
    chosen = drawn(random.Random(wanted))  # noqa: S311 - no secret
    every = [(role, fault) for role in SUBJECTS for fault in FAULTS if role in FAULTS[fault].only]
    return [case for case in every if wanted == "all" or case in chosen]


def drawn(chance: random.Random) -> set[tuple[str, str]]:
    """Few cases with every fault in them, and every role with one that is put back and one that touches nothing."""
    chosen = {(role, name) for name, fault in FAULTS.items() for role in fault.only if fault.only != tuple(SUBJECTS)}
    for touches in (True, False):
        names = [name for name, fault in FAULTS.items() if fault.only == tuple(SUBJECTS) and fault.touches == touches]
        roles = list(SUBJECTS)
        chance.shuffle(names)
        chance.shuffle(roles)
        number = max(len(names), len(roles))
        chosen.update((roles[index % len(roles)], names[index % len(names)]) for index in range(number))
    return chosen


class Site:
    """The converged host, its front door and its images."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        root = "/var/lib/docker/volumes/aistack_caddy_data/_data/caddy/pki/authorities/local/root.crt"
        access = Access(url=f"https://{stand.address}", address=stand.address, ca=stand.on_host(f"cat {root}"))
        self.door = FrontDoor(access)
        hosts = stand.bed("inventory", stand.name)
        self.images = {
            subject.role: re.search(rf"^ *{subject.image}: *\"?([^\s\"]+)", hosts, re.MULTILINE)[1]
            for subject in SUBJECTS.values()
        }

    def state(self) -> dict[str, Any]:
        """What the site is made of. An image that was pulled in vain may stay, and how others take it is seen from outside."""
        state = settled(self.stand.state())
        del state["images"]
        for container in state["containers"].values():
            del container["health"]
        return state

    def play(self, subject: Subject, variables: dict[str, Any]) -> Run:
        """Play one role as site.yml does."""
        return self.stand.play("one_role", "-e", f"one_role={subject.role}", variables=variables)

    def variables(self, subject: Subject, name: str) -> dict[str, Any]:
        """What in an inventory brings a fault about."""
        fault = FAULTS[name]
        if name == "too little memory":
            return {**subject.starved}
        if name == "a digest that is not there":
            return image_variables(subject, f"{self.images[subject.role].partition('@')[0]}@sha256:{'0' * 64}")
        if name == "a registry that is away":
            return image_variables(subject, f"{PULL}/rollback-{subject.app}:not-on-the-host")
        if fault.image:
            image = faulty_image(subject, fault.image, self.images[subject.role])
            return {**subject.hasty, **image_variables(subject, image)}
        return fault.variables

    def lacking(self, subject: Subject, name: str) -> AbstractContextManager[None]:
        """What the host lacks while a fault lasts."""
        folder = f"/opt/aistack/{subject.app}"
        if name == "too little memory":
            return with_ballast(self.stand, subject)
        if name == "a registry that is away":
            return without_registry(self.stand)
        if name == "a disk that is full":
            return small_disk(self.stand, folder, "size=4m")
        if name == "a disk without room for more files":
            return small_disk(self.stand, folder, "size=128m,nr_inodes=$((used + 4))")
        if name == "an engine's disk that is full":
            return small_disk(self.stand, "/var/lib/docker/tmp", "size=1m")
        return nullcontext()


@pytest.fixture(scope="module")
def site(converged: Stand) -> Iterator[Site]:
    """The site; that nothing is left to do in the end is the proof that every run converged on what was there before."""
    site = Site(converged)
    yield site
    assert converged.converge().things == set()


@pytest.mark.parametrize(("role", "name"), cases())
def test_a_release_that_fails_leaves_the_one_before(site: Site, role: str, name: str) -> None:
    subject, fault = SUBJECTS[role], FAULTS[name]
    variables = site.variables(subject, name)
    with site.lacking(subject, name):
        before = site.state()
        with visitors(site.door, PATHS) as visits:
            run = site.play(subject, variables)
            visits.await_service(60)
        after = site.state()
    message = "\n".join(run.failures)
    away = {path: round(visits.away(path), 1) for path in PATHS}
    print(f"\n{role}, {name}: {run.seconds:.1f} s, away {away}\n{message}")
    assert run.rc != 0
    assert differences(before, after) == []
    check_message(subject, fault, message)
    check_visits(subject, fault, visits, run.seconds)


def check_message(subject: Subject, fault: Fault, message: str) -> None:
    """The service, the cause, what became of it, and the last lines of its log."""
    told = fault.told.format(service=subject.service)
    if fault.touches and subject.role == "caddy_tls" and not fault.variables:
        end = REHEARSED
    else:
        end = PUT_BACK if fault.touches else UNTOUCHED
    assert re.search(rf"{told}.*{end}", message, re.DOTALL), message
    if fault.logged:
        assert f"Last lines of {subject.service}:\n" in message
        assert fault.logged in message


def check_visits(subject: Subject, fault: Fault, visits: Visits, seconds: float) -> None:
    """Nobody was turned away except by the one service, for no longer than the run; for Caddy nobody at all."""
    hurt = subject.needed_by if fault.touches else []
    for path in PATHS:
        if path in hurt:
            assert visits.away(path) <= seconds + 5
        else:
            assert visits.failures(path) == [], path


def test_an_earlier_release_comes_back_without_a_registry(site: Site) -> None:
    subject = SUBJECTS["redis"]
    image = faulty_image(subject, "does not start", site.images["redis"])
    site.stand.on_host(f"docker pull --quiet {image}")
    before = site.state()
    with without_registry(site.stand):
        run = site.play(subject, image_variables(subject, image))
    assert re.search(PUT_BACK, "\n".join(run.failures)), run.output
    assert differences(before, site.state()) == []


def test_a_good_release_of_the_front_door_passes_its_rehearsal(site: Site) -> None:
    # In the rehearsal there is no such address; the new release must pass all the same.
    variables = {"caddy_tls_memory_limit": "300m", "caddy_tls_bind_addresses": [site.stand.address]}
    run = site.play(SUBJECTS["caddy_tls"], variables)
    assert run.rc == 0, run.output
    assert ("service", "caddy/caddy", "recreate") in run.things
    run = site.play(SUBJECTS["caddy_tls"], {})
    assert run.rc == 0, run.output
    assert ("service", "caddy/caddy", "recreate") in run.things
