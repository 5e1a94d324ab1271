# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from ansible_collections.selfhost.aistack.plugins.plugin_utils import certificates


def pem(key, *names):
    """A certificate in PEM for DNS names and addresses."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "10.0.0.9")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    general = [
        x509.DNSName(n) if n[-1].isalpha() and ":" not in n else x509.IPAddress(ipaddress.ip_address(n)) for n in names
    ]
    if general:
        builder = builder.add_extension(x509.SubjectAlternativeName(general), critical=False)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, algorithm).public_bytes(serialization.Encoding.PEM).decode()


def private(key, form=serialization.PrivateFormat.PKCS8, encryption=None):
    return key.private_bytes(
        serialization.Encoding.PEM, form, encryption or serialization.NoEncryption()
    ).decode()  # fmt: skip


KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ed25519.Ed25519PrivateKey.generate()
CERTIFICATE = pem(KEY, "10.0.0.5", "fd00::5", "gpu.example.org", "*.lan.example.org")


@pytest.mark.parametrize(
    "by", ["", "10.0.0.5", "fd00::5", "fd00:0::5", "gpu.example.org", "GPU.example.org", "a.lan.example.org"]
)
def test_a_certificate_that_names_what_it_is_reached_by(by):
    assert certificates.certificate(CERTIFICATE, "cert", by) == []
    assert certificates.certificate(CERTIFICATE + pem(OTHER), "cert", by) == [], "a chain"


@pytest.mark.parametrize("by", ["10.0.0.6", "example.org", "a.b.lan.example.org", "lan.example.org"])
def test_a_certificate_for_something_else(by):
    (told,) = certificates.certificate(CERTIFICATE, "cert", by)
    assert told.startswith("cert is for 10.0.0.5, fd00::5, gpu.example.org, *.lan.example.org, and clients reach it by")
    assert told.endswith(f":{by}.")


def test_the_common_name_does_not_count():
    (told,) = certificates.certificate(pem(OTHER), "cert", "10.0.0.9")
    assert told.startswith("cert has no subjectAltName")


@pytest.mark.parametrize(
    "value", [7, "cert.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", private(KEY)]
)
def test_no_certificate(value):
    (told,) = certificates.certificate(value, "cert")
    assert told.startswith("cert holds no certificate in PEM that can be read: set it to")


@pytest.mark.parametrize("value", [None, "", "  "])
def test_nothing_at_all(value):
    """An undefined variable comes as None."""
    for rule in (certificates.certificate, certificates.private_key):
        (told,) = rule(value, "pem")
        assert told.startswith("pem is not set (or uses a variable that is not defined): set it to the text of one")


@pytest.mark.parametrize(
    "text", [private(KEY), private(KEY, serialization.PrivateFormat.TraditionalOpenSSL), "a note\n" + private(KEY)]
)
def test_a_key(text):
    assert certificates.private_key(text, "key") == []
    assert certificates.private_key(text, "key", CERTIFICATE, "cert") == []
    (told,) = certificates.private_key(text, "key", pem(OTHER), "cert")
    assert told.startswith("key is not the key of cert: set both")


def test_a_key_of_another_kind():
    assert certificates.private_key(private(OTHER), "key", pem(OTHER), "cert") == []
    assert certificates.private_key(private(OTHER), "key", CERTIFICATE, "cert") != []


@pytest.mark.parametrize("form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL])
def test_a_key_with_a_passphrase(form):
    text = private(KEY, form, serialization.BestAvailableEncryption(b"hush"))
    (told,) = certificates.private_key(text, "key")
    assert told.startswith("key is encrypted with a passphrase")


@pytest.mark.parametrize("value", [7, "hush", CERTIFICATE, private(KEY).replace("M", "N", 3)])
def test_no_key(value):
    (told,) = certificates.private_key(value, "key")
    assert told.startswith("key holds no private key in PEM that can be read: set it to")
    assert "hush" not in told
