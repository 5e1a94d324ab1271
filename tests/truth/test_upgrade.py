# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the last release to this one on the same host: predicted changes only, no data lost, nothing restarted without need.

The host is made anew and set up by the last release, which also converts a document. All tests read what one upgrade by
this release's site.yml did. The host stays converged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from site_access import read_access
from truthbed.release import EarlierStand, last_release, unpack
from truthbed.stand import Run, Stand
from truthbed.state import differences

from ansible_collections.selfhost.aistack.plugins.module_utils._front_door import FrontDoor
from ansible_collections.selfhost.aistack.plugins.module_utils._sample_pdf import make_pdf

LINES = ["A document of the last release", "Its words outlive the upgrade."]
# What is only ever added to: the blocks of objects, and what Caddy keeps. Its locks and the note of its last cleaning are no data.
KEPT = """
cd /var/lib/docker/volumes
find aistack_garage_data/_data aistack_caddy_data/_data/caddy/pki aistack_caddy_data/_data/caddy/certificates \
  -type f -exec sha256sum {} +
"""


@dataclass(frozen=True)
class Data:
    """What people and services left at a site."""

    job: dict[str, Any]
    markdown: str
    kept: dict[str, str]
    secrets: dict[str, Any]


@dataclass(frozen=True)
class Upgrade:
    """The host before and after, and the two runs between."""

    before: dict[str, Any]
    data_before: Data
    predicted: Run
    done: Run
    after: dict[str, Any]
    data_after: Data


def read_data(stand: Stand, job_id: str) -> Data:
    """Everything that must outlive an upgrade."""
    door = FrontDoor(read_access(stand.inventory))
    door.sign_in()
    job = door.call("GET", f"/api/v1/documents/{job_id}")
    lines = (line.split(maxsplit=1) for line in stand.on_host(KEPT).splitlines())
    store = yaml.safe_load((stand.inventory / ".secrets.yml").read_text(encoding="utf-8"))
    return Data(job, door.fetch(job["markdown_url"]), {path: digest for digest, path in lines}, store["secrets"])


@pytest.fixture(scope="module")
def upgrade(bare: Stand, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgrade]:
    """Set the host up with the last release, use it, and upgrade it."""
    release = last_release()
    # What this release has put on the host, or a later one, is not there yet when the last one sets it up.
    bare.bed("down", bare.name)
    for path in bare.inventory.glob(".secrets.yml*"):
        path.unlink()
    bare = Stand(bare.name)
    first = EarlierStand(bare, unpack(release, tmp_path_factory.mktemp("release"))).converge()
    door = FrontDoor(read_access(bare.inventory))
    job = door.convert_job("before.pdf", make_pdf(LINES), print)
    before, data_before = bare.state(), read_data(bare, job["job_id"])
    predicted = bare.converge("--check")
    between = differences(before, bare.state())
    assert not between, f"the check run changed the host: {between}"
    done = bare.converge()
    made = Upgrade(before, data_before, predicted, done, bare.state(), read_data(bare, job["job_id"]))
    print(f"\nUpgrade from {release} (set up in {first.seconds:.0f} s) took {done.seconds:.0f} s and changed:")
    for change in done.changes:
        print(f"  {change['kind']} {change['name']}: {change['action']} ({', '.join(change['why'])})")
    yield made


def test_the_upgrade_does_what_the_check_run_says(upgrade: Upgrade) -> None:
    assert upgrade.done.things == upgrade.predicted.things


def test_no_data_is_lost(upgrade: Upgrade) -> None:
    old, new = upgrade.data_before, upgrade.data_after
    assert all(word in old.markdown for word in LINES[1].split())
    assert new.markdown == old.markdown
    assert new.job == old.job
    assert {path: new.kept.get(path) for path in old.kept} == old.kept
    assert any(path.startswith("aistack_garage_data") for path in old.kept)
    assert any("/certificates/" in path for path in old.kept)


def test_no_secret_and_no_volume_is_made_anew(upgrade: Upgrade) -> None:
    assert {
        name: upgrade.data_after.secrets.get(name) for name in upgrade.data_before.secrets
    } == upgrade.data_before.secrets
    before, after = (state["moments"]["volumes"] for state in (upgrade.before, upgrade.after))
    assert {name: after.get(name) for name in before} == before
    before, after = ((state["garage"] or {}).get("keys") for state in (upgrade.before, upgrade.after))
    assert before and {key: after.get(key) for key in before} == before


def test_nothing_restarts_that_the_run_does_not_tell_of(upgrade: Upgrade) -> None:
    told = {change["name"] for change in upgrade.done.changes if change["kind"] in ("service", "engine")}
    # A service is told as app/service.
    containers = {"aistack_{}-{}-1".format(*name.split("/")) for name in told if "/" in name}
    assert "docker" in told or restarted(upgrade) <= containers, told


def test_nothing_restarts_without_need(upgrade: Upgrade) -> None:
    """A container may be made anew because what it is made of is other: image, settings, or the files that it reads."""
    needless = {}
    for name in restarted(upgrade):
        before, after = made_of(upgrade.before, name), made_of(upgrade.after, name)
        if before == after:
            needless[name] = [change for change in upgrade.done.changes if change["kind"] == "service"]
    assert not needless, json.dumps(needless, indent=1)


def test_the_next_run_changes_nothing(upgrade: Upgrade, bare: Stand) -> None:
    assert bare.converge().changes == []


def restarted(upgrade: Upgrade) -> set[str]:
    """The containers of before that are gone, new or started again."""
    before, after = (state["moments"]["containers"] for state in (upgrade.before, upgrade.after))
    same = ("id", "started")
    return {
        name for name in before if [before[name][key] for key in same] != [after.get(name, {}).get(key) for key in same]
    }


def made_of(state: dict[str, Any], name: str) -> Any:
    """How a container is made, without labels and how it is doing, and the files of the host that it mounts."""
    container = state["containers"].get(name)
    if container is None:
        return None
    sources = [source for source, *_rest in container["mounts"]]
    files = {
        path: entry
        for path, entry in state["files"].items()
        if any(path == source or path.startswith(f"{source}/") for source in sources)
    }
    return {**container, "labels": None, "state": None, "health": None, "files": files}
