# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stack by pyinfra, for comparison: pyinfra inventory.py deploy.py, with AISTACK_BENCH_VARS naming the variables' file."""

import io
import json
import os
from pathlib import Path

from pyinfra.operations import apt, docker, files, server, systemd
from pyinfra.operations.util import any_changed

HERE = Path(__file__).resolve().parent
TEMPLATES = HERE.parent / "usual_way" / "templates"
V = json.loads(Path(os.environ["AISTACK_BENCH_VARS"]).read_text(encoding="utf-8"))
STACK, ROOT, PORTS, SECRETS = V["stack"], V["root"], V["ports"], V["secrets"]


def rendered(name, dest, mode="600", **more):
    """Write a template of the stack. Every operation has a name, since pyinfra shows its arguments otherwise."""
    data = {**V, **more}
    return files.template(name=f"Write {dest}", src=str(TEMPLATES / f"{name}.j2"), dest=dest, mode=mode, **data)


def folders(app, owners):
    """Have the folders of an app, as name to (owner, mode)."""
    for name, (owner, mode) in owners.items():
        files.directory(name=f"Folder {app}/{name}", path=f"{ROOT}/{app}/{name}", user=owner, mode=mode)


def secret(app, name, content, owner):
    """Write a secret for the user of its container."""
    path = f"{ROOT}/{app}/secrets/{name}"
    return files.put(name=f"Secret {app}/{name}", src=io.StringIO(content), dest=path, user=owner, mode="400")


def start(app, *mounted):
    """Start a compose project, and have it read again what is mounted into it."""
    docker.compose(name=f"Start {app}", project_directory=f"{ROOT}/{app}", project_name=f"{STACK}_{app}")
    if mounted:
        command = f"docker compose --project-directory {ROOT}/{app} --project-name {STACK}_{app} restart"
        server.shell(name=f"Restart {app}", commands=[command], _if=any_changed(*mounted))


def engine():
    apt.packages(name="Packages", packages=V["packages"], update=True, cache_time=86400, no_recommends=True)
    configured = files.put(
        name="Engine configuration", src=io.StringIO(V["engine_config"]), dest="/etc/docker/daemon.json", mode="644"
    )
    kernel = rendered("sysctl.conf", f"/etc/sysctl.d/90-{STACK}.conf", mode="644")
    server.shell(
        name="Kernel settings", commands=[f"sysctl -e -p /etc/sysctl.d/90-{STACK}.conf"], _if=kernel.did_change
    )
    rendered("needrestart.conf", f"/etc/needrestart/conf.d/50-{STACK}.conf", mode="644")
    systemd.service(name="Start the engine", service="docker.service", running=True, enabled=True)
    systemd.service(name="Restart the engine", service="docker.service", restarted=True, _if=configured.did_change)
    docker.network(name="Network", network=V["network"])
    # pyinfra compares owners by name, so the containers' users get one.
    for name, uid in (("redis", 999), ("garage", 10390), ("caddy", 10080)):
        server.user(name=f"User {name}", user=f"app-{name}", uid=uid, ensure_home=False)


def redis():
    folders("redis", {"conf": ("root", "755"), "secrets": ("root", "711"), "data": ("app-redis", "700")})
    configured = rendered("redis.conf", f"{ROOT}/redis/conf/redis.conf", mode="644")
    login = secret("redis", "auth.conf", f'requirepass "{SECRETS["redis_password"]}"\n', "app-redis")
    password = secret("redis", "password", SECRETS["redis_password"], "app-redis")
    rendered("redis.compose.yml", f"{ROOT}/redis/compose.yml")
    start("redis", configured, login, password)


def garage():
    owners = {
        "conf": ("root", "755"),
        "secrets": ("root", "711"),
        "meta": ("app-garage", "700"),
        "data": ("app-garage", "700"),
    }
    folders("garage", owners)
    mounted = [rendered("garage.toml", f"{ROOT}/garage/conf/garage.toml", mode="644")]
    mounted += [
        secret("garage", name, SECRETS[name], "app-garage") for name in ("rpc_secret", "admin_token", "metrics_token")
    ]
    rendered("garage.compose.yml", f"{ROOT}/garage/compose.yml")
    start("garage", *mounted)
    # Layout, key and buckets are read first and written only where they are missing.
    files.put(name="Script for Garage", src=str(HERE / "garage.py"), dest=f"{ROOT}/garage/garage.py", mode="700")
    wanted = {name: V[name] for name in ("ports", "buckets", "secrets")}
    files.put(
        name="Input of the script", src=io.StringIO(json.dumps(wanted)), dest=f"{ROOT}/garage/wanted.json", mode="600"
    )
    server.shell(
        name="Layout, key and buckets", commands=[f"python3 {ROOT}/garage/garage.py {ROOT}/garage/wanted.json"]
    )


def docling():
    files.directory(name="Folder docling", path=f"{ROOT}/docling", mode="700")
    rendered("app.env", f"{ROOT}/docling/docling.env", env=V["docling_env"])
    rendered("docling.compose.yml", f"{ROOT}/docling/compose.yml")
    start("docling")


def gateway():
    files.directory(name="Folder gateway", path=f"{ROOT}/gateway", mode="700")
    rendered("app.env", f"{ROOT}/gateway/gateway.env", env=V["gateway_env"])
    rendered("gateway.compose.yml", f"{ROOT}/gateway/compose.yml")
    start("gateway")
    url = f"http://127.0.0.1:{PORTS['gateway']}/health/ready"
    server.shell(
        name="Gateway is ready",
        commands=[f"curl -fsS --retry 300 --retry-delay 1 --retry-all-errors -o /dev/null {url}"],
    )


def caddy():
    folders("caddy", {"conf": ("root", "755"), "data": ("app-caddy", "700"), "run": ("app-caddy", "700")})
    configured = rendered("Caddyfile", f"{ROOT}/caddy/conf/Caddyfile", mode="644")
    rendered("caddy.compose.yml", f"{ROOT}/caddy/compose.yml")
    start("caddy")
    reload = "caddy reload --config /etc/caddy/Caddyfile --adapter caddyfile --address unix//run/caddy/admin.sock"
    server.shell(
        name="Reload Caddy",
        commands=[
            f"docker compose --project-directory {ROOT}/caddy --project-name {STACK}_caddy exec -T caddy {reload}"
        ],
        _if=configured.did_change,
        _retries=10,
        _retry_delay=1,
    )
    ca = f"{ROOT}/caddy/data/caddy/pki/authorities/local/root.crt"
    url = f"https://{V['address']}:{PORTS['https']}/healthz"
    server.shell(
        name="Site answers",
        commands=[f"curl -fsS --cacert {ca} --retry 60 --retry-delay 1 --retry-all-errors -o /dev/null {url}"],
    )


for part in (engine, redis, garage, docling, gateway, caddy):
    part()
