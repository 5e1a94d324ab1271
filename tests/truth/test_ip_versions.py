# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host without IPv6 carries the site, and so does one that has nothing but IPv6."""

from __future__ import annotations


def test_a_host_without_ipv6_carries_the_site(converged):
    """Hosts of the bed have no IPv6, not even on loopback, and yet the site was converged on this one."""
    assert converged.on_host("cat /proc/net/if_inet6") == ""
    assert "0.0.0.0:443" in converged.on_host("ss -Htln") or "*:443" in converged.on_host("ss -Htln")


def test_a_host_that_has_ipv6_alone_carries_the_site(stand):
    """It is reached, named and asked by that address; a document goes through the front door."""
    stand.bed("cut", stand.name)
    try:
        address = stand.bed("ipv6", stand.name, "on").strip()
        reached = ("-e", f"ansible_host={address}")
        stand.converge(*reached, variables={"caddy_tls_site": address})
        assert stand.play("site", *reached, variables={"caddy_tls_site": address}).changes == []
        verified = stand.play("verify", *reached, variables={"caddy_tls_site": address})
        assert verified.rc == 0, verified.output[-6000:]
    finally:
        stand.bed("ipv6", stand.name, "off")
        stand.bed("heal", stand.name)
    stand.converge()
