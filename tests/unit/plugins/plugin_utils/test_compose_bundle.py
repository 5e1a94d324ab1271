# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an app's declaration becomes, and what is refused."""

from __future__ import annotations

import base64

import pytest
import yaml

from ansible_collections.selfhost.aistack.plugins.module_utils._compose_app import unpack
from ansible_collections.selfhost.aistack.plugins.plugin_utils.compose_bundle import (
    BundleError,
    image_problem,
    make_bundle,
    pack,
)

COMPOSE = """
services:
  web:
    image: example/web:1.2
    restart: unless-stopped
    volumes:
      - ./conf:/etc/web:ro
      - ./secrets/key:/run/secrets/key:ro
      - data:/data
  job:
    build: ./src
"""


def app(compose=COMPOSE, **changes):
    settings = {
        "files": {
            "compose.yml": (compose.encode(), 0o644),
            "conf/web.conf": (b"a=1\n", 0o644),
            "conf/live.conf": (b"b=1\n", 0o644),
            "src/Dockerfile": (b"FROM scratch\n", 0o644),
        },
        "env_files": {"web": "A='1'\n"},
        "secrets": {"key": {"content": "canary-secret", "uid": 7}},
    }
    settings.update(changes)
    return make_bundle("demo", **settings)


def service(bundle, name="web"):
    return bundle["services"][name]


@pytest.mark.parametrize(
    ("image", "problem"),
    [
        ("redis", "has no tag"),
        ("localhost:5000/redis", "has no tag"),
        ("redis:latest", "has the tag latest"),
        ("redis:8.2", ""),
        ("localhost:5000/a/redis:8.2", ""),
        ("redis@sha256:" + "0" * 64, ""),
        ("redis:latest@sha256:" + "0" * 64, ""),
    ],
)
def test_an_image_is_pinned_by_a_tag_or_a_digest(image, problem):
    assert image_problem(image) == problem


def test_the_files_carry_mode_owner_and_kind():
    files = {entry["path"]: entry for entry in app()["files"]}
    assert (files["secrets/key"]["mode"], files["secrets/key"]["uid"], files["secrets/key"]["gid"]) == (0o400, 7, 7)
    assert (files["env/web.env"]["mode"], files["env/web.env"]["kind"]) == (0o600, "env")
    assert base64.b64decode(files["conf/web.conf"]["content"]) == b"a=1\n"


def test_the_override_names_project_labels_and_environment():
    override = next(e for e in app()["files"] if e["path"] == "compose.override.yml")
    model = yaml.safe_load(base64.b64decode(override["content"]))
    assert model["name"] == "aistack_demo"
    assert model["services"]["web"]["env_file"] == ["env/web.env"]
    assert model["services"]["job"]["image"] == service(app(), "job")["image"]


@pytest.mark.parametrize(
    "change",
    [
        {"env_files": {"web": "A='2'\n"}},
        {"secrets": {"key": {"content": "another-secret", "uid": 7}}},
        {"compose": COMPOSE.replace("web:1.2", "web:1.3")},
        {"compose": COMPOSE.replace("unless-stopped", "always")},
    ],
)
def test_each_input_of_a_service_changes_its_hash_and_no_other_service(change):
    before, after = app(), app(**change)
    assert service(before)["hash"] != service(after)["hash"]
    assert service(before, "job")["hash"] == service(after, "job")["hash"]


def test_a_comment_in_the_compose_file_changes_no_service():
    before, after = app(), app(compose=COMPOSE + "# a remark\n")
    assert {n: s["hash"] for n, s in before["services"].items()} == {n: s["hash"] for n, s in after["services"].items()}


def test_a_reloading_file_is_no_input_of_its_service():
    reload = {"conf/live.conf": {"service": "web", "reload": ["true"]}}
    changed = dict(app_files(), **{"conf/live.conf": (b"b=2\n", 0o644)})
    assert service(app(reload=reload))["hash"] == service(app(reload=reload, files=changed))["hash"]
    assert service(app())["hash"] != service(app(files=changed))["hash"]


def test_a_build_is_named_after_what_it_is_built_from():
    changed = dict(app_files(), **{"src/Dockerfile": (b"FROM scratch\nCMD x\n", 0o644)})
    before, after = service(app(), "job"), service(app(files=changed), "job")
    assert before["image"].startswith("aistack/demo-job:")
    assert before["image"] != after["image"]


def app_files():
    return {
        "compose.yml": (COMPOSE.encode(), 0o644),
        "conf/web.conf": (b"a=1\n", 0o644),
        "conf/live.conf": (b"b=1\n", 0o644),
        "src/Dockerfile": (b"FROM scratch\n", 0o644),
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"compose": COMPOSE.replace("web:1.2", "web")}, ["example/web", "has no tag"]),
        ({"compose": COMPOSE.replace("web:1.2", "web:latest")}, ["latest", "pin it"]),
        ({"compose": "services: {}"}, ["declares no services"]),
        ({"compose": "services: ["}, ["is not YAML"]),
        ({"compose": COMPOSE.replace("./conf", "./absent")}, ["./absent", "does not have"]),
        ({"compose": COMPOSE.replace("./src", "/srv/src")}, ["/srv/src", "neither a folder"]),
        ({"env_files": {"wbe": ""}}, ["'wbe'", "web"]),
        ({"reload": {"conf/none": {"service": "web"}}}, ["conf/none", "no file"]),
        ({"reload": {"conf/live.conf": {"service": "wbe"}}}, ["'wbe'", "job, web"]),
        ({"files": {}}, ["compose.yml"]),
        (
            {"compose": COMPOSE + "volumes:\n  data: {name: demo_data}\n", "volumes": [{"name": "demo_data"}]},
            ["data", "nocopy"],
        ),
    ],
)
def test_what_cannot_work_is_told_in_one_sentence(change, words):
    with pytest.raises(BundleError) as caught:
        app(**change)
    for word in words:
        assert word in str(caught.value)
    assert "canary-secret" not in str(caught.value)


def test_a_volume_with_an_owner_is_mounted_with_nocopy():
    compose = COMPOSE.replace("data:/data", "data:/data:ro,nocopy") + "volumes:\n  data: {name: demo_data}\n"
    assert app(compose=compose, volumes=[{"name": "demo_data"}])["volumes"]


def test_a_name_that_compose_refuses_is_refused():
    with pytest.raises(BundleError, match="Demo"):
        make_bundle("Demo", files=app_files())


def test_what_is_packed_is_unpacked():
    bundle = app(wait=5)
    assert unpack(pack(bundle)) == bundle


REHEARSED = """
services:
  web:
    image: example/web:1.2
    restart: unless-stopped
    network_mode: host
    mem_limit: 64m
    depends_on: [job]
    ports: ["80:80"]
    environment: {PRICE: "5$$"}
    volumes:
      - ./conf:/etc/web:ro
      - /srv/shared:/srv/shared
      - /scratch
      - data:/data:nocopy
      - {type: volume, source: more, target: /more}
  job:
    image: example/job:1
volumes:
  data: {external: true}
"""


def test_a_rehearsal_has_the_limits_and_neither_network_nor_volumes():
    bundle = app(REHEARSED, rehearse=["web"])
    model = bundle["rehearse"]["web"]
    memory = {"type": "tmpfs", "tmpfs": {"mode": 0o1777}}
    assert model == {
        "services": {
            "web": {
                "image": "example/web:1.2",
                "restart": "no",
                "network_mode": "none",
                "mem_limit": "64m",
                "environment": {"PRICE": "5$$"},
                "env_file": ["env/web.env"],
                "volumes": [
                    {"type": "bind", "source": "./conf", "target": "/etc/web", "read_only": True},
                    {"type": "bind", "source": "/srv/shared", "target": "/srv/shared", "read_only": True},
                    {**memory, "target": "/scratch"},
                    {**memory, "target": "/data"},
                    {**memory, "target": "/more"},
                ],
            }
        }
    }


def test_only_a_service_can_be_rehearsed():
    with pytest.raises(BundleError, match="rehearse: there is no service 'other'"):
        app(REHEARSED, rehearse=["other"])
