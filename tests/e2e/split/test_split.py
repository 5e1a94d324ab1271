# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory split_gpu: docling-serve on a host of its own answers the gateway's host and nobody else, also with TLS.

The stack that the front had alone is moved. The other host has stand-ins for GPUs, and a third one looks on. The tests run in their
order.
"""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gpubed import FIRST, SECOND
from splitbed import DOCLING, SplitSite
from truthbed.stand import Run, Stand

_OPENSSL = "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
_GUARD = ("unit", "aistack-guard.service", "start")
_RULES = ("file", "/etc/aistack/guard.nft", "change")


@pytest.fixture(scope="module")
def site(converged: Stand, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SplitSite]:
    """A site whose docling-serve moved to a host of its own. What runs in the old place is ended by hand, so that nobody asks it."""
    made = SplitSite(converged, tmp_path_factory.mktemp("split"))
    made.moved = made.converge()
    made.on_host(f"docker rm --force {DOCLING}")
    yield made
    made.end()


@pytest.fixture(scope="module")
def secret(site: SplitSite, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the inventory has for TLS: a certificate by a private authority, as the README of docling makes it."""
    folder = tmp_path_factory.mktemp("authority")
    for line in [
        f'{_OPENSSL} -x509 -days 2 -subj "/CN=Authority" -addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.pem',
        f'{_OPENSSL} -subj "/CN=docling" -addext subjectAltName=IP:{site.eye.host_private} -keyout key -out csr',
        "openssl x509 -req -in csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -copy_extensions copy -out pem",
    ]:
        subprocess.run(shlex.split(line), cwd=folder, check=True, capture_output=True)
    names = {"docling_certificate": "pem", "docling_key": "key", "gateway_ca_bundle": "ca.pem"}
    return {name: Path(folder, file).read_text(encoding="utf-8") for name, file in names.items()}


def assert_proved(site: SplitSite, **variables: Any) -> None:
    """A document goes through the front door and is converted."""
    run = site.play("verify", variables=variables)
    assert run.rc == 0, run.output[-6000:]


def assert_settled(site: SplitSite, **variables: Any) -> None:
    """Nothing differs from the inventory, and a run changes nothing."""
    for playbook in ("drift", "site"):
        run = site.play(playbook, variables=variables)
        assert (run.rc, run.changes) == (0, []), run.output[-6000:]


def assert_only_the_gateway_is_answered(site: SplitSite) -> None:
    assert site.front_gets(site.url()) == "200"
    assert site.gateway_gets(site.url()) == "200"
    assert site.gpu.on_host(f"curl -s -o /dev/null -w '%{{http_code}}' {site.url()}") == "200", "the host itself"
    assert site.eye_reaches() == {site.gpu.address: [22], site.eye.host_private: [22]}
    assert site.eye_is_answered() == {f"{site.gpu.address}:22": "opens", f"{site.gpu.address}:5001": "refuses"}


def units_read(site: SplitSite) -> str:
    """When systemd on the other host last read its units."""
    return site.gpu.on_host("systemctl show --property=UnitsLoadTimestampMonotonic --value")


def test_only_docling_moves(site: SplitSite) -> None:
    moved: Run = site.moved
    assert {(kind, name) for kind, name, action in moved.things if kind == "service"} == {
        ("service", "docling/docling-serve"),
        ("service", "gateway/api-gateway"),
    }


def test_a_document_is_converted_on_the_other_host(site: SplitSite) -> None:
    assert_proved(site)


def test_the_report_tells_who_has_the_gpus(site: SplitSite) -> None:
    told = site.inventory / "gpus.json"
    run = site.play("gpu_report", "-e", json.dumps({"gpu_report_json": str(told)}))
    assert run.rc == 0, run.output[-6000:]
    report = json.loads(told.read_text(encoding="utf-8"))
    assert [host["host"] for host in report["hosts"]] == ["gpu1"]
    assert [(held["container"], held["by"], held["gpus"]) for held in report["hosts"][0]["holders"]] == [
        (DOCLING, "cdi", [FIRST, SECOND])
    ]
    assert report["wrong"] == []


def test_nothing_is_left_to_do(site: SplitSite) -> None:
    assert_settled(site)


def test_the_gateways_host_alone_is_answered(site: SplitSite) -> None:
    assert_only_the_gateway_is_answered(site)


def test_the_third_machine_would_have_got_through(site: SplitSite) -> None:
    """With the rule taken away by hand it does; a run puts the rule back, and systemd reads no unit anew for it."""
    before = units_read(site)
    site.gpu.on_host("nft delete chain inet aistack_guard clients")
    assert site.eye_reaches() == {site.gpu.address: [22], site.eye.host_private: [22, 5001]}
    assert site.converge().things == {_GUARD}
    assert site.eye_reaches()[site.eye.host_private] == [22]
    assert units_read(site) == before


def test_others_may_be_named(site: SplitSite) -> None:
    """Networks too; only the rules change, and systemd reads no unit anew for it."""
    before = units_read(site)
    eye = site.bed("private", site.eye.name, "on").strip()
    run = site.converge(variables={"docling_clients": [site.private, f"{eye}/32", "fd00::/64"]})
    assert run.things == {_RULES, _GUARD}
    assert site.eye_reaches()[site.eye.host_private] == [22, 5001]
    assert site.front_gets(site.url()) == "200"
    assert site.converge().things == {_RULES, _GUARD}
    assert units_read(site) == before
    assert site.eye_reaches()[site.eye.host_private] == [22]


def test_the_rule_is_there_after_a_restart_of_the_firewall_and_after_a_boot(site: SplitSite) -> None:
    site.gpu.on_host("systemctl restart nftables.service")
    assert site.eye_reaches()[site.eye.host_private] == [22]
    site.bed("power", site.gpu.name, "off")
    site.bed("power", site.gpu.name, "on")
    assert site.eye_reaches()[site.eye.host_private] == [22]
    site.gpu.on_host(f"timeout 120 sh -c 'until curl -sf {site.url()} > /dev/null; do sleep 0.5; done'")
    assert_only_the_gateway_is_answered(site)


def test_tls_between_them(site: SplitSite, secret: dict[str, Any]) -> None:
    """The gateway trusts the authority and nobody else does; the key is docling-serve's alone."""
    foretold = site.play("site", "--check", variables=secret)
    run = site.converge(variables=secret)
    assert run.things == foretold.things
    assert {thing[1] for thing in run.things if thing[0] == "service"} == {
        "docling/docling-serve",
        "gateway/api-gateway",
    }
    assert_proved(site, **secret)
    url = site.url(scheme="https")
    assert site.gateway_gets(url) == "200"
    assert (site.front_gets(url), site.front_gets(url, "--insecure"), site.front_gets(site.url())) == (
        "000",
        "200",
        "000",
    )
    assert site.eye_reaches()[site.eye.host_private] == [22]
    place = "/opt/aistack/docling/secrets/key"
    assert site.gpu.on_host(f"stat -c '%a %u' {place}").strip() == "400 1001"
    line = secret["docling_key"].splitlines()[1]
    assert line in site.gpu.on_host(f"cat {place}")
    assert line not in site.gpu.on_host(f"docker inspect {DOCLING}; docker exec {DOCLING} env")
    assert line not in run.output
    assert_settled(site, **secret)
