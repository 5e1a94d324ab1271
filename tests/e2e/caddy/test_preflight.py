# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A wrong value is one sentence with the variable, what it is, and what is accepted; a secret is never shown."""

from __future__ import annotations

import pytest
from caddybed.authority import Authority
from caddybed.role import problems

SITE = {"caddy_tls_site": "docs.example.org", "caddy_tls_mode": "internal"}
ACME = {**SITE, "caddy_tls_mode": "acme"}
RESULTS = {**SITE, "caddy_tls_results_access": "public", "caddy_tls_results_bucket": "reflow-results"}
CERTIFICATE, KEY = Authority().issue("docs.example.org")
FILES = {**SITE, "caddy_tls_mode": "files", "caddy_tls_certificate": CERTIFICATE, "caddy_tls_key": KEY}


@pytest.mark.parametrize(
    "values",
    [
        SITE,
        ACME,
        RESULTS,
        FILES,
        {**SITE, "caddy_tls_site": "192.0.2.7", "caddy_tls_ca_copy_to": "ca.crt"},
        {**SITE, "caddy_tls_site": "2001:db8::7", "caddy_tls_bind_addresses": ["192.0.2.7", "2001:db8::7"]},
        {**FILES, "caddy_tls_site": "192.0.2.7", "caddy_tls_ca_root": CERTIFICATE},
        {
            **ACME,
            "caddy_tls_acme_email": "a.b+c@example.org",
            "caddy_tls_acme_directory": "https://ca.internal:9000/acme/dir",
        },
        {**RESULTS, "caddy_tls_results_access": "authenticated", "caddy_tls_upstream": "[2001:db8::8]:8080"},
        {**SITE, "caddy_tls_http_port": "8080", "caddy_tls_https_port": "8443", "caddy_tls_max_body": "1GiB"},
        {**SITE, "caddy_tls_closed_paths": ["/docs", "/openapi.json"], "caddy_tls_log_hide_after": []},
    ],
)
def test_accepted(values):
    assert problems(**values) == []


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({**SITE, "caddy_tls_site": ""}, "caddy_tls_site is not set"),
        ({**SITE, "caddy_tls_site": None}, "caddy_tls_site is not set"),
        ({**SITE, "caddy_tls_site": "https://docs.example.org"}, "caddy_tls_site is 'https://docs.example.org'"),
        ({**SITE, "caddy_tls_site": "docs.example.org:443"}, "caddy_tls_site is 'docs.example.org:443'"),
        ({**SITE, "caddy_tls_site": "*.example.org"}, "caddy_tls_site is '*.example.org'"),
        ({**SITE, "caddy_tls_site": "a b {"}, "caddy_tls_site is 'a b {'"),
        ({**SITE, "caddy_tls_mode": ""}, "caddy_tls_mode is not set"),
        ({**SITE, "caddy_tls_mode": "letsencrypt"}, "caddy_tls_mode is 'letsencrypt'"),
        (
            {**ACME, "caddy_tls_site": "192.0.2.7"},
            "caddy_tls_site is '192.0.2.7', and certificates by ACME are for host names",
        ),
        ({**ACME, "caddy_tls_site": "2001:db8::7"}, "caddy_tls_site is '2001:db8::7', and certificates by ACME"),
        ({**ACME, "caddy_tls_acme_email": "admin"}, "caddy_tls_acme_email is 'admin'"),
        ({**ACME, "caddy_tls_acme_email": "a@b.c\nd"}, "caddy_tls_acme_email is 'a@b.c\\nd'"),
        (
            {**ACME, "caddy_tls_acme_directory": "http://ca.internal/dir"},
            "caddy_tls_acme_directory is 'http://ca.internal/dir'",
        ),
        ({**ACME, "caddy_tls_ca_root": "/etc/ca.pem"}, "caddy_tls_ca_root holds no certificate in PEM"),
        (
            {**ACME, "caddy_tls_ca_copy_to": "ca.crt"},
            "caddy_tls_ca_copy_to is 'ca.crt', and only caddy_tls_mode 'internal'",
        ),
        ({**FILES, "caddy_tls_certificate": ""}, "caddy_tls_certificate holds no certificate in PEM"),
        ({**FILES, "caddy_tls_certificate": None}, "caddy_tls_certificate holds no certificate in PEM"),
        ({**FILES, "caddy_tls_key": ""}, "caddy_tls_key holds no private key in PEM"),
        ({**FILES, "caddy_tls_key": CERTIFICATE}, "caddy_tls_key holds no private key in PEM"),
        ({**FILES, "caddy_tls_key": "-----BEGIN ENCRYPTED PRIVATE KEY-----"}, "caddy_tls_key is encrypted"),
        ({**SITE, "caddy_tls_image": "caddy"}, "caddy_tls_image is 'caddy', which has no tag"),
        ({**SITE, "caddy_tls_image": "caddy:latest"}, "caddy_tls_image is 'caddy:latest'"),
        ({**SITE, "caddy_tls_http_port": 0}, "caddy_tls_http_port is 0"),
        ({**SITE, "caddy_tls_https_port": "https"}, "caddy_tls_https_port is 'https'"),
        ({**SITE, "caddy_tls_http_port": 443}, "caddy_tls_http_port and caddy_tls_https_port are both 443"),
        ({**SITE, "caddy_tls_bind_addresses": ["eth0"]}, "caddy_tls_bind_addresses is 'eth0'"),
        ({**SITE, "caddy_tls_redirect": "no"}, "caddy_tls_redirect is 'no'"),
        ({**SITE, "caddy_tls_upstream": "http://127.0.0.1:8080"}, "caddy_tls_upstream is 'http://127.0.0.1:8080'"),
        ({**SITE, "caddy_tls_upstream": "127.0.0.1"}, "caddy_tls_upstream is '127.0.0.1'"),
        ({**SITE, "caddy_tls_upstream_patience": -1}, "caddy_tls_upstream_patience is -1"),
        ({**SITE, "caddy_tls_max_body": "110 MB"}, "caddy_tls_max_body is '110 MB'"),
        ({**SITE, "caddy_tls_max_body": 110}, "caddy_tls_max_body is 110"),
        ({**SITE, "caddy_tls_longest_request": 10}, "caddy_tls_longest_request is 10"),
        ({**SITE, "caddy_tls_closed_paths": ["/docs/"]}, "caddy_tls_closed_paths is '/docs/'"),
        ({**SITE, "caddy_tls_health_path": "/{env.HOME}"}, "caddy_tls_health_path is '/{env.HOME}'"),
        ({**SITE, "caddy_tls_results_access": "open"}, "caddy_tls_results_access is 'open'"),
        ({**RESULTS, "caddy_tls_results_bucket": ""}, "caddy_tls_results_bucket is not set"),
        ({**RESULTS, "caddy_tls_results_bucket": "A_B"}, "caddy_tls_results_bucket is 'A_B'"),
        ({**RESULTS, "caddy_tls_results_path": "/"}, "caddy_tls_results_path is '/'"),
        ({**RESULTS, "caddy_tls_results_upstream": "garage"}, "caddy_tls_results_upstream is 'garage'"),
        ({**RESULTS, "caddy_tls_results_website_root": "web.garage"}, "caddy_tls_results_website_root is 'web.garage'"),
        ({**RESULTS, "caddy_tls_results_auth_path": "me"}, "caddy_tls_results_auth_path is 'me'"),
        ({**SITE, "caddy_tls_hsts_max_age": "1 year"}, "caddy_tls_hsts_max_age is '1 year'"),
        ({**SITE, "caddy_tls_hsts_subdomains": "yes"}, "caddy_tls_hsts_subdomains is 'yes'"),
        ({**SITE, "caddy_tls_log_level": "info"}, "caddy_tls_log_level is 'info'"),
        ({**SITE, "caddy_tls_log_hide_after": ["/a.b/"]}, "caddy_tls_log_hide_after is '/a.b/'"),
        ({**SITE, "caddy_tls_memory_limit": "lots"}, "caddy_tls_memory_limit is 'lots'"),
        ({**SITE, "caddy_tls_uid": 0}, "caddy_tls_uid is 0"),
        ({**SITE, "caddy_tls_grace": "30s"}, "caddy_tls_grace is '30s'"),
        ({**SITE, "caddy_tls_wait": 1}, "caddy_tls_wait is 1"),
    ],
)
def test_refused(values, sentence):
    found = problems(**values)
    assert len(found) == 1, found
    assert found[0].startswith(sentence)
    assert found[0].endswith(".")
    assert ": set it to " in found[0] or ": set them to " in found[0] or ": leave " in found[0]
    assert "\n" not in found[0]
    assert "BEGIN" not in found[0]


def test_all_problems_are_told_at_once():
    assert len(problems(caddy_tls_site="", caddy_tls_mode="", caddy_tls_image="caddy", caddy_tls_memory_limit="1")) == 4
