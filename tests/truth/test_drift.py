# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hands do to a host is found by drift.yml, which changes nothing, and put right by site.yml."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from truthbed import state
from truthbed.stand import ROOT, Run, Stand

APPS = "/opt/aistack"
CANARY = "canary-of-the-drift-test-4711"
TEMP, RESULTS = "reflow-temp", "reflow-results"

# On the host: garage POST Operation '{"query": ...}' '{"body": ...}' asks its admin API. B_TEMP, B_RESULTS, KEY and NODE are ids.
TOOLS = r"""
set -eu
cat > /tmp/garage-call <<'PYTHON'
import json, sys, urllib.parse, urllib.request
method, operation, query, body = sys.argv[1:5]
token = open("/opt/aistack/garage/secrets/admin_token").read().strip()
url = "http://127.0.0.1:3903/v2/" + operation + "?" + urllib.parse.urlencode(json.loads(query))
data = None if method == "GET" else body.encode()
headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
answer = urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)).read()
print(eval(sys.argv[5], {"a": json.loads(answer)}) if len(sys.argv) > 5 else "")
PYTHON
garage() { python3 /tmp/garage-call "$@"; }
bucket() { garage GET GetBucketInfo "{\"globalAlias\": \"$1\"}" '' 'a["id"]'; }
ours() { docker ps -aq --filter "label=com.docker.compose.project=aistack_$1"; }
top() { docker volume inspect -f '{{.Mountpoint}}' "$1"; }
cd /opt/aistack
"""


@dataclass(frozen=True)
class Deed:
    """Something done by hand, and how drift.yml tells it: kind and name, and what stands among the reasons."""

    kind: str
    name: str
    script: str
    why: str = ""


ENGINE_FILE = (
    'python3 -c \'import json; p = "/etc/docker/daemon.json"; c = json.load(open(p)); {}; json.dump(c, open(p, "w"))\''
)

# While everything runs.
FIRST = [
    Deed("file", f"{APPS}/caddy/caddy/Caddyfile", "echo '# by hand' >> caddy/caddy/Caddyfile", "content"),
    Deed("file", f"{APPS}/docling/compose.yml", "chmod 666 docling/compose.yml", "owner or mode"),
    Deed("file", f"{APPS}/garage/compose.yml", "chown 1000 garage/compose.yml", "owner or mode"),
    Deed("file", f"{APPS}/gateway/env/api-gateway.env", f"echo BY_HAND={CANARY} >> gateway/env/api-gateway.env", "content"),
    Deed("file", f"{APPS}/redis/secrets/password", f"sed -i s/.*/{CANARY}/ redis/secrets/password", "content"),
    Deed("file", f"{APPS}/garage/secrets/rpc_secret", "chmod 444 garage/secrets/rpc_secret", "owner or mode"),
    Deed("file", f"{APPS}/gateway/compose.override.yml", "rm gateway/compose.override.yml", "content"),
    Deed("file", f"{APPS}/caddy/caddy/extra.conf", "echo '# by hand' > caddy/caddy/extra.conf", "put there by hand"),
    Deed("file", f"{APPS}/docling/.env", f"echo BY_HAND={CANARY} > docling/.env", "put there by hand"),
    Deed("folder", f"{APPS}/garage/", "chmod 755 garage", "owner or mode"),
    Deed("folder", f"{APPS}/redis/secrets", "chmod 777 redis/secrets", "owner or mode"),
    Deed("service", "redis/redis", "docker network connect bridge $(ours redis)", "networks changed by hand"),
    Deed("service", "redis/redis", "true", "content of secrets/password"),
    Deed("service", "gateway/api-gateway", "docker update --memory 1g --memory-swap 1g $(ours gateway)", "memory limit"),
    Deed("service", "gateway/api-gateway", "docker update --cpus 1.5 $(ours gateway)", "CPU"),
    Deed("service", "garage/garage", "docker update --restart no $(ours garage)", "restart policy changed by hand"),
    Deed("service", "caddy/caddy", "true", "content of caddy/"),
    Deed(
        "service",
        "docling/docling-serve",
        "docker compose --project-directory docling -f docling/compose.yml -f docling/compose.override.yml"
        " up -d --no-recreate --scale docling-serve=2 2>/dev/null",
        "further container aistack_docling-docling-serve-",
    ),
    Deed(
        "image",
        "aistack/gateway-api-gateway:",
        "docker tag $(docker inspect -f '{{.Image}}' $(ours redis))"
        " $(docker inspect -f '{{.Config.Image}}' $(ours gateway))",
    ),
    Deed("volume", "aistack_redis_data", "chown 0:0 $(top aistack_redis_data)"),
    Deed("daemon key", "live-restore", ENGINE_FILE.format('c["live-restore"] = False')),
    Deed("daemon key", "log-driver", ENGINE_FILE.format('del c["log-driver"]')),
    Deed("sysctl", "net.core.somaxconn", "sysctl -qw net.core.somaxconn=128"),
    Deed("file", "/etc/sysctl.d/90-aistack.conf", "rm /etc/sysctl.d/90-aistack.conf"),
    Deed("file", "/etc/needrestart/conf.d/50-aistack-docker.conf", "echo >> /etc/needrestart/conf.d/50-aistack-docker.conf"),
    Deed("engine", "docker", "systemctl -q disable docker.service 2>/dev/null", "not enabled"),
    Deed("bucket", TEMP, f"garage POST DeleteBucket '{{\"id\": \"'$(bucket {TEMP})'\"}}' ''"),
    Deed("bucket", RESULTS, f"garage POST UpdateBucket '{{\"id\": \"'$(bucket {RESULTS})'\"}}' '{{\"websiteAccess\": {{\"enabled\": false}}}}'", "website"),
    Deed("bucket", RESULTS, f"garage POST UpdateBucket '{{\"id\": \"'$(bucket {RESULTS})'\"}}' '{{\"lifecycleRules\": []}}'", "lifecycle"),
    Deed("bucket", RESULTS, f"garage POST UpdateBucket '{{\"id\": \"'$(bucket {RESULTS})'\"}}' '{{\"corsRules\": []}}'", "cors"),
    Deed(
        "bucket",
        RESULTS,
        "K=$(garage POST CreateKey '{}' '{\"name\": \"by-hand\"}' 'a[\"accessKeyId\"]')\n"
        f"garage POST AllowBucketKey '{{}}' '{{\"bucketId\": \"'$(bucket {RESULTS})'\", \"accessKeyId\": \"'$K'\","
        ' "permissions": {"read": true, "write": true, "owner": true}}\'',
        "grant GK",
    ),
    Deed(
        "key",
        "gateway",
        "K=$(garage GET ListKeys '{}' '' '[k[\"id\"] for k in a if k[\"name\"] == \"gateway\"][0]')\n"
        "garage POST UpdateKey '{\"id\": \"'$K'\"}' '{\"name\": \"renamed\"}'",
        "name",
    ),
    Deed(
        "layout",
        "garage",
        "N=$(garage GET GetClusterLayout '{}' '' 'a[\"roles\"][0][\"id\"]')\n"
        "V=$(garage GET GetClusterLayout '{}' '' 'a[\"version\"] + 1')\n"
        'garage POST UpdateClusterLayout \'{}\' \'{"roles": [{"id": "\'$N\'", "zone": "dc1", "capacity": 5000000000, "tags": []}]}\'\n'
        "garage POST ApplyClusterLayout '{}' '{\"version\": '$V'}'",
        "node",
    ),
]  # fmt: skip

# With something away; what cannot be asked then is a note.
SECOND = [
    Deed("service", "redis/redis", "docker stop $(ours redis)", "not running (exited"),
    Deed("service", "gateway/api-gateway", "docker rm -f $(ours gateway)", "no container"),
    Deed("service", "caddy/caddy", "docker pause $(ours caddy)", "not running (paused)"),
    Deed("file", f"{APPS}/garage/secrets/metrics_token", "rm garage/secrets/metrics_token"),
    Deed("service", "docling/docling-serve", "true", "networks changed by hand"),
    Deed(
        "network",
        "aistack",
        "for c in $(ours docling) $(ours garage) $(ours redis); do docker network disconnect -f aistack $c; done\n"
        "docker network rm aistack",
    ),
]  # fmt: skip

# What stays as it is and is told: a restart, a listener, a published port, a container of docker compose run.
NOTES = r"""
docker restart $(ours docling)
systemd-run -q --unit=by-hand-listener python3 -m http.server 8099
docker run -d --name by-hand-published -p 8098:6379 $(docker inspect -f '{{.Image}}' $(ours redis))
docker compose --project-directory docling -f docling/compose.yml -f docling/compose.override.yml run -d --no-deps \
  --name by-hand-one-off --entrypoint true docling-serve 2>/dev/null
"""
NOTES_AWAY = """
systemctl stop by-hand-listener
docker rm -f by-hand-published by-hand-one-off
"""


def do(stand: Stand, deeds: list[Deed], more: str = "") -> None:
    """Do things by hand, in the order of the list."""
    stand.on_host("\n".join([TOOLS, *(deed.script for deed in deeds), more]))


def still(stand: Stand) -> dict[str, Any]:
    """The host's whole state but the health of its containers, which goes on to change without anybody's doing."""
    seen = stand.state()
    for container in seen["containers"].values():
        container.pop("health")
    return seen


def look(stand: Stand, tmp_path: Path, *extra: str, **more: Any) -> tuple[Run, dict[str, Any]]:
    """Play drift.yml; return the run and its JSON."""
    report = tmp_path / "drift.json"
    run = stand.play("drift", "-e", f"drift_json={report}", *extra, **more)
    return run, json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}


def missed(deeds: list[Deed], found: dict[str, Any], text: str) -> list[Deed]:
    """The deeds that are not in the JSON, or not in the table."""
    return [deed for deed in deeds if not (is_told(deed, found["drift"]) and is_shown(deed, text))]


def is_told(deed: Deed, drift: list[dict[str, Any]]) -> bool:
    return any(
        entry["kind"] == deed.kind and entry["name"].startswith(deed.name) and deed.why in ", ".join(entry["why"])
        for entry in drift
    )


def is_shown(deed: Deed, text: str) -> bool:
    return any(deed.kind in line and deed.name in line and deed.why in line for line in text.splitlines())


def secrets(stand: Stand) -> list[str]:
    """Every secret value in the store, and the one that the deeds put into files."""
    store = yaml.safe_load((stand.inventory / ".secrets.yml").read_text(encoding="utf-8"))
    # The id of an access key is no secret, and grants are told by it.
    return [CANARY, *(entry["value"] for name, entry in store["secrets"].items() if not name.endswith("_key_id"))]


@pytest.fixture
def noted(stand: Stand) -> Iterator[Stand]:
    """A host on which things are made that are told and are no drift. A run that was killed may have left them."""
    stand.on_host(NOTES_AWAY, check=False)
    yield stand
    stand.on_host(NOTES_AWAY, check=False)


def test_hands_are_found_nothing_is_changed_and_site_puts_it_right(noted: Stand, tmp_path: Path) -> None:
    do(noted, FIRST, NOTES)
    before = still(noted)
    run, found = look(noted, tmp_path)
    assert state.differences(before, still(noted)) == []
    assert run.rc == 2, run.output
    assert missed(FIRST, found, run.output) == []
    assert found["errors"] == []
    told = json.dumps(found) + run.output
    assert [value for value in secrets(noted) if value in told] == []
    notes = {(note["kind"], note["name"]) for note in found["notes"]}
    assert notes >= {
        ("restart", "aistack_docling-docling-serve-1"),
        ("port", "tcp/8099"),
        ("port", "tcp/8098"),
        ("container", "by-hand-one-off"),
    }
    assert not [note for note in found["notes"] if note["name"] in ("tcp/22", "tcp/80", "tcp/443", "udp/443")]
    print(f"drift: {len(FIRST)} deeds done by hand, {len(found['drift'])} differences told in {run.seconds:.1f} s")

    noted.converge()
    run, found = look(noted, tmp_path)
    assert (run.rc, found["outcome"], found["drift"], found["errors"]) == (0, "none", [], []), run.output
    assert "No drift: 1 host as the inventory says." in run.output


def test_what_is_away_is_found_by_make_drift_and_put_right(stand: Stand, tmp_path: Path) -> None:
    do(stand, SECOND)
    before = still(stand)
    done = subprocess.run(
        [sys.executable, "tools/drift.py"],
        cwd=ROOT,
        env={**stand.environment(tmp_path / "ledger"), "INVENTORY": str(stand.inventory)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert state.differences(before, still(stand)) == []
    assert done.returncode == 2, done.stdout + done.stderr
    found = json.loads((ROOT / ".cache" / "drift.json").read_text(encoding="utf-8"))
    assert missed(SECOND, found, done.stdout) == []

    stand.converge()
    run, found = look(stand, tmp_path)
    assert (run.rc, found["drift"]) == (0, []), run.output


def test_an_engine_that_is_off_is_an_error_and_is_not_started(stand: Stand, tmp_path: Path) -> None:
    stand.on_host("systemctl stop docker.service; systemctl start docker.socket")
    try:
        run, found = look(stand, tmp_path)
        assert "inactive" in stand.on_host("systemctl is-active docker.service", check=False)
    finally:
        stand.on_host("systemctl start docker.service")
    assert run.rc == 1, run.output
    assert "The engine of this host does not run (docker.service is inactive)" in run.output
    assert [entry["name"] for entry in found["drift"]] == ["docker"]


def test_a_host_that_is_away_hides_nothing_of_the_others(stand: Stand, tmp_path: Path) -> None:
    other = stand.inventory / "zz-other.yml"
    hosts = {"away": {"ansible_host": stand.address, "ansible_port": 9}}
    other.write_text(json.dumps({"docker_host": {"hosts": hosts}}), encoding="utf-8")
    stand.on_host("mv /etc/sysctl.d/90-aistack.conf /root")
    try:
        run, found = look(stand, tmp_path)
    finally:
        other.unlink()
        stand.on_host("mv /root/90-aistack.conf /etc/sysctl.d")
    assert run.rc == 1, run.output
    assert [(entry["host"], entry["name"]) for entry in found["drift"]] == [
        (stand.name, "/etc/sysctl.d/90-aistack.conf")
    ]
    assert [entry["host"] for entry in found["errors"]] == ["away"]
    assert "Not everything could be looked at: 1 error on 1 host; 1 difference found besides." in run.output


def test_a_wrong_value_and_a_report_that_cannot_be_written_are_told_in_a_sentence_each(
    stand: Stand, tmp_path: Path
) -> None:
    run, found = look(stand, tmp_path / "none", variables={"garage_storage_capacity": "plenty"})
    assert (run.rc, found) == (1, {}), run.output
    assert "garage_storage_capacity is 'plenty'" in run.output
    assert "which cannot be written (No such file or directory)" in run.output


def test_where_nothing_is_looked_at_nothing_is_called_clean(stand: Stand) -> None:
    run = stand.play("drift", "--tags", "none")
    assert (run.rc, "Nothing was looked at" in run.output) == (1, True), run.output
