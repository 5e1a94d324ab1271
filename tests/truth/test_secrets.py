# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret is where it is not needed: not in what a run says or hands on, not in process lists, files, images and logs.

Every secret that the stack has is set to a value that is found again in any spelling (truthbed.canary). A site is checked
and converged with them, a service that prints its own secrets fails, and then everything is searched.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from truthbed.canary import Canaries
from truthbed.secret_run import Aftermath, examine
from truthbed.stand import Stand

GATEWAY = "aistack_gateway-api-gateway-1"
RUNS = ["check", "real", "failing", "failing, files on the host"]
FAILING = RUNS[2:]

#: Where a secret rightly is in the environment of a container. The gateway takes all of its settings from there, by its
#: contract; nobody else gets a secret that way.
IN_ENVIRONMENT = {
    GATEWAY: {
        "redis_password", "gateway_s3_secret of the store", "auth_secret_key", "auth_api_keys", "auth_api_key_kept",
        "auth_oidc_providers", "gateway_anthropic_api_key", "gateway_extra_env",
    }
}  # fmt: skip
#: What the gateway of before had there, which runs on until the new one takes its place.
BEFORE = {f"{name} of the store" for name in ("redis_password", "auth_secret_key", "gateway_s3_secret")}
#: Redis' client takes its password from its environment, in the container of Redis, for as long as a healthcheck lasts.
HEALTHCHECK = {("aistack_redis-redis-1", "redis-cli"), ("aistack_redis-redis-1", "sh")}

#: Every place on the host where a secret rightly lies: path, mode, owner, and which.
_APP = r"/opt/aistack/{}/(releases/\d+/)?{}"
ON_HOST = [
    (_APP.format("redis", r"secrets/(auth\.conf|password)"), "0400", 999, {"redis_password"}),
    (_APP.format("garage", "secrets/rpc_secret"), "0400", 10390, {"garage_storage_rpc_secret"}),
    (_APP.format("garage", "secrets/admin_token"), "0400", 10390, {"garage_storage_admin_token"}),
    (_APP.format("garage", "secrets/metrics_token"), "0400", 10390, {"garage_storage_metrics_token"}),
    (_APP.format("caddy", "secrets/certificate_key"), "0400", 10080, {"caddy_tls_key"}),
    (_APP.format("gateway", r"env/api-gateway\.env"), "0600", 0, IN_ENVIRONMENT[GATEWAY]),
    # The failed service, which is still there to be looked at, and what it wrote into its own log.
    (_APP.format("leaky", r"env/leaky\.env"), "0600", 0, {"leaky_token", "leaky_password", "leaky_key"}),
    (_APP.format("leaky", "secrets/file"), "0400", 65534, {"leaky_file"}),
]
#: What the engine and Garage keep for themselves, which nobody else can read: the first two hold the environment of containers.
KEPT_BY_OTHERS = [
    r"/var/lib/docker/containers/[0-9a-f]{64}/config\.v2\.json",
    r"/run/(docker/)?containerd/.*/[0-9a-f]{64}/config\.json",
    r"/var/lib/docker/containers/LEAKY/local-logs/container\.log.*",
    r"/var/lib/docker/volumes/aistack_garage_meta/_data/.*",
]


@pytest.fixture(scope="module")
def found(converged: Stand, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    """The runs, and what was found after them."""
    yield from examine(converged, tmp_path_factory.mktemp("secrets"))


def test_the_runs_were_what_they_should_be(found: Aftermath) -> None:
    assert found.runs["check"].rc == 0, found.runs["check"].output[-2000:]
    assert found.runs["real"].rc == 0, found.runs["real"].output[-2000:]
    changed = {name for kind, name, _action in found.runs["real"].things if kind == "service"}
    assert changed == {"redis/redis", "garage/garage", "gateway/api-gateway", "caddy/caddy"}
    for what in FAILING:
        assert found.runs[what].rc != 0
        assert "leaky" in found.runs[what].failures[0]


@pytest.mark.parametrize("what", RUNS)
def test_what_a_run_prints(found: Aftermath, what: str) -> None:
    """With -vvv and --diff."""
    output = found.runs[what].output
    assert "TASK [" in output
    assert found.canaries.found_in(output) == set(), found.canaries.places_in(output)


@pytest.mark.parametrize("what", RUNS)
def test_what_callback_plugins_are_given(found: Aftermath, what: str) -> None:
    """Results, tasks and the options of modules; a plugin could send them anywhere."""
    told = found.witnessed[what]
    assert '"task"' in told
    assert '"args"' in told
    assert found.canaries.found_in(told) == set(), found.canaries.places_in(told)


def test_secrets_are_told_by_the_beginning_of_a_digest(found: Aftermath) -> None:
    """In differences and in options alike, so that a reader sees that one changed."""
    told = found.witnessed["real"]
    assert re.search(r"AUTH_SECRET_KEY=sha256:[0-9a-f]{8}\b", told)
    assert re.search(r'"content": "sha256:[0-9a-f]{8}"', told)
    assert not re.search(r"AUTH_SECRET_KEY=(?!sha256:[0-9a-f]{8}\\n)", told)


@pytest.mark.parametrize("what", FAILING)
def test_a_service_that_prints_its_secrets_is_quoted_without_them(found: Aftermath, what: str) -> None:
    message = found.runs[what].failures[0]
    assert "Last lines of leaky" in message
    assert message.count("********") >= 16, message
    for kind in ("plain", "in a header", "in a URL", "in JSON", "in a shell"):
        assert kind in message


@pytest.mark.parametrize("where", ["controller", "host", "host, without pipelining"])
def test_process_lists(found: Aftermath, where: str) -> None:
    """Arguments of no process, and the environment of those alone that need it, at any moment of the run."""
    seen = found.processes[where]
    assert seen["passes"] >= 50
    wrong = []
    for process in seen["found"]:
        container = found.known_containers.get(process["container"], "")
        if process["where"] == "environment":
            allowed = IN_ENVIRONMENT[container] | BEFORE if container in IN_ENVIRONMENT else set()
            if (container, process["comm"]) in HEALTHCHECK:
                allowed = {"redis_password", "redis_password of the store"}
            if "leaky" in container:
                allowed = {"leaky_token", "leaky_password", "leaky_key"}
            if set(process["names"]) <= allowed:
                continue
        wrong.append((container, process))
    assert wrong == []
    assert seen["open_folders"] == []


def test_no_container_is_shown_a_secret_that_it_does_not_need(found: Aftermath) -> None:
    """docker inspect, which also tells the environment."""
    shown = {name: found.canaries.found_in(str(container)) for name, container in found.containers.items()}
    assert {name: names for name, names in shown.items() if names} == IN_ENVIRONMENT


def test_secret_files_belong_to_their_service(found: Aftermath) -> None:
    owners = {"redis": 999, "garage": 10390, "caddy": 10080}
    assert {path.split("/")[3] for _mode, _owner, path in found.app_files} >= {*owners, "gateway"}
    for mode, owner, path in found.app_files:
        wanted = ("600", 0) if "/env/" in path else ("400", owners[path.split("/")[3]])
        assert (mode, owner) == wanted, path


def test_files_of_the_host(found: Aftermath) -> None:
    """The whole file system: a secret lies where it must and nowhere else, and no one else can read it there."""
    assert found.on_host["searched"] > 100
    leaky = [key for key, name in found.known_containers.items() if "leaky" in name]
    kept = [pattern.replace("LEAKY", f"({'|'.join(leaky)})") for pattern in KEPT_BY_OTHERS]
    wrong = []
    for file in found.on_host["files"]:
        declared = [row for row in ON_HOST if re.fullmatch(row[0], file["path"])]
        fits = any(
            (file["mode"], file["uid"]) == (mode, owner) and set(file["names"]) <= {*names, "in base64"}
            for _path, mode, owner, names in declared
        ) or any(re.fullmatch(pattern, file["path"]) for pattern in kept)
        if file["open"] or not fits:
            wrong.append(file)
    assert wrong == []


def test_images_and_logs_of_the_host(found: Aftermath) -> None:
    """The journal, the engine's events, containers' logs, and the image that was built here with its history and layers."""
    commands = found.on_host["commands"]
    assert {"journal", "events", "image", "history", "layers", f"log of {GATEWAY}"} <= set(commands)
    assert {label: names for label, names in commands.items() if names} == {}


def test_what_the_controller_keeps(found: Aftermath) -> None:
    """Log, retry files, facts, temporary files and the inventory's folder: the store alone, for its owner alone."""
    files = {file["path"].rpartition("/")[2]: file for file in found.on_controller["files"]}
    assert set(files) == {".secrets.yml"}
    assert files[".secrets.yml"]["mode"] == "0600"
    assert found.on_controller["searched"] >= 5


def test_nobody_is_let_in_meanwhile(found: Aftermath) -> None:
    """While passwords and keys and the mode of signing in are changed, a stranger gets in at no moment."""
    assert found.asked >= 20
    assert found.let_in == []


def test_the_search_finds_what_is_planted(found: Aftermath) -> None:
    """The same searches, with a secret where each of them looks."""
    planted = found.planted
    seen = {process["where"] for process in planted["processes"] if process["names"] == ["planted"]}
    assert seen == {"arguments", "environment"}
    files = {file["path"]: file for file in planted["files"]}
    assert files["/srv/planted/file"]["names"] == ["planted"]
    assert files["/srv/planted/code"]["names"] == ["in base64"]
    assert all(file["open"] for file in files.values())
    assert planted["commands"] == {"journal": ["planted"]}


def test_the_search_knows_every_spelling() -> None:
    """What stands in the output of the run that was meant to fail, had nobody taken it out."""
    canaries = Canaries()
    value = canaries.text("one")
    for spelled in (value, quote(value), json.dumps(value), shlex.quote(value), repr(value)):
        assert canaries.found_in(f"see {spelled} there") == {"one"}
    for before in ("", "u:", "us:"):
        assert canaries.found_in(base64.b64encode(f"{before}{value}".encode()).decode()) == {"in base64"}
