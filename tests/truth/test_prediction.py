# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A check run changes nothing and lists exactly what the real run then changes.

Each proof has three sides: what the check run foretold, what the real run told, and what two states of the host, read by other
means, say was changed. On a host with nothing on it, on one that lost half of it, and over STEPS: inventories each of which
brings some changes and takes those of the step before back. Each change of a step names what must be among the things, and
has some of them to itself, so none can hide behind another.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
import yaml
from truthbed.came_true import came_true, foretold, packages_that_came
from truthbed.registry import another_tag
from truthbed.stand import Run, Stand
from truthbed.state import differences, digest, settled

ADMIN = {"name": "admin"}
# Another one each time: Garage never takes the id of a key again that was deleted.
RANDOM = token_hex(32)
KEY = {"name": "archive", "id": f"GK{RANDOM[:24]}", "secret": RANDOM}
REDIS, GARAGE, GATEWAY, CADDY = (
    ("service", name, "recreate") for name in ("redis/redis", "garage/garage", "gateway/api-gateway", "caddy/caddy")
)
RELOADED = ("service", "caddy/caddy", "reload")
GATEWAY_ENV = ("file", "/opt/aistack/gateway/env/api-gateway.env", "change")
CADDYFILE = ("file", "/opt/aistack/caddy/caddy/Caddyfile", "change")
SERVED = "/opt/aistack/caddy/secrets"


def at_rest(stand: Stand) -> dict[str, Any]:
    """The host's state once no container is about to become healthy: until then it changes by itself."""
    deadline = time.monotonic() + 300
    while True:
        state = stand.state()
        starting = [name for name, entry in state["containers"].items() if entry["health"] == "starting"]
        if not starting:
            return state
        assert time.monotonic() < deadline, f"still starting: {starting}"


def both_runs(stand: Stand, variables: dict[str, Any] | None = None, stored: Any = None) -> set[tuple[str, str, str]]:
    """Play a check run and the real run, prove that they tell what came true, and return it.

    stored: what Garage holds, where it does not run and the state cannot know.
    """
    before = at_rest(stand)
    check = stand.play("site", "--check", "--diff", variables=variables)
    assert check.rc == 0, check.output[-6000:]
    between = stand.state()
    assert differences(before, between) == []
    assert digest(before) == digest(between)
    real = stand.converge(variables=variables)
    after = stand.state()
    told = foretold(real.things)
    came = came_true({**before, "garage": before["garage"] or stored}, after)
    assert told == came, "the real run told other things than the host shows"
    assert check.things == real.things, "the check run foretold other things than the real run told"
    assert packages(real) <= packages_that_came(before, after)
    assert after["leftovers"] == []
    return told


def packages(run: Run) -> set[str]:
    """The packages that a run told; those that they bring with them are not told."""
    return {name for kind, name, _action in run.things if kind == "package"}


def test_on_a_bare_host(first: Stand, tmp_path: Path) -> None:
    """Nothing is installed, and nothing is known: no engine, no Garage to be asked, no secrets."""
    secrets = first.inventory / ".secrets.yml"
    before = first.state()
    copied = tmp_path / "authority.crt"
    variables = {"caddy_tls_ca_copy_to": str(copied)}
    check = first.play("site", "--check", "--diff", variables=variables)
    assert check.rc == 0, check.output[-6000:]
    assert differences(before, first.state()) == []
    assert not secrets.exists()
    assert not copied.exists()
    real = first.converge(variables=variables)
    after = first.state()
    assert secrets.exists()
    assert copied.read_text(encoding="utf-8").startswith("-----BEGIN CERTIFICATE-----")
    assert foretold(real.things) == came_true(before, after)
    assert check.things == real.things
    assert {"docker.io"} <= packages(real) <= packages_that_came(before, after)
    assert after["leftovers"] == []
    assert {kind for kind, _name, _action in real.things} >= {
        "bucket", "daemon key", "file", "image", "key", "layout", "network", "package", "release", "service", "sysctl",
        "unit", "volume",
    }  # fmt: skip


def test_on_a_host_that_lost_half_of_it(stand: Stand) -> None:
    """The gateway with its image and the edge are gone, Garage was stopped, Redis is paused, files of the host are missing."""
    before = at_rest(stand)
    image = next(name for name in before["images"] if name.startswith("aistack/gateway-"))
    stand.on_host(
        "docker rm --force aistack_gateway-api-gateway-1 aistack_caddy-caddy-1"
        f" && docker rmi {image} && rm -r /opt/aistack/gateway /opt/aistack/caddy"
        " && docker stop aistack_garage-garage-1 && docker pause aistack_redis-redis-1"
        " && rm /etc/sysctl.d/90-aistack.conf"
    )
    assert both_runs(stand, stored=before["garage"]) >= {
        ("service", "gateway/api-gateway", "create"),
        ("service", "caddy/caddy", "create"),
        ("service", "garage/garage", "start"),
        REDIS,
        ("image", image, "build"),
        ("release", "gateway/1", "create"),
        ("file", "/etc/sysctl.d/90-aistack.conf", "create"),
    }
    assert differences(unnumbered(settled(before)), unnumbered(settled(at_rest(stand)))) == []


def test_while_the_engine_is_off(stand: Stand) -> None:
    """Systemd keeps the engine's socket and would start it at a question, so a check run does not ask."""
    before = at_rest(stand)
    stand.on_host("systemctl stop docker.service")
    off = stand.state()
    assert off["engine"]["active"] == "inactive"
    check = stand.play("site", "--check", "--diff")
    assert check.rc == 0, check.output[-6000:]
    assert differences(off, stand.state()) == []
    real = stand.converge()
    assert check.things == real.things
    assert foretold(real.things) == {("engine", "docker", "start")}
    assert differences(settled(before), settled(at_rest(stand))) == []


def unnumbered(state: dict[str, Any]) -> dict[str, Any]:
    """A settled state without our records: releases of an app that was removed are counted from 1 again."""
    kept = {
        path: entry for path, entry in state["files"].items() if not re.search(r"/releases(/|$)|/state.json$", path)
    }
    return {**state, "files": kept}


def limit(_stand: Stand) -> tuple[dict, set]:
    """A memory limit."""
    return {"redis_memory_limit": "800m"}, {REDIS, ("file", "/opt/aistack/redis/compose.yml", "change")}


def env_value(_stand: Stand) -> tuple[dict, set]:
    """One value in an environment."""
    return {"gateway_log_level": "WARNING"}, {GATEWAY, GATEWAY_ENV}


def tls_mode(stand: Stand) -> tuple[dict, set]:
    """A certificate of one's own in place of Caddy's."""
    certificate, key = own_certificate(stand)
    variables = {
        "caddy_tls_mode": "files",
        "caddy_tls_certificate": certificate,
        "caddy_tls_key": key,
        "caddy_tls_ca_root": certificate,
    }
    came = {("file", f"{SERVED}/{name}", "create") for name in ("certificate", "certificate_key", "ca_root")}
    return variables, {CADDY, CADDYFILE, *came}


def daemon_key(stand: Stand) -> tuple[dict, set]:
    """A key of daemon.json that the engine rereads."""
    config = yaml.safe_load((stand.inventory / "hosts.yml").read_text(encoding="utf-8"))["all"]["vars"]
    wanted = {**config["docker_host_daemon_config"], "labels": ["site=predicted"]}
    came = {
        ("daemon key", "labels", "create"),
        ("file", "/etc/docker/daemon.json", "change"),
        ("engine", "docker", "reload"),
    }
    return {"docker_host_daemon_config": wanted}, came


def new_bucket_and_key(_stand: Stand) -> tuple[dict, set]:
    """A bucket, and a key that may read it."""
    grants = [{"key_id": KEY["id"], "read": True}]
    variables = {"garage_storage_keys": [KEY], "garage_storage_buckets": [{"name": "archive", "grants": grants}]}
    return variables, {("bucket", "archive", "create"), ("key", "archive", "create")}


def image(stand: Stand) -> tuple[dict, set]:
    """The same image under another tag."""
    reference = another_tag(stand, "redis", "predicted")
    return {"redis_image": reference}, {REDIS, ("image", reference, "pull")}


def secret(_stand: Stand) -> tuple[dict, set]:
    """A secret that a service reads from a file."""
    came = {GARAGE, ("file", "/opt/aistack/garage/secrets/metrics_token", "change")}
    return {"garage_storage_metrics_token": RANDOM}, came


def token_and_port_of_the_admin(_stand: Stand) -> tuple[dict, set]:
    """How Garage is asked, which a check run has to ask in the old way."""
    came = {GARAGE, ("file", "/opt/aistack/garage/secrets/admin_token", "change")}
    return {"garage_storage_admin_token": RANDOM, "garage_storage_admin_port": 3993}, came


def another_user(_stand: Stand) -> tuple[dict, set]:
    """A user whose password is yet to be made."""
    return {"auth_users": [ADMIN, {"name": "second"}]}, {GATEWAY, GATEWAY_ENV}


def removed_user(_stand: Stand) -> tuple[dict, set]:
    """The user of the step before is gone."""
    return {}, {GATEWAY, GATEWAY_ENV}


def capacity(_stand: Stand) -> tuple[dict, set]:
    """The layout."""
    return {"garage_storage_capacity": "21G"}, {("layout", "garage", "apply")}


def bucket_facet(_stand: Stand) -> tuple[dict, set]:
    """A quota of the bucket that is there."""
    return {"garage_storage_buckets": [{"name": "archive", "quotas": {"max_objects": 7}}]}, {
        ("bucket", "archive", "change")
    }


def port(_stand: Stand) -> tuple[dict, set]:
    """The gateway's port, which the edge has to follow."""
    return {"gateway_port": 8088}, {GATEWAY, CADDYFILE, RELOADED}


def auth_mode(_stand: Stand) -> tuple[dict, set]:
    """Nobody has to sign in, and results are public."""
    return {"auth_mode": "none", "auth_allow_open": True}, {GATEWAY, GATEWAY_ENV, CADDYFILE, RELOADED}


def drift_by_hand(stand: Stand) -> tuple[dict, set]:
    """Somebody changed files, modes, a limit, a kernel setting, an owner and a bucket, and a run was cut off."""
    stand.on_host(
        "echo '# mine' >> /opt/aistack/redis/redis/redis.conf && echo mine > /opt/aistack/docling/mine"
        " && touch /opt/aistack/docling/.aistack-new-half && chmod 0777 /opt/aistack/docling/env"
        " && docker update --memory 900m --memory-swap 900m aistack_garage-garage-1"
        " && sysctl -w net.core.somaxconn=1000 && chown 5:5 /var/lib/docker/volumes/aistack_redis_data/_data"
        " && chmod 0644 /opt/aistack/garage/secrets/rpc_secret"
        " && docker exec aistack_garage-garage-1 /garage bucket website --deny reflow-results"
    )
    return {}, {
        REDIS,
        ("file", "/opt/aistack/redis/redis/redis.conf", "change"),
        ("file", "/opt/aistack/docling/mine", "remove"),
        ("leftover", "/opt/aistack/docling/.aistack-new-half", "remove"),
        ("folder", "/opt/aistack/docling/env", "change"),
        GARAGE,
        ("file", "/opt/aistack/garage/secrets/rpc_secret", "change"),
        ("sysctl", "net.core.somaxconn", "change"),
        ("volume", "aistack_redis_data", "own"),
        ("bucket", "reflow-results", "change"),
    }


STEPS = {
    "drift by hand, env value, TLS mode, daemon key, bucket and key": [
        drift_by_hand,
        env_value,
        tls_mode,
        daemon_key,
        new_bucket_and_key,
    ],
    "image, secret, user": [image, secret, another_user],
    "removed user, port, port and token of the admin, layout, bucket": [
        removed_user,
        port,
        token_and_port_of_the_admin,
        capacity,
        bucket_facet,
    ],
    "auth mode, limit": [auth_mode, limit],
}


@pytest.fixture(scope="module")
def changing(converged: Stand) -> Iterator[Stand]:
    """The converged host, whose inventory each step changes; what the plain inventory does not take back is removed at the end."""
    yield converged
    converged.converge()
    stored = converged.state()["garage"]
    commands = ["bucket delete --yes archive"] if "archive" in stored["buckets"] else []
    commands += [f"key delete --yes {KEY['id']}"] if KEY["id"] in stored["keys"] else []
    for command in commands:
        converged.on_host(f"docker exec aistack_garage-garage-1 /garage {command}")


@pytest.mark.parametrize("step", STEPS)
def test_changes_of_the_inventory(changing: Stand, step: str) -> None:
    variables: dict[str, Any] = {}
    expected: set[tuple[str, str, str]] = set()
    for change in STEPS[step]:
        wanted, came = change(changing)
        variables.update(wanted)
        expected |= came
    assert both_runs(changing, variables) >= expected


def test_nothing(changing: Stand) -> None:
    """With the inventory as it is there is nothing to foretell, and nothing to do."""
    changing.converge()
    assert both_runs(changing) == set()


def own_certificate(stand: Stand) -> tuple[str, str]:
    """A certificate for the host's address that vouches for itself, and its key; made once for the inventory."""
    certificate, key = stand.inventory.parent / f"{stand.name}.crt", stand.inventory.parent / f"{stand.name}.key"
    if not certificate.exists():
        command = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "30",
        ]
        command += ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=predicted"]
        subprocess.run([*command, "-addext", f"subjectAltName=IP:{stand.address}"], check=True, capture_output=True)
    return certificate.read_text(encoding="utf-8"), key.read_text(encoding="utf-8")
