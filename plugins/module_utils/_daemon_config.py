# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of Docker's daemon.json: who owns which, how they merge, what a change asks of the engine.

Private to the collection. Pure: nothing here reads or writes a file or runs a command.

A *path* is a top-level key ("icc") or a key and a sub key ("log-opts.max-size"); deeper levels are one value. No
top-level key of the engine has a dot in it, so the first dot divides. Values are remembered by digest alone: some
of them (proxies, log-opts) may carry a password, and comparing needs no more.
"""

from __future__ import annotations

import copy
import hashlib
import ipaddress
import json
import re

# What the engine rereads on SIGHUP. It does so only for a key that is still in the file: one that was taken out
# keeps its old value until a restart.
RELOADABLE = frozenset(
    [
        "allow-nondistributable-artifacts",
        "authorization-plugins",
        "debug",
        "default-runtime",
        "features",
        "insecure-registries",
        "labels",
        "live-restore",
        "max-concurrent-downloads",
        "max-concurrent-uploads",
        "max-download-attempts",
        "registry-mirrors",
        "runtimes",
        "shutdown-timeout",
    ]
)
# Features that are looked at once, when the engine starts, although "features" itself is reread.
START_FEATURES = frozenset(["features.cdi", "features.containerd-snapshotter"])

# Types of the keys that people get wrong most; the engine's own validation knows the rest, once it is installed.
_TYPES = {
    "debug": bool,
    "icc": bool,
    "ipv6": bool,
    "live-restore": bool,
    "no-new-privileges": bool,
    "userland-proxy": bool,
    "data-root": str,
    "log-driver": str,
    "default-address-pools": list,
    "insecure-registries": list,
    "registry-mirrors": list,
    "builder": dict,
    "default-ulimits": dict,
    "features": dict,
    "log-opts": dict,
    "runtimes": dict,
}
_WORDS = {bool: "true or false", str: "a text (in quotes)", list: "a list", dict: "a dictionary"}
_SECRET_NAME = re.compile(r"token|password|passwd|secret|credential|license", re.IGNORECASE)


class ConfigError(Exception):
    """A configuration that cannot be; the text is one sentence."""


def digest(value):
    """A text that stands for one value and is the same for equal JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:24]


def flatten(config):
    """{path: value} of a configuration. An empty dictionary sets nothing and has no path."""
    paths = {}
    for key, value in config.items():
        if isinstance(value, dict):
            paths.update({f"{key}.{sub}": inner for sub, inner in value.items()})
        else:
            paths[key] = value
    return paths


def digests(config):
    """{path: digest} of a configuration."""
    return {path: digest(value) for path, value in flatten(config).items()}


def is_secret(path):
    """Whether the value at a path may carry a credential and so must not be shown."""
    return path.startswith("proxies.") or bool(_SECRET_NAME.search(path))


def wanted(config):
    """The contribution of an owner: null values left out, types checked. ConfigError names the first wrong value."""
    kept = {}
    for key, value in config.items():
        if "." in key:
            raise ConfigError(
                f"config has the key '{key}': no key of the engine has a dot in it, nest the part behind it."
            )
        if isinstance(value, dict):
            value = {sub: inner for sub, inner in value.items() if inner is not None}
        if value is None or value == {}:
            continue
        _check(key, value, _TYPES.get(key))
        kept[key] = value
    for sub, value in kept.get("log-opts", {}).items():
        _check(f"log-opts.{sub}", value, str)
    for pool in kept.get("default-address-pools", []):
        _check_pool(pool)
    return kept


def _check_pool(pool):
    try:
        network = ipaddress.ip_network(pool["base"])
        right = network.prefixlen <= pool["size"] <= network.max_prefixlen - 2
    except (KeyError, TypeError, ValueError):
        right = False
    if not right:
        raise ConfigError(
            f"config.default-address-pools has {json.dumps(pool)}: give a network as base and the prefix length of the "
            f'networks cut from it as size, such as {{"base": "172.29.0.0/16", "size": 24}}.'
        )


def _check(path, value, kind):
    if kind and not isinstance(value, kind):
        shown = "a value" if is_secret(path) else json.dumps(value)
        raise ConfigError(
            f"config.{path} is {shown} ({type(value).__name__}): the engine accepts only {_WORDS[kind]} there."
        )


def parse(text, path):
    """The configuration in a file's text; a blank file is an empty one. ConfigError says where it is broken."""
    if not text.strip():
        return {}
    try:
        config = json.loads(text)
    except ValueError as exc:
        raise ConfigError(f"{path} is not JSON ({exc}): put it right or move it away, then run again.") from exc
    if not isinstance(config, dict):
        raise ConfigError(
            f"{path} holds {type(config).__name__}, not a JSON object: put it right or move it away, then run again."
        )
    return config


def encode(config):
    """The text of a configuration as it is written: in order, so that the same keys are the same file however they came."""
    return json.dumps(config, indent=2, sort_keys=True) + "\n"


def merge(current, owner, config, owners):
    """Merge what one owner wants into what the file has.

    :param current: the file's configuration, whoever wrote it.
    :param owner: the name under which `config` is contributed.
    :param config: what this owner wants, after wanted().
    :param owners: {name: {"keys": {path: [digest, ...]}, "found": [path, ...]}} as remembered from earlier runs.
    :returns: the new configuration, and the owner's new record.
    :raises ConfigError: if another owner wants another value for the same path.
    """
    paths = flatten(config)
    own = owners.get(owner, {"keys": {}, "found": []})
    others = {name: record["keys"] for name, record in owners.items() if name != owner}
    _refuse_conflict(owner, paths, others)
    before = digests(current)
    taken = {path for keys in others.values() for path in keys}
    result = copy.deepcopy(current)
    for path, known in own["keys"].items():
        kept_for_another = path in taken or path in own["found"]
        if path not in paths and not kept_for_another and before.get(path) in known:
            _remove(result, path)
    for path, value in paths.items():
        _put(result, path, value)
    # A value that was there before this owner asked for it belongs to whoever put it there, and outlives the owner.
    found = [
        path
        for path, value in paths.items()
        if before.get(path) == digest(value) and (path in own["found"] if path in own["keys"] else path not in taken)
    ]
    return result, {"keys": {path: [digest(value)] for path, value in paths.items()}, "found": sorted(found)}


def intent(old, new):
    """The record to keep while the file is being swapped: it knows what was written last and what may just have been."""
    old = old or {"keys": {}, "found": []}
    keys = {path: list(known) for path, known in old["keys"].items()}
    for path, known in new["keys"].items():
        keys[path] = sorted(set(keys.get(path, [])) | set(known))
    left = [path for path in old["found"] if path not in new["keys"]]
    return {"keys": keys, "found": sorted(left + new["found"])}


def _refuse_conflict(owner, paths, others):
    for name, keys in others.items():
        for path, value in paths.items():
            if (digest(value) not in keys[path]) if path in keys else _other_shape(path, keys):
                raise ConfigError(
                    f"daemon.json key '{path}' is wanted by {owner} and, with another value, by {name}: "
                    f"give both the same value or take it out of one."
                )


def _other_shape(path, keys):
    """Whether one side wants a plain value where the other wants a dictionary."""
    key, dot, _sub = path.partition(".")
    return key in keys if dot else any(taken.startswith(f"{key}.") for taken in keys)


def _remove(config, path):
    key, dot, sub = path.partition(".")
    if not dot:
        config.pop(key, None)
        return
    config[key].pop(sub, None)
    if not config[key]:
        del config[key]


def _put(config, path, value):
    key, dot, sub = path.partition(".")
    if not dot:
        config[key] = value
        return
    if not isinstance(config.get(key), dict):
        config[key] = {}
    config[key][sub] = value


def decide(loaded, desired):
    """What the running engine needs so that it uses the desired configuration.

    :param loaded: {path: digest} that the engine runs with.
    :param desired: {path: digest} that it shall run with.
    :returns: "none", "reload" or "restart", and the sorted paths in which the two differ.
    """
    differing = sorted(path for path in set(loaded) | set(desired) if loaded.get(path) != desired.get(path))
    still_there = {path.split(".", 1)[0] for path in desired}
    action = "none"
    for path in differing:
        if not _is_reread(path) or path.split(".", 1)[0] not in still_there:
            return "restart", differing
        action = "reload"
    return action, differing


def doubtful(loaded, current):
    """What the running engine uses as far as it is known, while the file says something else.

    A reload by hand leaves no trace, so for a key that is reread it may use either value: None, which no wanted value equals.

    :param loaded: {path: digest} that the engine was last seen to run with.
    :param current: {path: digest} of the file now.
    """
    maybe = [path for path, found in current.items() if _is_reread(path) and loaded.get(path) != found]
    return {**loaded, **dict.fromkeys(maybe)}


def _is_reread(path):
    return path.split(".", 1)[0] in RELOADABLE and path not in START_FEATURES
