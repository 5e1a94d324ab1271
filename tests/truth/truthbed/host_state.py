# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prints as JSON all of a host that this collection can change. Runs on the host as root, with nothing but Python.

It asks the file system, the engine, Garage and Caddy by itself, so that what it says does not depend on the collection's
own code. Values that may be secrets are shown as digests. What it prints:

files       path: [sha256 (or what else it is), mode, uid, gid]; of our own records without what only tells when (`_record`)
containers  name: how it was made, and state and health, whoever made it
images      reference: digest in the registry, or "local" for one that was built here
networks, volumes  name: driver and labels; for volumes the owner of the folder too
garage      layout, keys and buckets as its admin API tells them; None where it does not run, {"error"} where it refuses
caddy       digest of the configuration that Caddy runs with; None where it does not run or is paused
sysctls     the settings that the role docker_host and /etc/sysctl.d/90-aistack.conf name, as the kernel has them now
guard       digest of the rules that keep the addresses of containers to the host; None where there are none, also not at boot
engine      state of docker.service, digests of the keys of daemon.json, and what the engine itself says about its configuration
packages    digest of the list of packages
leftovers   paths of half-written files, jobs and staged releases of ours
moments     what is different each time the same is done: ids, starts, process numbers, the node's id, the packages one by one
"""

from __future__ import annotations

import glob
import hashlib
import http.client
import json
import os
import re
import socket
import stat
import subprocess
from typing import Any
from urllib.parse import quote, urlencode

FOLDERS = [
    "/opt/aistack",
    "/etc/docker",
    "/etc/sysctl.d",
    "/etc/needrestart/conf.d",
    "/etc/apt/sources.list.d",
    "/etc/apt/keyrings",
    "/etc/systemd/system/docker.service.d",
    "/etc/systemd/system/aistack-guard.service",
    "/etc/aistack",
    "/run/aistack",
]
SYSCTL_FILE = "/etc/sysctl.d/90-aistack.conf"
SYSCTLS = [
    "vm.overcommit_memory",
    "net.core.somaxconn",
    "net.ipv4.tcp_migrate_req",
    "net.core.rmem_max",
    "net.core.wmem_max",
]
DOCKER_SOCKET = "/var/run/docker.sock"
VOLUMES = "/var/lib/docker/volumes"
ANONYMOUS = re.compile("[0-9a-f]{64}")
GARAGE_TOKEN = "/opt/aistack/garage/secrets/admin_token"  # noqa: S105 - where it lies, not what it is

# Of HostConfig: all that a person or this collection sets. The engine's own defaults come with the engine's version.
HOST_FIELDS = [
    "Memory", "MemorySwap", "MemoryReservation", "NanoCpus", "CpuShares", "PidsLimit", "RestartPolicy", "Tmpfs",
    "PortBindings", "NetworkMode", "CapAdd", "CapDrop", "SecurityOpt", "ReadonlyRootfs", "Privileged", "Ulimits",
    "Devices", "DeviceRequests", "LogConfig", "ShmSize", "ExtraHosts", "Sysctls",
]  # fmt: skip
CONFIG_FIELDS = ["Cmd", "Entrypoint", "User", "WorkingDir", "Healthcheck", "StopSignal"]
# Labels with ids of images and of replaced containers.
FLEETING_LABELS = {"com.docker.compose.image", "com.docker.compose.replace"}
ENGINE_FIELDS = [
    "ServerVersion",
    "Driver",
    "LoggingDriver",
    "LiveRestoreEnabled",
    "Debug",
    "DefaultAddressPools",
    "Labels",
]
BUCKET_FIELDS = ["globalAliases", "websiteAccess", "websiteConfig", "quotas", "lifecycleRules", "corsRules"]


def digest(data: Any) -> str:
    """sha256 in hex of bytes, or of anything JSON can say."""
    if not isinstance(data, bytes):
        data = json.dumps(data, sort_keys=True).encode()
    return hashlib.sha256(data).hexdigest()


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ask(connection: http.client.HTTPConnection, path: str, headers: dict[str, str] | None = None) -> Any:
    """GET a path and return the parsed answer; a status other than 200 is an error."""
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise OSError(f"GET {path} answered {answer.status}: {body[:200]!r}")
        return json.loads(body)
    finally:
        connection.close()


def command(*arguments: str) -> str:
    """Run a program and return what it prints; nothing where it is not installed."""
    try:
        return subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""


# Files


def files() -> dict[str, list[Any]]:
    """All files and folders below FOLDERS."""
    found = {}
    for top in FOLDERS:
        paths = [top] if os.path.lexists(top) else []
        for folder, folders, names in os.walk(top):
            paths += [os.path.join(folder, name) for name in [*folders, *names]]
        for path in sorted(paths):
            info = os.lstat(path)
            found[path] = [_content(path, info.st_mode), f"{stat.S_IMODE(info.st_mode):04o}", info.st_uid, info.st_gid]
    return found


def _content(path: str, mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISLNK(mode):
        return f"link to {os.readlink(path)}"
    if not stat.S_ISREG(mode):
        return "special"
    if path == "/etc/docker/key.json":
        return "made by the engine for itself"
    with open(path, "rb") as handle:
        data = handle.read()
    return _record(path, data) or digest(data)


def _record(path: str, data: bytes) -> str:
    """One of our own records without what tells when it was made and which process saw it; else ''.

    Numbers of releases stand beside the digest, so that states with other numbers can be compared too.
    """
    name = os.path.basename(path)
    if name not in ("release.json", "state.json", ".aistack-daemon.json"):
        return ""
    try:
        record = json.loads(data)
        record.pop("made", None)
        number = record.pop("number", None) or record.pop("current", None)
        if isinstance(record.get("loaded"), dict):
            record["loaded"].pop("daemon", None)
        for service in record.get("services", {}).values():
            for key in ("image_id", "local_image_id", "image_digest"):
                service.pop(key, None)
            # Some versions of compose name a network by its id.
            if ANONYMOUS.fullmatch(service.get("fingerprint", {}).get("NetworkMode") or ""):
                del service["fingerprint"]["NetworkMode"]
    except (ValueError, AttributeError):
        return ""
    return f"number {number}, {digest(record)}" if number else digest(record)


def leftovers() -> list[str]:
    """What a run of ours that was cut off leaves, or one that does not clear up after itself."""
    found = []
    for pattern in ("/opt/aistack/**/.aistack-*", "/etc/**/.aistack-*", "/run/aistack/*", "/tmp/aistack-*"):  # noqa: S108
        found += glob.glob(pattern, recursive=True)
    found = [path for path in found if path != "/etc/docker/.aistack-daemon.json"]
    for folder in glob.glob("/opt/aistack/*/releases/*"):
        try:
            with open(os.path.join(folder, "..", "..", "state.json"), encoding="utf-8") as handle:
                current = json.load(handle).get("current")
        except (OSError, ValueError):
            current = None
        number = os.path.basename(folder)
        if not number.isdigit() or current is None or int(number) > current:
            found.append(folder)
    return sorted(found)


# Engine


def engine() -> tuple[dict[str, Any], dict[str, Any]]:
    """docker.service, and the engine's own words where it runs; the second part changes with each start."""
    names = ["ActiveState", "UnitFileState", "MainPID", "InvocationID"]
    shown = dict(
        line.split("=", 1)
        for line in command("systemctl", "show", "docker.service", f"--property={','.join(names)}").splitlines()
        if "=" in line
    )
    state = {
        "active": shown.get("ActiveState"),
        "enabled": shown.get("UnitFileState"),
        "keys": daemon_keys(),
        "says": None,
    }
    if running(state):
        info = docker("/info")
        state["says"] = {field: info.get(field) for field in ENGINE_FIELDS}
        state["says"]["registries"] = info.get("RegistryConfig", {}).get("InsecureRegistryCIDRs")
        state["says"]["mirrors"] = info.get("RegistryConfig", {}).get("Mirrors")
    return state, {"pid": shown.get("MainPID"), "start": shown.get("InvocationID")}


def daemon_keys() -> dict[str, str]:
    """Digests of the values in daemon.json by key, and by key.sub for those that hold a dictionary."""
    try:
        with open("/etc/docker/daemon.json", encoding="utf-8") as handle:
            config = json.load(handle)
    except FileNotFoundError:
        return {}
    keys = {}
    for key, value in config.items():
        inner = {f"{key}.{sub}": item for sub, item in value.items()} if isinstance(value, dict) else {key: value}
        keys.update({name: digest(item)[:16] for name, item in inner.items()})
    return keys


def running(state: dict[str, Any]) -> bool:
    """Whether the engine can be asked. Its socket alone says nothing, and asking there would start an engine that is off."""
    return state["active"] == "active" and os.path.exists(DOCKER_SOCKET)


def docker(path: str) -> Any:
    """What the engine answers to GET."""
    return ask(UnixConnection(DOCKER_SOCKET), path)


def inspected() -> list[dict[str, Any]]:
    """All containers, of whomever."""
    found = []
    for listed in docker("/containers/json?all=1"):
        try:
            found.append(docker(f"/containers/{listed['Id']}/json"))
        except OSError:
            # Removed since it was listed.
            continue
    return sorted(found, key=lambda container: container["Name"])


def container(seen: dict[str, Any], digests: dict[str, str]) -> dict[str, Any]:
    """How a container was made and how it is, without what is different each time."""
    config, host, state = seen["Config"], seen["HostConfig"], seen["State"]
    labels = config.get("Labels") or {}
    networks = seen["NetworkSettings"].get("Networks") or {}
    names = {network.get("NetworkID"): name for name, network in networks.items()}
    mounts = []
    for mount in seen["Mounts"]:
        name = mount.get("Name") or mount["Source"]
        mounts.append(
            ["anonymous" if ANONYMOUS.fullmatch(name) else name, mount["Destination"], mount["Mode"], mount["RW"]]
        )
    return {
        "image": config["Image"],
        "image_digest": digests.get(seen["Image"], "unknown"),
        "env": {entry.partition("=")[0]: digest(entry)[:16] for entry in config.get("Env") or []},
        "labels": {name: value for name, value in labels.items() if name not in FLEETING_LABELS},
        "mounts": sorted(mounts),
        "networks": sorted(networks),
        "config": {field: config.get(field) for field in CONFIG_FIELDS},
        "host": {
            # Some versions of compose name a network by its id.
            field: names.get(host.get(field), host.get(field)) if field == "NetworkMode" else host.get(field)
            for field in HOST_FIELDS
        },
        "state": state["Status"],
        "health": (state.get("Health") or {}).get("Status", "none"),
    }


def image_digest(image: dict[str, Any]) -> str:
    """The digest under which a registry knows an image, "local" for one that was built here, which some engines give one too."""
    known = sorted({entry.split("@")[1] for entry in image.get("RepoDigests") or []})
    return ",".join(known) if known and not _built_here(image) else "local"


def _built_here(image: dict[str, Any]) -> bool:
    return any(reference.startswith("aistack/") for reference in image.get("RepoTags") or [])


def images() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """({reference: digest}, {id: digest}, {reference: id})."""
    by_reference, by_id, ids = {}, {}, {}
    for image in docker("/images/json"):
        shown = image_digest(image)
        by_id[image["Id"]] = shown
        by_digest = [] if _built_here(image) else image.get("RepoDigests") or []
        for reference in [*(image.get("RepoTags") or []), *by_digest]:
            if "<none>" not in reference:
                by_reference[reference] = shown
                ids[reference] = image["Id"]
    return by_reference, by_id, ids


def volume(seen: dict[str, Any]) -> dict[str, Any]:
    """A volume's labels and the owner of its folder."""
    try:
        info = os.stat(seen["Mountpoint"])
        owner: list[Any] | None = [info.st_uid, info.st_gid, f"{stat.S_IMODE(info.st_mode):04o}"]
    except OSError:
        owner = None
    return {"driver": seen["Driver"], "labels": seen.get("Labels") or {}, "owner": owner}


# What the services say of themselves


def garage(containers: list[dict[str, Any]]) -> tuple[Any, Any]:
    """Layout, keys and buckets of the Garage that runs here; and its node's id and the ids of its buckets."""
    port = _published(containers, "aistack_garage", "3903/tcp")
    if port is None or not os.path.exists(GARAGE_TOKEN):
        return None, None
    with open(GARAGE_TOKEN, encoding="utf-8") as handle:
        headers = {"Authorization": f"Bearer {handle.read().strip()}"}

    def call(operation: str, **query: str) -> Any:
        path = f"/v2/{operation}?{urlencode(query)}"
        return ask(http.client.HTTPConnection("127.0.0.1", port, timeout=60), path, headers)

    try:
        layout = call("GetClusterLayout")
        keys = [call("GetKeyInfo", id=key["id"], showSecretKey="true") for key in call("ListKeys")]
        buckets = [call("GetBucketInfo", id=bucket["id"]) for bucket in call("ListBuckets")]
    except OSError as error:
        return {"error": str(error)}, None
    roles = [{name: role.get(name) for name in ("zone", "capacity", "tags")} for role in layout["roles"]]
    told = {
        "layout": {
            "version": layout["version"],
            "redundancy": layout["parameters"]["zoneRedundancy"],
            "roles": sorted(roles, key=json.dumps),
            "staged": layout["stagedRoleChanges"],
        },
        "keys": {
            key["accessKeyId"]: {
                "name": key["name"],
                "secret": digest(key["secretAccessKey"])[:16],
                "permissions": key["permissions"],
            }
            for key in keys
        },
        "buckets": {" ".join(sorted(bucket["globalAliases"])) or bucket["id"]: _bucket(bucket) for bucket in buckets},
    }
    return told, {"nodes": [role["id"] for role in layout["roles"]], "buckets": [bucket["id"] for bucket in buckets]}


def _bucket(told: dict[str, Any]) -> dict[str, Any]:
    kept = {field: told.get(field) for field in BUCKET_FIELDS}
    grants = {
        key["accessKeyId"]: sorted(name for name, given in key["permissions"].items() if given) for key in told["keys"]
    }
    kept["grants"] = {key: given for key, given in grants.items() if given}
    return kept


def _published(containers: list[dict[str, Any]], project: str, port: str) -> int | None:
    """The port of this host that leads to a port of a running container of a project."""
    for seen in containers:
        labels = seen["Config"].get("Labels") or {}
        if labels.get("com.docker.compose.project") == project and seen["State"]["Running"]:
            for binding in (seen["HostConfig"].get("PortBindings") or {}).get(port) or []:
                return int(binding["HostPort"])
    return None


def caddy(containers: list[dict[str, Any]]) -> str | None:
    """The digest of the configuration that Caddy runs with, by its admin socket in its volume. A paused one would not answer."""
    if any(seen["State"]["Paused"] and "aistack_caddy" in seen["Name"] for seen in containers):
        return None
    path = f"{VOLUMES}/aistack_caddy_run/_data/admin.sock"
    try:
        return digest(ask(UnixConnection(path), "/config/"))
    except OSError:
        return None


# The host


def sysctls() -> dict[str, str]:
    """Present values of our settings, of those that this kernel has."""
    names = list(SYSCTLS)
    if os.path.exists(SYSCTL_FILE):
        with open(SYSCTL_FILE, encoding="utf-8") as handle:
            names += re.findall(r"^([^#\s=]+)\s*=", handle.read(), re.MULTILINE)
    values = {}
    for name in names:
        place = f"/proc/sys/{name if '/' in name else name.replace('.', '/')}"
        if os.path.exists(place):
            with open(place, encoding="utf-8") as handle:
                values[name] = " ".join(handle.read().split())
    return values


def guard() -> str | None:
    """The rules of the unit aistack-guard and whether they come back at boot."""
    rules = command("nft", "--stateless", "list", "table", "inet", "aistack_guard")
    at_boot = command("systemctl", "is-enabled", "aistack-guard.service").strip()
    return digest([rules, at_boot]) if rules or at_boot == "enabled" else None


def boot() -> str:
    """The id of this boot of the host."""
    with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as handle:
        return handle.read().strip()


def state() -> dict[str, Any]:
    """The whole of it."""
    service, started = engine()
    packages = command("dpkg-query", "--show", "--showformat", "${Package} ${Version} ${db:Status-Status}\n")
    packages = sorted(line for line in packages.splitlines() if not line.endswith(" not-installed"))
    seen, networks, volumes = [], [], []
    references, digests, ids = {}, {}, {}
    if running(service):
        references, digests, ids = images()
        seen = inspected()
        networks = docker("/networks")
        volumes = [docker(f"/volumes/{quote(entry['Name'])}") for entry in docker("/volumes").get("Volumes") or []]
    stored, stored_moments = garage(seen)
    return {
        "files": files(),
        "containers": {entry["Name"].lstrip("/"): container(entry, digests) for entry in seen},
        "images": references,
        "networks": {
            entry["Name"]: {"driver": entry["Driver"], "labels": entry.get("Labels") or {}} for entry in networks
        },
        "volumes": {entry["Name"]: volume(entry) for entry in volumes if not ANONYMOUS.fullmatch(entry["Name"])},
        "garage": stored,
        "caddy": caddy(seen),
        "sysctls": sysctls(),
        "guard": guard(),
        "engine": service,
        "packages": digest(packages),
        "leftovers": leftovers(),
        "moments": {
            "containers": {
                entry["Name"].lstrip("/"): {
                    "id": entry["Id"],
                    "image": entry["Image"],
                    "started": entry["State"]["StartedAt"],
                    "restarts": entry.get("RestartCount", 0),
                }
                for entry in seen
            },
            "images": ids,
            "networks": {entry["Name"]: entry["Id"] for entry in networks},
            "volumes": {entry["Name"]: entry.get("CreatedAt") for entry in volumes},
            "engine": started,
            "garage": stored_moments,
            "packages": packages,
            "boot": boot(),
        },
    }


if __name__ == "__main__":
    print(json.dumps(state(), sort_keys=True))
