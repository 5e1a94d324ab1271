# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No value of caddy_tls leaves its place in the Caddyfile: Caddy reads the configuration that is meant, or preflight refuses.

What is meant: Caddy's own reading of the same Caddyfile with harmless values, with each of these replaced in it afterwards.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fuzzbed.caddy import Caddy
from fuzzbed.cases import cases, count, sentence_problem, told
from fuzzbed.role import Role
from fuzzbed.values import BUCKETS, DNS_NAMES, HOSTS, IP_V4, IP_V6, NO_TEXT, PORTS, mix, nasty, near
from hypothesis import strategies as st

ROLE = Role("caddy_tls")
_PATHS = st.from_regex(r"(/[A-Za-z0-9._~-]{1,12}){1,4}", fullmatch=True)
_AUTHORITIES = mix(DNS_NAMES, IP_V4, IP_V6.map("[{}]".format))
_ENDPOINTS = st.tuples(_AUTHORITIES, st.integers(1, 65535)).map("{0[0]}:{0[1]}".format)
_URLS = st.tuples(
    DNS_NAMES, st.from_regex(r"(:[1-9][0-9]{0,3})?(/[A-Za-z0-9._~!&'()*+,;=:@%-]{0,8}){0,3}", fullmatch=True)
).map("https://{0[0]}{0[1]}".format)
_NUMBERS = st.integers(-3, 100000).map(str)
#: The variables that are texts in the Caddyfile: values as they should be, and texts near them.
TEXTS = {
    "caddy_tls_site": (HOSTS.map(str.lower), HOSTS),
    "caddy_tls_acme_directory": (_URLS, st.from_regex(r"https://[!-~]{1,20}", fullmatch=True)),
    "caddy_tls_acme_email": (
        st.one_of(st.just(""), st.from_regex(r"[a-z0-9._%+-]{1,8}@[a-z0-9.-]{1,8}[.][a-z]{2,4}", fullmatch=True)),
        st.emails(),
    ),
    "caddy_tls_upstream": (_ENDPOINTS, st.tuples(st.one_of(_AUTHORITIES, IP_V6), _NUMBERS).map(":".join)),
    "caddy_tls_health_path": (_PATHS, _PATHS),
    "caddy_tls_results_bucket": (BUCKETS, BUCKETS),
    "caddy_tls_results_path": (_PATHS, _PATHS),
    "caddy_tls_results_upstream": (_ENDPOINTS, st.tuples(st.one_of(_AUTHORITIES, IP_V6), _NUMBERS).map(":".join)),
    "caddy_tls_results_website_root": (st.from_regex(r"([.][A-Za-z0-9-]{1,8}){1,3}", fullmatch=True), DNS_NAMES),
    "caddy_tls_results_auth_path": (_PATHS, _PATHS),
}
#: The same of lists, one item.
LISTS = {
    "caddy_tls_bind_addresses": (st.one_of(IP_V4, IP_V6), st.from_regex(r"[0-9a-f:.]{1,8}", fullmatch=True)),
    "caddy_tls_closed_paths": (_PATHS, _PATHS),
    "caddy_tls_log_hide_after": (st.from_regex(r"/([A-Za-z0-9_-]{1,6}/){0,2}", fullmatch=True), _PATHS),
}
#: The same of variables whose value is kept in the harmless file, since Caddy works with it.
OTHERS = {
    "caddy_tls_mode": (st.sampled_from(["acme", "internal"]), st.just("files")),
    "caddy_tls_http_port": (st.integers(1, 30000), PORTS),
    "caddy_tls_https_port": (st.integers(30001, 65535), PORTS),
    "caddy_tls_redirect": (st.booleans(), st.just("yes")),
    "caddy_tls_upstream_patience": (st.integers(0, 300), _NUMBERS),
    "caddy_tls_max_body": (
        st.from_regex(r"[1-9][0-9]{0,8}([KMG]i?)?B", fullmatch=True),
        st.from_regex(r"[0-9]{1,20}([KMGTEP]i?)?B?", fullmatch=True),
    ),
    "caddy_tls_longest_request": (st.integers(60, 86400), _NUMBERS),
    "caddy_tls_results_access": (st.sampled_from(["none", "authenticated", "public"]), st.just("open")),
    "caddy_tls_hsts_max_age": (st.integers(0, 63072000), _NUMBERS),
    "caddy_tls_hsts_subdomains": (st.booleans(), st.just("no")),
    "caddy_tls_log_level": (st.sampled_from(["DEBUG", "INFO", "WARN", "ERROR"]), st.just("WARNING")),
    "caddy_tls_grace": (st.integers(1, 3600), _NUMBERS),
}


USUAL = {
    "caddy_tls_site": "docs.example.org",
    "caddy_tls_mode": "acme",
    "caddy_tls_acme_email": "admin@example.org",
    "caddy_tls_results_access": "authenticated",
    "caddy_tls_results_bucket": "reflow-results",
}
#: What ROLE itself has for the variables that are not given.
DEFAULTS = {name: ROLE.evaluate("{{ %s }}" % name, USUAL) for name in (*TEXTS, *LISTS, *OTHERS)}


@st.composite
def all_new(draw: st.DrawFn) -> dict[str, Any]:
    """Values for all variables, each as it should be."""
    values = {name: draw(good) for name, (good, _near) in {**TEXTS, **OTHERS}.items()}
    values |= {name: draw(st.lists(good, max_size=3)) for name, (good, _near) in LISTS.items()}
    if not re.search("[a-z]", values["caddy_tls_site"].rpartition(".")[2]) or ":" in values["caddy_tls_site"]:
        values["caddy_tls_mode"] = "internal"  # an address gets no certificate by ACME
    return values


def one_new(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """The usual values, but for one variable; it is as it should be, or not quite, or not at all."""
    good, close = {**TEXTS, **LISTS, **OTHERS}[name]
    odd = near(good.map(str))
    value = mix(good, good, close, close, odd, odd, odd, near(close.map(str)), nasty(), NO_TEXT)
    return st.builds(lambda one: {**DEFAULTS, name: [one] if name in LISTS else one}, value)


def stand_ins(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Harmless values of the same kind, and {harmless text: the text that it stands for}."""
    texts = {
        "caddy_tls_site": _harmless_host(values["caddy_tls_site"], 99),
        "caddy_tls_acme_directory": "https://directory.harmless.test/acme",
        "caddy_tls_acme_email": "mail@harmless.test" if values["caddy_tls_acme_email"] else "",
        "caddy_tls_upstream": "upstream.harmless.test:1234",
        "caddy_tls_health_path": "/harmless-health",
        "caddy_tls_results_bucket": "harmless-bucket",
        "caddy_tls_results_path": "/harmless-results",
        "caddy_tls_results_upstream": "results.harmless.test:1235",
        "caddy_tls_results_website_root": ".root.harmless.test",
        "caddy_tls_results_auth_path": "/harmless-me",
    }
    meant = {text: str(values[name]) for name, text in texts.items() if text}
    lists = {
        "caddy_tls_bind_addresses": [_harmless_host(*pair) for pair in _numbered(values["caddy_tls_bind_addresses"])],
        "caddy_tls_closed_paths": [f"/harmless-closed{n}" for _path, n in _numbered(values["caddy_tls_closed_paths"])],
        "caddy_tls_log_hide_after": [
            f"/harmless-log{n}/" for _path, n in _numbered(values["caddy_tls_log_hide_after"])
        ],
    }
    for name, stand_in in lists.items():
        meant |= dict(zip(stand_in, map(str, values[name]), strict=True))
    return {**values, **texts, **lists}, meant


def _numbered(items: list[Any]) -> list[tuple[Any, int]]:
    return [(item, 200 + number) for number, item in enumerate(items)]


def _harmless_host(host: str, number: int) -> str:
    """A host of the same kind (name, IPv4, IPv6), because Caddy writes each kind in its own way."""
    try:
        return f"2001:db8::{number}" if ipaddress.ip_address(host).version == 6 else f"192.0.2.{number}"
    except ValueError:
        return f"host{number}.harmless.test"


def replaced(found: Any, meant: dict[str, str]) -> Any:
    """A configuration with each harmless text in it replaced by the one that it stands for."""
    if isinstance(found, dict):
        return {replaced(key, meant): replaced(value, meant) for key, value in found.items()}
    if isinstance(found, list):
        return [replaced(item, meant) for item in found]
    if isinstance(found, str):
        for text, value in meant.items():
            found = found.replace(text, value)
    return found


def difference(one: Any, other: Any, where: str = "") -> str:
    """Where two configurations differ first, or nothing."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return next(filter(None, (difference(one[key], other[key], f"{where}/{key}") for key in one)), "")
    if where.endswith("/listen"):  # Caddy sorts addresses, and drops those that come twice
        one, other = sorted(set(one)), sorted(set(other))
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return next(filter(None, (difference(*pair, f"{where}/{number}") for number, pair in pairs)), "")
    return "" if one == other else f"{where}: {one!r} is meant and Caddy read {other!r}"


@pytest.fixture(scope="module")
def caddy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caddy]:
    program = Caddy(tmp_path_factory.mktemp("caddy"))
    yield program
    program.stop()


def problem(caddy: Caddy, values: dict[str, Any]) -> str:
    """What is wrong with Caddy's reading of a Caddyfile that was made of these values, or nothing."""
    plain, meant = stand_ins(values)
    wanted = replaced(caddy.adapt(ROLE.render("caddy/Caddyfile.j2", plain)), meant)
    caddyfile = ROLE.render("caddy/Caddyfile.j2", values)
    return difference(wanted, caddy.adapt(caddyfile)) or caddy.validate(caddyfile)


@pytest.mark.parametrize("name", [*TEXTS, *LISTS, *OTHERS, "all"])
def test_caddy_reads_what_is_meant_or_preflight_refuses(caddy: Caddy, name: str) -> None:
    failures, refused = [], 0
    made = cases(all_new(), 50) if name == "all" else cases(one_new(name), 25)
    for values in made:
        shown = values if name == "all" else values[name]
        try:
            sentences = ROLE.problems(values)
            whys = [sentence_problem(sentence) for sentence in sentences] or [problem(caddy, values)]
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told with the case
            sentences, whys = [], [f"{type(error).__name__}: {error}"]
        if len({sentence.split()[0] for sentence in sentences}) < len(sentences):
            whys.append(f"one variable is told in two sentences: {sentences}")
        failures += [(shown, why) for why in whys if why]
        refused += bool(sentences)
    count("caddy adapt: Caddyfile of caddy_tls", len(made) - refused, refused)
    assert not failures, told(failures)
