# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same stack by other means: its variables, and the commands that play it (see plain/README.md)."""

from __future__ import annotations

import json
import os
import secrets
import string
from pathlib import Path

from . import tools
from .calls import Contender, play
from .host import Host
from .place import BENCH, CACHE

_PLAIN = BENCH / "plain"
_ALPHABET = string.ascii_letters + string.digits
# Behind the collection's own ports, and each stack behind the other.
_PORTS = {"usual": 4000, "pyinfra": 5000}


def usual_way(host: Host) -> Contender:
    """The stack as a plain playbook."""
    variables = _variables(host, "usual")
    playbook = _PLAIN / "usual_way" / "site.yml"
    return play("usual way", host, playbook, "-e", f"@{variables}", collections=tools.COLLECTIONS)


def pyinfra(host: Host) -> Contender:
    """The stack by pyinfra."""
    variables = _variables(host, "pyinfra")
    way = _PLAIN / "pyinfra_way"
    command = [str(tools.PYINFRA), "--yes", str(way / "inventory.py"), str(way / "deploy.py")]
    return Contender("pyinfra", command, {"AISTACK_BENCH_VARS": str(variables)})


def bare_compose(host: Host) -> Contender:
    """What compose itself needs: five `docker compose up -d` of the usual way's projects over one ssh call."""
    apps = ("redis", "garage", "docling", "gateway", "caddy")
    command = " && ".join(
        f"docker compose --project-directory /opt/usual/{app} --project-name usual_{app} up -d" for app in apps
    )
    return Contender("bare compose", host.ssh(command), {})


def ping(host: Host, *extra: str) -> Contender:
    """A play with one ping."""
    return play("ping", host, BENCH / "ping.yml", *extra)


def _variables(host: Host, stack: str, **changed: str) -> Path:
    """Write the variables of a stack and return the file, which its owner alone can read."""
    file = CACHE / f"{stack}.json"
    known = json.loads(file.read_text(encoding="utf-8"))["secrets"] if file.exists() else _secrets()
    first = _PORTS[stack]
    ports = {"s3": first, "web": first + 2, "admin": first + 3, "gateway": first + 80}
    ports.update(http=first + 180, https=first + 443)
    gateway_image = host.run("docker inspect --format '{{.Config.Image}}' aistack_gateway-api-gateway-1").strip()
    values = {
        "stack": stack,
        "root": f"/opt/{stack}",
        "network": stack,
        "address": host.address,
        "ports": ports,
        "packages": ["docker.io", "docker-cli", "docker-compose", "docker-buildx", "python3-requests", "curl"],
        "engine_config": host.run("cat /etc/docker/daemon.json"),
        "sysctls": {"vm.overcommit_memory": 1, "net.core.somaxconn": 4096, "net.ipv4.tcp_migrate_req": 1},
        "images": {
            "redis": host.variables["redis_image"],
            "garage": host.variables["garage_storage_image"],
            "docling": host.variables["docling_image"],
            "caddy": host.variables["caddy_tls_image"],
            "gateway": gateway_image,
        },
        "secrets": known,
        "redis_policy": "noeviction",
        "web_root": ".web.garage",
        "results_bucket": "reflow-results",
        "buckets": _buckets(f"https://{host.address}:{ports['https']}"),
        "docling_env": _DOCLING,
        "gateway_env": {**_gateway(host, known, ports), **changed},
        "pyinfra_host": _pyinfra_host(host),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as written:
        json.dump(values, written, indent=1)
    return file


def change(host: Host, stack: str, name: str, value: str) -> None:
    """Give the gateway of a stack another value in its environment, for the next play."""
    _variables(host, stack, **{name: value})


_DOCLING = {
    "UVICORN_WORKERS": "1",
    "DOCLING_SERVE_ENG_KIND": "local",
    "DOCLING_SERVE_ENG_LOC_NUM_WORKERS": "2",
    "DOCLING_SERVE_ENG_LOC_SHARE_MODELS": "true",
    "DOCLING_SERVE_MAX_SYNC_WAIT": "600",
    "DOCLING_SERVE_MAX_DOCUMENT_TIMEOUT": "1800",
    "DOCLING_SERVE_MAX_NUM_PAGES": "500",
    "DOCLING_SERVE_MAX_FILE_SIZE": "209715200",
    "OMP_NUM_THREADS": "4",
}


def _gateway(host: Host, known: dict[str, str], ports: dict[str, int]) -> dict[str, str]:
    return {
        "ENVIRONMENT": "production",
        "LOG_LEVEL": "INFO",
        "REDIS_URL": f"redis://:{known['redis_password']}@redis:6379/0",
        "DOCLING_SERVE_URL": "http://docling-serve:5001",
        "DOCLING_SERVE_TIMEOUT": "600",
        "MAX_UPLOAD_SIZE": "104857600",
        "MAX_FILE_SIZE_MB": "100",
        "PDF_MAX_PAGES": "50",
        "S3_TEMP_BUCKET": "reflow-temp",
        "S3_RESULTS_BUCKET": "reflow-results",
        "S3_PUBLIC_URL": f"https://{host.address}:{ports['https']}/s3",
        "AWS_REGION": "garage",
        "AWS_ACCESS_KEY_ID": known["key_id"],
        "AWS_SECRET_ACCESS_KEY": known["key_secret"],
        "AWS_ENDPOINT_URL_S3": "http://garage:3900",
        "AWS_EC2_METADATA_DISABLED": "true",
        "DOCLING_DO_OCR": "false",
        "DOCLING_DO_TABLE_STRUCTURE": "false",
        "AUTH_MODE": "none",
    }


def _buckets(site: str) -> list[dict]:
    """The two buckets, in the form in which Garage's admin API returns them."""
    abort = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}, "Status": "Enabled"}
    uploads = {"ID": "expire-uploads", "Expiration": {"Days": 7}, **abort}
    origins = {"AllowedOrigin": [site], "AllowedMethod": ["GET", "HEAD"], "AllowedHeader": ["*"]}
    cors = {**origins, "ExposeHeader": ["ETag"], "MaxAgeSeconds": 3000}
    return [
        {"name": "reflow-temp", "website": False, "lifecycle": [uploads], "cors": []},
        {"name": "reflow-results", "website": True, "lifecycle": [{"ID": "abort-uploads", **abort}], "cors": [cors]},
    ]


def _secrets() -> dict[str, str]:
    return {
        "redis_password": "".join(secrets.choice(_ALPHABET) for _character in range(40)),
        "rpc_secret": secrets.token_hex(32),
        "admin_token": secrets.token_hex(24),
        "metrics_token": secrets.token_hex(24),
        "key_id": f"GK{secrets.token_hex(12)}",
        "key_secret": secrets.token_hex(32),
    }


def _pyinfra_host(host: Host) -> tuple[str, dict[str, str]]:
    return host.address, {
        "ssh_user": "root",
        "ssh_key": str(host.ssh_key),
        "ssh_known_hosts_file": str(host.known_hosts),
        "ssh_strict_host_key_checking": "yes",
    }
