# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What compose, the engine and a container read of what we write is what the inventory says, or it was refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from typing import Any

import pytest
import yaml
from fuzzbed.cases import TIMES, cases, count, sentence_problem, told
from fuzzbed.host import Host, unescaped
from fuzzbed.role import Role
from fuzzbed.values import IP_V4, IP_V6, NO_TEXT, PORTS, mix, nasty, near
from hypothesis import strategies as st

from ansible_collections.selfhost.aistack.plugins.plugin_utils import checks, compose_value, env_file
from ansible_collections.selfhost.aistack.plugins.plugin_utils.compose_bundle import make_bundle

_SERVICES = 25
_VALUES = 800
_MOST_IN_A_CONTAINER = 150
RECORD = "admin:$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA"


@pytest.fixture(scope="module")
def host() -> Host:
    return Host()


def environments() -> tuple[list[dict[str, Any]], list[tuple[Any, str]]]:
    """Environments whose values are all accepted, and what is wrong with how others are refused."""
    made = [RECORD, *cases(mix(nasty(), nasty(), nasty(), NO_TEXT), _VALUES)]
    accepted, failures = [], []
    for value in made:
        found = env_file.problems({"NAME": value})
        if not found:
            accepted.append(value)
            continue
        hidden = isinstance(value, str) and len(value) > 3 and value in found[0]
        why = sentence_problem(found[0]) or ("shows its value" if hidden else "") or ("twice" if len(found) > 1 else "")
        failures += [(value, why)] if why else []
    numbered = [(f"V{number}", value) for number, value in enumerate(accepted)]
    return [dict(numbered[first::_SERVICES]) for first in range(_SERVICES)], failures


def app(envs: list[dict[str, Any]], image: str) -> dict[str, bytes]:
    """The files of an app whose services have these environments, as compose_app puts them on a host."""
    services = {f"s{number}": {"image": image} for number in range(len(envs))}
    bundle = make_bundle(
        name="fuzz",
        files={"compose.yml": (yaml.safe_dump({"services": services}).encode(), 0o644)},
        env_files={name: env_file.render(env) for name, env in zip(services, envs, strict=True)},
    )
    return {entry["path"]: base64.b64decode(entry["content"]) for entry in bundle["files"]}


def test_compose_reads_every_value_of_an_env_file(host: Host) -> None:
    envs, failures = environments()
    count("docker compose config: env file", sum(map(len, envs)), _VALUES * TIMES + 1 - sum(map(len, envs)))
    compose = "docker compose -f compose.yml -f compose.override.yml"
    model = unescaped(json.loads(host.run(f"{compose} config --format json", app(envs, "example.org/none:1"))))
    for number, env in enumerate(envs):
        read = model["services"][f"s{number}"]["environment"]
        assert read.keys() == env.keys()
        failures += [
            (value, f"was read as {read[name]!r:.300}")
            for name, value in env.items()
            if read[name] != env_file.as_text(value)
        ]
    assert not failures, told(failures)


def test_a_container_has_every_value_of_an_env_file(host: Host) -> None:
    envs, _failures = environments()
    values = [value for env in envs for value in env.values()]
    values = sorted(values, key=lambda value: len(env_file.as_text(value)))[-_MOST_IN_A_CONTAINER * 4 :: 4]
    env = {f"V{number}": value for number, value in enumerate(values)}
    compose = "docker compose -f compose.yml -f compose.override.yml"
    inspect = "docker inspect --format '{{json .Config.Env}}' $(docker compose ps --all --quiet s0)"
    script = (
        f"{compose} create --quiet-pull >&2 && {inspect} && docker start --attach $({compose} ps --all --quiet s0);"
        f" rc=$?; {compose} down >&2; exit $rc"
    )
    files = app([env], host.image("redis_image"))
    model = yaml.safe_load(files["compose.yml"])
    model["services"]["s0"] |= {"command": ["cat", "/proc/self/environ"], "entrypoint": []}
    listed, _newline, seen = host.run(script, {**files, "compose.yml": yaml.safe_dump(model).encode()}).partition(b"\n")
    in_process = dict(entry.split("=", 1) for entry in seen.decode().split("\0") if entry)
    in_engine = dict(entry.split("=", 1) for entry in json.loads(listed))
    count("a container's environment", len(env))
    failures = [
        (value, f"is {in_engine.get(name)!r:.300} for the engine and {in_process.get(name)!r:.300} for the process")
        for name, value in env.items()
        if not in_engine.get(name) == in_process.get(name) == env_file.as_text(value)
    ]
    assert not failures, told(failures)


def _memory(value: Any) -> str:
    """The bytes of an accepted amount of memory, as compose prints them."""
    text = str(value).lower().removesuffix("b") if not str(value).isdigit() else str(value)
    return str(int(text.rstrip("kmgb")) * {"k": 1024, "m": 1024**2, "g": 1024**3}.get(text[-1], 1))


_IMAGE_NAMES = st.from_regex(
    r"([a-z0-9]{1,4}(\.[a-z]{2,3})?(:[0-9]{2,4})?/)?[a-z0-9]{1,6}([._-][a-z0-9]{1,3})?(/[a-z0-9]{1,5})?", fullmatch=True
)
_TAGS = st.from_regex(r":[A-Za-z0-9_][A-Za-z0-9_.-]{0,6}", fullmatch=True)
_DIGESTS = st.from_regex(r"@sha256:[0-9a-f]{64}", fullmatch=True)
IMAGES = st.tuples(_IMAGE_NAMES, mix(_TAGS, _TAGS, _DIGESTS, st.tuples(_TAGS, _DIGESTS).map("".join))).map("".join)
MEMORY = st.from_regex(r"[0-9]{1,9}[bkmgBKMG]?b?", fullmatch=True)
_ADDRESSES = mix(IP_V4, IP_V6, st.sampled_from(["127.0.0.1", "10.1.2.3", "fd00::7", "::1"]))
_REPOSITORIES = st.from_regex(r"https://[a-z]{1,5}\.[a-z]{2}(/[!-~]{1,8}){1,2}", fullmatch=True)
_REFS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,12}", fullmatch=True)
_TARGETS = st.from_regex(r"([A-Za-z0-9][A-Za-z0-9._-]{0,6})?", fullmatch=True)
_ARGS = st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True), nasty(), max_size=4)
_REFERENCE = {"gateway_source": "reference", "gateway_base_image": "example.org/base:1"}
_GIT = {
    "gateway_source": "git",
    "gateway_git_repository": "https://git.example.org/app.git",
    "gateway_git_ref": "v1",
    "gateway_git_target": "",
    "gateway_git_args": {},
}


@dataclass(frozen=True)
class Place:
    """A variable of a role that stands in its compose file."""

    role: str
    service: str
    name: str
    accepted: st.SearchStrategy[Any]  # about what may be accepted
    read: Callable[[dict[str, Any]], Any]  # where compose shows it, given its service
    meant: Callable[[Any], Any] = str  # what compose should show for a value
    others: dict[str, Any] = field(default_factory=dict)  # variables without which it does not stand there


def _published(target: int) -> Callable[[dict[str, Any]], Any]:
    return lambda service: next(port["published"] for port in service["ports"] if port["target"] == target)


def _places() -> list[Place]:
    """All of them."""
    redis = partial(Place, "redis", "redis", others={"redis_bind_address": "10.0.0.5"})
    docling = partial(Place, "docling", "docling-serve", others={"docling_bind_address": "10.0.0.5"})
    garage, caddy = partial(Place, "garage_storage", "garage"), partial(Place, "caddy_tls", "caddy")
    gateway, git = (partial(Place, "gateway", "api-gateway", others=others) for others in (_REFERENCE, _GIT))
    ours = partial(Place, "gateway", "api-gateway", others={"gateway_source": "image"})
    image, limit = itemgetter("image"), itemgetter("mem_limit")
    places = [
        ours("gateway_image", IMAGES, image),
        gateway("gateway_base_image", IMAGES, lambda service: service["build"]["args"]["BASE_IMAGE"]),
        git("gateway_git_repository", _REPOSITORIES, lambda service: service["build"]["context"], "{}#v1".format),
        git(
            "gateway_git_ref",
            _REFS,
            lambda service: service["build"]["context"],
            f"{_GIT['gateway_git_repository']}#{{}}".format,
        ),
        git("gateway_git_target", _TARGETS, lambda service: service["build"].get("target", "")),
        git("gateway_git_args", _ARGS, lambda service: service["build"].get("args") or {}, _as_texts),
    ]
    for place in (redis, docling, garage, caddy, gateway):
        role = place.args[0]
        places.append(place(f"{role}_memory_limit", MEMORY, limit, _memory))
        if place is not gateway:
            places.append(place(f"{role}_image", IMAGES, image))
    for place in (redis, docling, gateway):
        target = {"redis": 6379, "docling": 5001, "gateway": 8080}[place.args[0]]
        places.append(place(f"{place.args[0]}_port", PORTS, _published(target)))
        places.append(
            place(f"{place.args[0]}_bind_address", _ADDRESSES, lambda service: service["ports"][0]["host_ip"])
        )
    for port, target in (("s3", 3900), ("web", 3902), ("admin", 3903)):
        places.append(garage(f"garage_storage_{port}_port", PORTS, _published(target)))
    return places


def _as_texts(env: dict[str, Any]) -> dict[str, str]:
    return {name: env_file.as_text(value) for name, value in env.items()}


# What a role that stands alone wants besides, and no rule about two variables.
_REST = {
    "redis_maxmemory": "6m",
    "caddy_tls_site": "docs.example.org",
    "caddy_tls_mode": "internal",
    "gateway_redis_url": "redis://redis:6379",
    "gateway_s3_endpoint": "",
    "gateway_s3_region": "garage",
    "gateway_s3_temp_bucket": "temp",
    "gateway_s3_results_bucket": "results",
    "gateway_auth_env": {"AUTH_MODE": "none"},
}
ROLES = {role: Role(role) for role in ("redis", "docling", "gateway", "garage_storage", "caddy_tls")}


def _sentences(place: Place, variables: dict[str, Any]) -> list[str]:
    """The role's sentences about this variable; those about others, which are left as they are, do not count."""
    return [sentence for sentence in ROLES[place.role].problems(variables) if sentence.startswith(place.name)]


def test_compose_reads_what_a_role_writes_into_its_compose_file(host: Host) -> None:
    made, texts, failures, refused = [], [], [], 0
    for place in _places():
        text = place.accepted if place.accepted is _ARGS else place.accepted.map(str)
        odd = text if text is _ARGS else near(text)
        for value in cases(mix(place.accepted, place.accepted, odd, odd, nasty(), NO_TEXT), 10):
            variables = {**_REST, **place.others, place.name: value}
            try:
                sentences = _sentences(place, variables)
                if sentences:
                    refused += 1
                    failures += [((place.name, value), why) for why in map(sentence_problem, sentences) if why]
                    continue
                file = ROLES[place.role].render("compose.yml.j2", variables)
                files = {"compose.yml": (file.encode(), 0o644), **_mounted(yaml.safe_load(file))}
                make_bundle(place.role, files, volumes=_volumes(yaml.safe_load(file)))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told with the case
                failures.append(((place.name, value), f"{type(error).__name__}: {error}"))
                continue
            made.append((place, value))
            texts.append(file)
    for (place, value), model in zip(made, host.configs(texts), strict=True):
        if isinstance(model, str):
            failures.append(((place.name, value), model))
        elif (found := place.read(model["services"][place.service])) != (wanted := place.meant(value)):
            failures.append(((place.name, value), f"was read as {found!r:.300} where {wanted!r:.300} is meant"))
    count("docker compose config: compose files of roles", len(made), refused)
    assert not failures, told(failures)


def _volumes(model: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name} for name in model.get("volumes") or {}]


def _mounted(model: dict[str, Any]) -> dict[str, tuple[bytes, int]]:
    """An empty file for each path of the app that a compose file mounts or builds from."""
    sources = [
        str(volume).partition(":")[0]
        for service in model["services"].values()
        for volume in service.get("volumes") or []
        if str(volume).startswith("./")
    ]
    builds = [service["build"]["context"] for service in model["services"].values() if "build" in service]
    return {f"{source[2:]}/file": (b"", 0o644) for source in [*sources, *builds] if source.startswith("./")}


def test_compose_reads_any_value_that_is_written_into_a_compose_file(host: Host) -> None:
    simple = mix(nasty(), nasty(), nasty(), st.booleans(), st.integers(-(2**53), 2**53))
    made = cases(simple, 150)
    carried, failures = [], []
    for value in made:
        try:
            carried.append((value, compose_value.render(value)))
        except ValueError as error:
            failures += [(value, why) for why in [sentence_problem(str(error))] if why]
    lines = [f"    A{number}: {text}\n" for number, (value, text) in enumerate(carried) if "\0" not in str(value)]
    file = "services:\n  s:\n    image: a:1\nx-values:\n" + "".join(line.replace("    A", "  A", 1) for line in lines)
    [model] = host.configs([file])
    assert isinstance(model, dict), model
    count("docker compose config: value in a compose file", len(lines), len(made) - len(lines))
    for number, (value, _text) in enumerate(carried):
        if "\0" not in str(value) and model["x-values"][f"A{number}"] != value:
            failures.append((value, f"was read as {model['x-values'][f'A{number}']!r:.300}"))
    assert not failures, told(failures)


def test_the_engine_knows_every_image_reference_that_is_accepted(host: Host) -> None:
    """An image that is not there is `no such image`; what is no reference gets another answer."""
    made = cases(mix(IMAGES, IMAGES, near(IMAGES), near(IMAGES), nasty()), 250)
    accepted = [reference for reference in made if not checks.image(reference, "image")]
    files = {"references": "\n".join(accepted).encode()}
    answer = host.run("xargs -d '\\n' docker image inspect <references 2>&1 >/dev/null || true", files).decode()
    count("the engine: image reference", len(accepted), len(made) - len(accepted))
    odd = [line for line in answer.splitlines() if "no such image" not in line.lower()]
    assert len(answer.splitlines()) == len(accepted) and not odd, odd or answer[-2000:]
