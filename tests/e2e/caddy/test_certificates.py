# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where certificates come from, and that they stay: ACME, own files, Caddy's own authority."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from caddybed.authority import Authority
from caddybed.edge import SITE
from caddybed.net import LOOPBACK, ask, connect, wait_until
from caddybed.pebble import Pebble


def served(edge, trust):
    """The serial number of the certificate that a client is shown, which must be a valid one."""
    with connect(edge.https, edge.site, trust) as sock:
        return sock.getpeercert()["serialNumber"]


def answers(edge, trust):
    """Whether the site answers with a certificate that is accepted."""
    try:
        return ask(edge.https, "/healthz", name=edge.site, trust=trust).status == 200
    except OSError:  # TLS errors are OSErrors too
        return False


@pytest.fixture(scope="module")
def acme(new_edge, tmp_path_factory):
    """A Caddy that is asked for by a pebble, and a file with pebble's root."""
    folder = tmp_path_factory.mktemp("pebble")
    edge = new_edge(caddy_tls_mode="internal")
    pebble = Pebble(folder, edge.http, edge.https)
    edge.render(
        caddy_tls_mode="acme",
        caddy_tls_acme_directory=pebble.directory,
        caddy_tls_acme_email="admin@example.org",
        caddy_tls_ca_root=pebble.authority.pem,
    )
    (folder / "root.pem").write_text(pebble.root())
    edge.start()
    yield edge, str(folder / "root.pem"), pebble
    edge.stop()
    pebble.stop()


def test_acme_gets_a_certificate(acme):
    edge, root, _pebble = acme
    wait_until("the site has its certificate", lambda: answers(edge, root), 60)
    assert "admin@example.org" in "".join(path.read_text() for path in edge.data.rglob("*.json"))
    assert ask(edge.https, "/healthz", name=SITE, trust=root).headers["Strict-Transport-Security"] == "max-age=31536000"
    assert edge.healthcheck() == 0


def test_certificate_and_account_survive(acme):
    edge, root, pebble = acme
    wait_until("the site has its certificate", lambda: answers(edge, root), 60)
    before, asked = served(edge, root), pebble.output.read_text().count("order-plz")
    account = sorted(edge.data.glob("caddy/acme/*/users/*/*.key"))[0].read_text()
    assert asked == 1
    edge.reload()
    edge.stop(signal.SIGKILL)
    edge.start()
    wait_until("the site answers again", lambda: answers(edge, root))
    assert served(edge, root) == before
    assert pebble.output.read_text().count("order-plz") == asked
    assert sorted(edge.data.glob("caddy/acme/*/users/*/*.key"))[0].read_text() == account


def test_own_files(new_edge, tmp_path):
    authority = Authority()
    trust = tmp_path / "ca.pem"
    trust.write_text(authority.pem)
    certificate, key = authority.issue(SITE)
    edge = new_edge(
        caddy_tls_mode="files", caddy_tls_certificate=certificate, caddy_tls_key=key, caddy_tls_ca_root=authority.pem
    )
    edge.start()
    assert (
        ask(edge.https, "/healthz", name=SITE, trust=str(trust)).headers["Strict-Transport-Security"]
        == "max-age=31536000"
    )
    before = served(edge, str(trust))

    # Another certificate in the same place: the Caddyfile is the same, and nothing restarts.
    certificate, key = authority.issue(SITE)
    edge.render(caddy_tls_certificate=certificate, caddy_tls_key=key)
    process = edge.process.pid
    assert edge.caddy("validate", *edge.config).returncode == 0
    assert edge.reload().returncode == 0
    assert served(edge, str(trust)) != before
    assert edge.process.pid == process
    assert edge.process.poll() is None

    # A key of another certificate is found before it is used, and what runs is not touched by the check.
    edge.render(caddy_tls_key=authority.issue(SITE)[1])
    checked = edge.caddy("validate", *edge.config)
    assert checked.returncode != 0
    assert "private key does not match public key" in checked.stderr
    assert edge.healthcheck() == 0
    assert answers(edge, str(trust))


def test_the_internal_authority_survives(new_edge):
    edge = new_edge(caddy_tls_hsts_max_age=600, caddy_tls_hsts_subdomains=True).start()
    root, before = Path(edge.root).read_text(), served(edge, edge.root)
    assert edge.ask("/healthz").headers["Strict-Transport-Security"] == "max-age=600; includeSubDomains"
    assert edge.reload().returncode == 0
    edge.stop(signal.SIGKILL)
    edge.start()
    assert Path(edge.root).read_text() == root
    assert served(edge, edge.root) == before


def test_a_site_that_is_an_address(new_edge):
    edge = new_edge(caddy_tls_site=LOOPBACK).start()
    # For an address no name is sent in TLS; the certificate must be for it all the same.
    assert edge.ask("/healthz").status == 200
    assert edge.ask("/echo").status == 200
    assert edge.ask("/", headers={"Host": "other.example.test"}).status == 421
    assert ask(edge.http, "/", name=LOOPBACK).headers["Location"] == f"https://{LOOPBACK}:{edge.https}/"


@pytest.mark.parametrize("site", ["192.0.2.7", "2001:db8::7", "xn--dokumente-q4a.example"])
def test_other_sites_are_valid(new_edge, site):
    edge = new_edge(caddy_tls_site=site, caddy_tls_bind_addresses=[LOOPBACK, "::1"], caddy_tls_redirect=False)
    checked = edge.caddy("validate", *edge.config)
    assert checked.returncode == 0, checked.stderr
    assert edge.caddy("fmt", "--diff", str(edge.etc / "Caddyfile")).returncode == 0
