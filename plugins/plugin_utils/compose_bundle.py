# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From rendered files to the one bundle that compose_app ships to the host. Pure: no file and no network is touched.

Private to the collection.

The bundle says for every service what it is made of (image, environment, definition, content of what it mounts), so that
the host can tell why a service has to change without a YAML parser and without asking compose.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib

import yaml

from ansible_collections.selfhost.aistack.plugins.module_utils._compose_observe import LABEL_APP, LABEL_INPUTS
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_plan import under

COMPOSE_FILE = "compose.yml"
OVERRIDE_FILE = "compose.override.yml"
OVERRIDE_HEADER = (
    "# Written by selfhost.aistack.compose_app: names, labels and environment files of the services in compose.yml.\n"
    "# A change by hand is put right by the next run.\n"
)

_APP_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


class BundleError(Exception):
    """What is wrong with an app's declaration, as one sentence."""


def digest(data):
    """sha256 of bytes, of text, or of anything JSON can say (keys sorted), in hex."""
    if isinstance(data, str):
        data = data.encode()
    elif not isinstance(data, bytes):
        data = json.dumps(data, sort_keys=True, separators=(",", ":"), default=str).encode()
    return hashlib.sha256(data).hexdigest()


def pack(bundle):
    """The bundle as one string for a module's argument."""
    return base64.b64encode(zlib.compress(json.dumps(bundle).encode(), 6)).decode()


def make_bundle(name, files, env_files=None, secrets=None, reload=None, rehearse=(), **settings):
    """Check an app's declaration and make its bundle.

    name: of the app. files: {path: (bytes, mode)}, with compose.yml among them. env_files: {service: text of an env file}.
    secrets: {name: {content, uid, gid, mode}}. reload: {path or path/: {service, validate, reload}}. rehearse: names of
    services. settings: passed on as they are.
    Raises BundleError.
    """
    if not _APP_NAME.fullmatch(name):
        raise BundleError(
            f"name: '{name}' is not a name for an app; use small letters, digits, - and _, beginning with a letter or digit."
        )
    entries = {path: _entry(path, data, mode) for path, (data, mode) in sorted(files.items())}
    model = _parse(name, files)
    services = model["services"]
    for service, text in sorted((env_files or {}).items()):
        _known(services, service, "env")
        path = f"env/{service}.env"
        entries[path] = _entry(path, text.encode(), 0o600, kind="env")
    for secret, spec in sorted((secrets or {}).items()):
        path = f"secrets/{secret}"
        content = spec["content"]
        data = content if isinstance(content, bytes) else str(content).encode()
        entries[path] = _entry(
            path,
            data,
            spec.get("mode", 0o400),
            kind="secret",
            uid=spec.get("uid", 0),
            gid=spec.get("gid", spec.get("uid", 0)),
        )
    reload = reload or {}
    for key, spec in reload.items():
        _known(services, spec["service"], f"reload['{key}']")
        if not any(under(path, key) for path in entries):
            raise BundleError(
                f"reload: '{key}' is no file of the app {name}; give a path below its templates, a folder with a / at its end."
            )
    for service in rehearse:
        _known(services, service, "rehearse")
    _check_volumes(name, model, {volume["name"] for volume in settings.get("volumes", [])})
    described = {svc: _describe(name, svc, services[svc], model, entries, reload) for svc in sorted(services)}
    override = _override(name, described, env_files or {})
    entries[OVERRIDE_FILE] = _entry(OVERRIDE_FILE, override.encode(), 0o644)
    return {
        "app": name,
        "project": f"aistack_{name}",
        "files": [entries[path] for path in sorted(entries)],
        "services": described,
        "reload": reload,
        "rehearse": {service: _rehearsal(service, model, described, env_files or {}) for service in rehearse},
        **settings,
    }


def image_problem(image):
    """Why an image reference is not pinned, or ''. Pinned: a tag other than latest, or a digest."""
    if "@sha256:" in image:
        return ""
    last = image.rsplit("/", 1)[-1]
    if ":" not in last:
        return "has no tag"
    return "has the tag latest" if last.endswith(":latest") else ""


def _entry(path, data, mode, kind="file", uid=0, gid=0):
    return {
        "path": path,
        "content": base64.b64encode(data).decode(),
        "digest": digest(data),
        "mode": mode,
        "uid": uid,
        "gid": gid,
        "kind": kind,
    }


def _parse(name, files):
    if COMPOSE_FILE not in files:
        raise BundleError(
            f"templates: the app {name} has no {COMPOSE_FILE} (or {COMPOSE_FILE}.j2) in its template folder."
        )
    try:
        model = yaml.safe_load(files[COMPOSE_FILE][0])
    except yaml.YAMLError as exc:
        raise BundleError(f"{COMPOSE_FILE} of the app {name} is not YAML: {' '.join(str(exc).split())}") from exc
    if not isinstance(model, dict) or not isinstance(model.get("services"), dict) or not model["services"]:
        raise BundleError(f"{COMPOSE_FILE} of the app {name} declares no services.")
    for service, definition in model["services"].items():
        if not isinstance(definition, dict):
            raise BundleError(f"{COMPOSE_FILE} of the app {name}: the service {service} is not a mapping.")
        image = definition.get("image")
        if definition.get("build") is not None:
            if image:
                raise BundleError(
                    f"{COMPOSE_FILE} of the app {name}: the service {service} has build and image; give one of them."
                )
        elif not image:
            raise BundleError(f"{COMPOSE_FILE} of the app {name}: the service {service} has neither image nor build.")
        elif image_problem(image):
            raise BundleError(
                f"{COMPOSE_FILE} of the app {name}: the image '{image}' of the service {service} {image_problem(image)};"
                " pin it with a tag other than latest, or with a digest."
            )
    return model


def _known(services, service, where):
    if service not in services:
        raise BundleError(
            f"{where}: there is no service '{service}' in {COMPOSE_FILE}; it has {', '.join(sorted(services))}."
        )


def _relative(source):
    """A path inside the app's folder, without ./ and the last /, or None for what lies elsewhere."""
    if not isinstance(source, str) or not source.startswith("./"):
        return None
    return source[2:].rstrip("/")


def _mounted(service, model):
    """Paths in the app's folder that a service mounts, in the order of its declaration."""
    paths = []
    for volume in service.get("volumes") or []:
        source = volume.get("source") if isinstance(volume, dict) else str(volume).split(":", 1)[0]
        paths.append(_relative(source))
    for kind in ("secrets", "configs"):
        for use in service.get(kind) or []:
            source = use.get("source") if isinstance(use, dict) else use
            paths.append(_relative((model.get(kind) or {}).get(source, {}).get("file")))
    return [path for path in paths if path]


def _check_volumes(name, model, owned):
    """A volume with an owner must be mounted with nocopy: otherwise the engine gives an empty one the image's owner."""
    keys = {key for key, volume in (model.get("volumes") or {}).items() if (volume or {}).get("name", key) in owned}
    for service, definition in model["services"].items():
        for volume in definition.get("volumes") or []:
            if isinstance(volume, dict):
                source, nocopy = volume.get("source"), (volume.get("volume") or {}).get("nocopy", False)
            else:
                source, _sep, rest = str(volume).partition(":")
                nocopy = "nocopy" in rest.partition(":")[2].split(",")
            if source in keys and not nocopy:
                raise BundleError(
                    f"{COMPOSE_FILE} of the app {name}: the service {service} mounts the volume {source} without nocopy,"
                    " and the engine would then give it the image's owner; add nocopy to its options."
                )


def _describe(name, service_name, service, model, entries, reload):
    mounted = _mounted(service, model)
    for source in mounted:
        if not any(path == source or path.startswith(source + "/") for path in entries):
            raise BundleError(
                f"{COMPOSE_FILE} of the app {name}: the service {service_name} mounts ./{source}, which the app does not have."
            )
    files = {
        path: entry["digest"]
        for path, entry in entries.items()
        if any(path == source or path.startswith(source + "/") for source in mounted)
        and not any(under(path, key) for key in reload)
    }
    env_path = f"env/{service_name}.env"
    environment = [service.get("environment"), entries[env_path]["digest"] if env_path in entries else None]
    build = _build(service_name, service, entries)
    image = f"aistack/{name}-{service_name}:{build['hash'][:12]}" if build else service["image"]
    inputs = {
        "image": image,
        "environment": digest(environment),
        "files": files,
        "definition": {
            key: digest(value) for key, value in service.items() if key not in ("image", "environment", "build")
        },
    }
    return {
        "image": image,
        "build": build,
        "inputs": inputs,
        "mounts": mounted,
        "hash": digest(inputs),
        "healthcheck": bool(service.get("healthcheck")) and not service["healthcheck"].get("disable"),
        "one_shot": str(service.get("restart", "no")) in ("no", "False"),
        "environment_file": env_path if env_path in entries else None,
    }


def _rehearsal(name, model, described, env_files):
    """The compose model in which a service is rehearsed: alone, without network, and with memory in place of its volumes."""
    service = dict(model["services"][name], image=described[name]["image"], network_mode="none", restart="no")
    for key in ("build", "ports", "networks", "depends_on", "links", "container_name"):
        service.pop(key, None)
    service["volumes"] = [_without_data(volume) for volume in service.get("volumes") or []]
    if name in env_files:
        service["env_file"] = [f"env/{name}.env"]
    # By way of JSON, as the override.
    kept = {key: model[key] for key in ("secrets", "configs") if key in model}
    return json.loads(json.dumps({"services": {name: service}, **kept}))


def _without_data(volume):
    """What a rehearsal mounts in place of a service's mount: the same to be read only, or memory where it is a volume."""
    if isinstance(volume, dict):
        source, target = volume.get("source"), volume["target"]
    else:
        parts = str(volume).split(":")
        source, target = parts[:2] if len(parts) > 1 else (None, parts[0])
    if isinstance(source, str) and source.startswith((".", "/")):
        return {"type": "bind", "source": source, "target": target, "read_only": True}
    return {"type": "tmpfs", "target": target, "tmpfs": {"mode": 0o1777}}


def _build(service_name, service, entries):
    """What an image is built from, and a hash of it: the image is built anew exactly when that changes."""
    build = service.get("build")
    if build is None:
        return None
    build = {"context": build} if isinstance(build, str) else dict(build)
    context = str(build.get("context", "."))
    source = _relative(context)
    if source is None and "://" not in context:
        raise BundleError(
            f"{COMPOSE_FILE}: the build context '{context}' of {service_name} is neither a folder ./... of the app nor a URL."
        )
    content = (
        {}
        if source is None
        else {p: [e["digest"], e["mode"]] for p, e in entries.items() if p.startswith(source + "/")}
    )
    if source is not None and not content:
        raise BundleError(f"{COMPOSE_FILE}: the build context ./{source} of {service_name} has no files.")
    return {"hash": digest([build, content]), "context": context}


def _override(name, described, env_files):
    services = {}
    for service, what in described.items():
        services[service] = {"labels": {LABEL_APP: name, LABEL_INPUTS: what["hash"]}}
        if service in env_files:
            services[service]["env_file"] = [f"env/{service}.env"]
        if what["build"]:
            services[service]["image"] = what["image"]
    # By way of JSON: the controller's texts carry tags, which the YAML writer does not know.
    plain = json.loads(json.dumps({"name": f"aistack_{name}", "services": services}))
    return OVERRIDE_HEADER + yaml.safe_dump(plain, sort_keys=True)
