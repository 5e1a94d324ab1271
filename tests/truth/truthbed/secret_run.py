# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run in which every secret can be recognised, watched while it lasts, and all that it leaves."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509

from truthbed.canary import ODD_KEY, Canaries, kept_secrets
from truthbed.front import Front
from truthbed.script import HERE, Script, call
from truthbed.stand import BED, Run, Stand

# Nobody who is not let in gets these: the API, and results.
GATED = ["/api/v1/auth/me", "/api/v1/documents/x", "/s3/reflow-results/x"]
_PLANTED = "/srv/planted"
_REMOVE_LEAKY = "docker compose --project-name aistack_leaky down --timeout 0 2>&1; rm -rf /opt/aistack/leaky"
# Layers of images are searched by themselves; what a container wrote lies above them.
_LAYERS = ["/proc", "/sys", "/dev", "/var/lib/docker/overlay2", "/var/lib/containerd"]


@dataclass
class Aftermath:
    """What was seen and what was left."""

    canaries: Canaries
    #: Runs by what they were: "check", "real", "failing" and "failing, files on the host".
    runs: dict[str, Run] = field(default_factory=dict)
    #: What a callback plugin was given in each of them.
    witnessed: dict[str, str] = field(default_factory=dict)
    #: What watch_processes.py saw on the controller and the host.
    processes: dict[str, Any] = field(default_factory=dict)
    #: What search.py found.
    on_controller: dict[str, Any] = field(default_factory=dict)
    on_host: dict[str, Any] = field(default_factory=dict)
    #: What docker inspect shows of each container, by name.
    containers: dict[str, Any] = field(default_factory=dict)
    #: Names of containers by id, also of those that are gone.
    known_containers: dict[str, str] = field(default_factory=dict)
    #: Modes and owners of the secret and environment files of all apps.
    app_files: list[tuple[str, int, str]] = field(default_factory=list)
    #: Answers to a stranger while the site was changed: how many, and what was no refusal.
    asked: int = 0
    let_in: list[str] = field(default_factory=list)
    planted: dict[str, Any] = field(default_factory=dict)


class Stranger:
    """Somebody without credentials who asks again and again."""

    def __init__(self, address: str, found: Aftermath) -> None:
        self._front = Front(address)
        self._found = found
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._over.wait(0.05):
            for path in GATED:
                with contextlib.suppress(OSError):
                    status = self._front.ask("GET", path).status
                    self._found.asked += 1
                    if status not in (401, 403, 404) and status < 500:
                        self._found.let_in.append(f"{path}: {status}")


class Case:
    """The inventory of the run: all secrets in it and in the prepared store are canaries."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self.canaries = canaries = Canaries()
        self.store = stand.inventory / ".secrets.yml"
        self._kept = self.store.read_bytes()
        self._prepare_store()
        self.key_id = "GK" + secrets.token_hex(12)
        certificate, key = canaries.private_key("caddy_tls_key", x509.IPAddress(ip_address(stand.address)))
        site = yaml.safe_load((stand.inventory / "site.yml").read_text(encoding="utf-8"))["all"]["vars"]
        self.variables: dict[str, Any] = {
            "redis_password": canaries.text("redis_password"),
            "garage_storage_rpc_secret": canaries.hex64("garage_storage_rpc_secret"),
            "garage_storage_admin_token": canaries.word("garage_storage_admin_token"),
            "garage_storage_metrics_token": canaries.word("garage_storage_metrics_token"),
            "garage_storage_keys": [
                {"name": "canary", "id": self.key_id, "secret": canaries.hex64("garage_storage_keys")}
            ],
            "auth_secret_key": canaries.text("auth_secret_key"),
            "auth_api_keys": [{"label": "own", "key": canaries.text("auth_api_keys", ODD_KEY)}, {"label": "kept"}],
            "gateway_ai_provider": "anthropic",
            "gateway_anthropic_api_key": canaries.text("gateway_anthropic_api_key"),
            "gateway_extra_env": {**site["gateway_extra_env"], "PARTNER_TOKEN": canaries.text("gateway_extra_env")},
            "caddy_tls_mode": "files",
            "caddy_tls_certificate": certificate,
            "caddy_tls_key": key,
            "caddy_tls_ca_root": certificate,
            "auth_mode": "oidc",
            "auth_oidc_providers": [
                {
                    "id": "sso",
                    "display_name": "Sign-on",
                    "discovery_url": "https://sso.example.org/.well-known/openid-configuration",
                    "client_id": "aistack",
                    "client_secret": canaries.text("auth_oidc_providers"),
                }
            ],
        }
        #: The same site with users, whose passwords go no further than the records made of them.
        self.with_users: dict[str, Any] = {
            **self.variables,
            "auth_mode": "basic",
            "auth_users": [{"name": "ann", "password": canaries.text("auth_users")}, {"name": "kept"}],
        }
        self.leaky = {
            "leaky_token": canaries.text("leaky_token"),
            "leaky_password": canaries.text("leaky_password"),
            "leaky_key": canaries.text("leaky_key", ODD_KEY),
            "leaky_file": canaries.text("leaky_file"),
        }

    def _prepare_store(self) -> None:
        """Secrets that a person put into the store, and those that a run made there."""
        document = yaml.safe_load(self._kept)
        for name, value in kept_secrets(self._kept.decode()).items():
            self.canaries.given(f"{name} of the store", value)
        document["secrets"]["auth_api_key_kept"] = {
            "value": self.canaries.text("auth_api_key_kept", ODD_KEY), "class": "overlap"
        }  # fmt: skip
        document["secrets"]["auth_password_kept"] = {"value": self.canaries.text("auth_password_kept"), "class": "free"}
        self.store.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")

    def put_right(self) -> None:
        """Leave host and inventory as they were."""
        self.store.write_bytes(self._kept)
        self.stand.on_host(
            "docker compose --project-name aistack_leaky down --timeout 0 2>&1; rm -rf /opt/aistack/leaky"
        )
        self.stand.converge()
        garage = "docker exec aistack_garage-garage-1 /garage -c /etc/garage/garage.toml"
        self.stand.on_host(f"{garage} key delete --yes {self.key_id}")


def examine(stand: Stand, folder: Path) -> Iterator[Aftermath]:
    """Do the runs, search everything, give the findings out, and put host and inventory right."""
    began = time.time() - 1
    case = Case(stand)
    found = Aftermath(case.canaries)
    _name_containers(found, stand)
    order = {"needles": case.canaries.needles}
    host = (BED, "run", stand.name)
    watchers = {
        "controller": Script(HERE, "watch_processes", {**order, "inner": False}),
        "host": Script(host, "watch_processes", {**order, "inner": True}),
    }
    for watcher in watchers.values():
        watcher.wait_for("watching")
    try:
        _run(found, stand, folder, "check", ["--check"], case.with_users)
        with Stranger(stand.address, found):
            _run(found, stand, folder, "real", [], case.variables)
        found.processes = {where: watcher.end() for where, watcher in watchers.items()}
        _look(found, stand)
        _name_containers(found, stand)
        _run(found, stand, folder, "failing", [], case.leaky, "leaky")
        _name_containers(found, stand)
        stand.on_host(_REMOVE_LEAKY)
        piped = {"ANSIBLE_PIPELINING": "0"}
        watcher = Script(host, "watch_processes", {**order, "inner": True})
        watcher.wait_for("watching")
        _run(found, stand, folder, "failing, files on the host", [], case.leaky, "leaky", piped)
        found.processes["host, without pipelining"] = watcher.end()
        _name_containers(found, stand)
        _search(found, stand, folder, began)
        found.planted = plant(stand, case.canaries)
        yield found
    finally:
        case.put_right()


def _run(
    found: Aftermath,
    stand: Stand,
    folder: Path,
    what: str,
    extra: list[str],
    variables: dict[str, Any],
    playbook: str = "site",
    env: dict[str, str] | None = None,
) -> None:
    """One run that tells all it can, with every plugin that keeps something on the controller."""
    witness = folder / f"{what}.witness"
    settings = {
        "ANSIBLE_CALLBACKS_ENABLED": "ledger,witness",
        "AISTACK_WITNESS": str(witness),
        "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(folder / "facts"),
        "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
        "ANSIBLE_RETRY_FILES_ENABLED": "1",
        "ANSIBLE_RETRY_FILES_SAVE_PATH": str(folder / "retry"),
        **(env or {}),
    }
    # The inventory is the person's own file, and theirs to protect.
    found.runs[what] = stand.play(playbook, "-vvv", "--diff", *extra, variables=variables, env=settings)
    stand.play_variables({})
    found.witnessed[what] = witness.read_text(encoding="utf-8")


def _name_containers(found: Aftermath, stand: Stand) -> None:
    """Remember the containers that there are now, as some of them will be gone."""
    rows = stand.on_host("docker ps --all --no-trunc --format '{{.ID}} {{.Names}}'").splitlines()
    found.known_containers.update(row.split() for row in rows)


def _look(found: Aftermath, stand: Stand) -> None:
    """What the engine shows of containers, and the files of the apps."""
    listed = json.loads(stand.on_host("docker inspect $(docker ps --all --quiet)"))
    found.containers = {container["Name"].lstrip("/"): container for container in listed}
    rows = stand.on_host(
        "find /opt/aistack -path '*/secrets/*' -type f -printf '%m %U %p\\n' -o -path '*/env/*' -printf '%m %U %p\\n'"
    )
    found.app_files = [
        (mode, int(owner), path) for mode, owner, path in (row.split(" ", 2) for row in rows.splitlines())
    ]


def _search(found: Aftermath, stand: Stand, folder: Path, began: float) -> None:
    """Every file that changed since, on both machines, and all that the host writes down elsewhere."""
    needles = found.canaries.needles
    names = list(found.containers)
    image = found.containers["aistack_gateway-api-gateway-1"]["Config"]["Image"]
    layers = [container["GraphDriver"]["Data"].get("UpperDir") for container in found.containers.values()]
    found.on_host = call(
        (BED, "run", stand.name),
        "search",
        {
            "needles": needles,
            "roots": ["/", *[layer for layer in layers if layer]],
            "skip": _LAYERS,
            "since": began,
            "commands": {
                "journal": ["journalctl", "--no-pager", "--output=json", "--all"],
                "events": ["sh", "-c", f"docker events --since {int(began)} --until $(date +%s) --format json"],
                "image": ["docker", "image", "inspect", image],
                "history": ["docker", "history", "--no-trunc", image],
                "layers": ["docker", "save", image],
                **{f"log of {name}": ["docker", "logs", name] for name in names},
            },
        },
    )
    home = Path.home()
    found.on_controller = call(
        HERE,
        "search",
        {
            "needles": needles,
            "roots": [str(stand.inventory), str(folder), str(home / ".ansible")],
            "since": began,
        },
    )


def plant(stand: Stand, canaries: Canaries) -> dict[str, Any]:
    """Put one secret where each of the searches looks, to see that they find it."""
    value = canaries.text("planted")
    order = {"needles": canaries.needles, "inner": True}
    place = (BED, "run", stand.name)
    watcher = Script(place, "watch_processes", order)
    watcher.wait_for("watching")
    script = (
        f"umask 022; mkdir {_PLANTED}; cat > {_PLANTED}/file; base64 < {_PLANTED}/file > {_PLANTED}/code;"
        f" PLANTED=$(cat {_PLANTED}/file) sleep 1; sh -c 'sleep 1; :' \"$(cat {_PLANTED}/file)\";"
        f" logger --tag planted < {_PLANTED}/file"
    )
    subprocess.run([*place, "sh", "-c", script], input=value, text=True, check=True)
    found = {"processes": watcher.end()["found"]}
    search = {"needles": canaries.needles, "roots": [_PLANTED], "commands": {"journal": ["journalctl", "--no-pager"]}}
    found.update(call(place, "search", search))
    stand.on_host(f"rm -r {_PLANTED}")
    return found
