# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where an inventory has the parts of the stack, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.template import AnsibleUndefined

from ansible_collections.selfhost.aistack.plugins.plugin_utils.checks import address

STACK = ("docker_host", "redis", "garage_storage", "docling", "gateway", "caddy_tls")
# Which of them run on one machine each; all of these but docling on the same one, since they meet on a network of Docker's.
_SINGLE = STACK[1:]
# The group that is asked, the one that asks, and the variable that says where to ask if the first is left out.
_ELSEWHERE = (
    ("redis", "gateway", "gateway_redis_url"),
    ("garage_storage", "gateway", "gateway_s3_endpoint"),
    ("docling", "gateway", "gateway_docling_url"),
    ("gateway", "caddy_tls", "caddy_tls_upstream"),
)
_ADDRESS = "aistack_private_address"
# The variables that say how the gateway reaches docling-serve.
_LINKING = (
    _ADDRESS,
    "docling_bind_address",
    "docling_certificate",
    "docling_clients",
    "docling_max_sync_wait",
    "docling_port",
    "gateway_docling_url",
)


def stack_hosts(groups: Mapping[str, Sequence[str]]) -> list[str]:
    """The groups of the stack that have a host; localhost if there is none, since Ansible leaves out a play without hosts."""
    return [name for name in STACK if groups.get(name)] or ["localhost"]


def group_problems(groups: Mapping[str, Sequence[str]], own: Mapping[str, Any], host: str) -> list[str]:
    """Sentences about groups that have no host, too many, or different ones, and about those that nothing stands for.

    :param own: the inventory's view of the host that asks.
    """
    known = {name: list(groups[name]) for name in STACK if name in groups}
    told = (_empty(known), _many(known) or _spread(known), _missing(known, own, host))
    return [sentence for sentence in told if sentence]


def _empty(known: Mapping[str, list[str]]) -> str:
    empty = [name for name, hosts in known.items() if not hosts]
    if len(empty) == len(known):
        return (
            f"none of the groups {', '.join(STACK)} has a host, so that there is nothing to do: put your machine into them, as"
            " inventories/single_vm/hosts.yml does, and see that -i names the inventory that you mean."
        )
    if not empty:
        return ""
    return (
        f"{_the_groups(empty)} no host: put the host that runs it there, or leave the group out of the inventory if it is served from"
        " elsewhere."
    )


def _many(known: Mapping[str, list[str]]) -> str:
    many = [name for name in _SINGLE if len(known.get(name, [])) > 1]
    if not many:
        return ""
    return (
        f"{_the_groups(many)} more than one host ({', '.join(known[many[0]])}), and this version runs each on one"
        " machine: leave one host there, and give another stack an inventory of its own."
    )


def _spread(known: Mapping[str, list[str]]) -> str:
    if len({known[name][0] for name in _SINGLE if name != "docling" and known.get(name)}) < 2:
        return ""
    return (
        "the groups redis, garage_storage, gateway and caddy_tls have different hosts, and this version runs them all on one machine:"
        " put the same one host into each of them, and into docling that or another one."
    )


def _missing(known: Mapping[str, list[str]], own: Mapping[str, Any], host: str) -> str:
    missing = [
        (asked, variable)
        for asked, asks, variable in _ELSEWHERE
        if asked not in known and host in known.get(asks, []) and variable not in own
    ]
    if not missing:
        return ""
    names, variables = (", ".join(each) for each in zip(*missing, strict=True))
    return (
        f"the inventory has no group {names} and does not set {variables}: put a host into each of these groups, or set the variables"
        " to the addresses that are to be used instead."
    )


def _the_groups(names: Sequence[str]) -> str:
    return f"the group {names[0]} has" if len(names) == 1 else f"the groups {', '.join(names)} have"


def docling_link(hostvars: Mapping[str, Any], groups: Mapping[str, Sequence[str]], host: str) -> dict[str, Any]:
    """How the gateway reaches docling-serve: over a network of Docker's on one host, over the network between them on two.

    :param hostvars: the inventory's view of each host.
    :param host: the host that asks.
    :returns: C(bind_address) where docling-serve is published and C(clients) who may reach it there, both empty where nobody has
        to; C(url) by which it is reached, and C(asked), the one that the gateway is given; C(max_sync_wait) of docling-serve in
        seconds, None if its host does not say; C(problems), a sentence for each address that is missing or wrong.
    """
    server, client = (_first(groups, name) for name in ("docling", "gateway"))
    own = _said(hostvars[host])
    if not server or not client or server == client:
        return _link(own, own, _url(own, "docling-serve", 5001), _problems([own]))
    serves, asks = _said(hostvars[server]), _said(hostvars[client])
    bound = serves.get("docling_bind_address", serves.get(_ADDRESS)) or ""
    asker = asks.get(_ADDRESS) or ""
    missing = [] if bound else [server]
    if "docling_clients" not in serves and not asker:
        missing.append(client)
    problems = [_unset(missing)] if missing else _problems([own, serves, asks])
    return _link(serves, asks, _url(serves, bound, serves.get("docling_port", 5001)), problems, bound, asker)


def _link(
    serves: Mapping[str, Any], asks: Mapping[str, Any], url: str, problems: list[str], bound: str = "", asker: str = ""
) -> dict[str, Any]:
    return {
        "bind_address": bound,
        "clients": [asker] if asker else [],
        "url": url,
        "asked": asks.get("gateway_docling_url", url),
        "max_sync_wait": serves.get("docling_max_sync_wait"),
        "problems": problems,
    }


def _said(host: Mapping[str, Any]) -> dict[str, Any]:
    """What the inventory says of a host that matters here. What uses an undefined variable is told by the rule of its own."""
    said = {name: host[name] for name in _LINKING if name in host}
    return {name: value for name, value in said.items() if not isinstance(value, AnsibleUndefined)}


def _first(groups: Mapping[str, Sequence[str]], name: str) -> str:
    return next(iter(groups.get(name) or []), "")


def _url(serves: Mapping[str, Any], name: str, port: Any) -> str:
    scheme = "https" if serves.get("docling_certificate") else "http"
    return f"{scheme}://{f'[{name}]' if ':' in str(name) else name}:{port}"


def _problems(hosts: Sequence[Mapping[str, Any]]) -> list[str]:
    given = (host.get(_ADDRESS) for host in hosts)
    return list(dict.fromkeys(problem for value in given if value for problem in address(value, _ADDRESS)))


def _unset(hosts: Sequence[str]) -> str:
    return (
        f"{_ADDRESS} is not set for {' and '.join(hosts)}, and docling runs on another host than the gateway, which it meets on the"
        " network between them: set it to the address that each of them has there, such as 10.0.0.5."
    )
