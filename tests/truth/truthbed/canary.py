# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets that are made to be found again, in every spelling."""

from __future__ import annotations

import base64
import datetime
import re
import secrets
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# What quoting, URLs, env files, Compose, shells and JSON each treat in their own way.
ODD = "'\"$HOME `\\ %41/+&=#;é"
# Keys of the API take visible ASCII without a comma.
ODD_KEY = "'\"$H`\\%41/+&=#;"


class Canaries:
    """One value for each secret there is. All of them hold one mark, so that a search is for few texts."""

    def __init__(self) -> None:
        """Make the mark: hexadecimal digits, which every kind of secret can hold and no encoding writes in another way."""
        self.mark = secrets.token_hex(8)
        self._names: list[str] = []
        self._further: dict[str, str] = {}

    def text(self, name: str, odd: str = ODD) -> str:
        """A secret that can be any text."""
        return f"{self._marked(name)}{odd}{secrets.token_hex(8)}"

    def word(self, name: str) -> str:
        """A secret of letters and digits."""
        return self._marked(name) + secrets.token_hex(20)

    def hex64(self, name: str) -> str:
        """A secret of 64 hexadecimal digits."""
        return self._marked(name) + secrets.token_hex(23)

    def private_key(self, name: str, site_name: x509.GeneralName) -> tuple[str, str]:
        """(certificate, key) as PEM of an authority of its own that is its own site. The key has the mark in front."""
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        self._further[name] = pem.splitlines()[1]
        return _certificate(key, site_name), f"{self._marked(name)}\n{pem}"

    def given(self, name: str, value: str) -> None:
        """Look for a secret too that somebody else made."""
        self._further[name] = value

    @property
    def names(self) -> set[str]:
        """What the secrets are called."""
        return {*self._names, *self._further}

    @property
    def needles(self) -> dict[str, list[str]]:
        """What to search for: the name of a secret or "in base64" to texts, one of which is there if the secret is."""
        plain = {name: [self._head(number)] for number, name in enumerate(self._names)}
        for name, value in self._further.items():
            plain.setdefault(name, []).append(value)
            plain[name] += _base64(value)
        return {**plain, "in base64": _base64(self.mark)}

    def found_in(self, text: str) -> set[str]:
        """The names of the secrets that a text shows."""
        return {name for name, texts in self.needles.items() if any(needle in text for needle in texts)}

    def places_in(self, text: str) -> list[str]:
        """Lines of a text that show a secret, cut short and without it, to tell where it was."""
        forms = [re.escape(form) for texts in self.needles.values() for form in texts]
        shown = [line for line in text.splitlines() if self.found_in(line)]
        return [re.sub("|".join(forms), "<SECRET>", line)[:400] for line in shown]

    def _marked(self, name: str) -> str:
        self._names.append(name)
        return self._head(len(self._names) - 1)

    def _head(self, number: int) -> str:
        return f"{self.mark}{number:02x}"


def _base64(value: str) -> list[str]:
    """What base64 of any text holds where the text holds the value."""
    data = value.encode()
    found = []
    for before in range(3):
        code = base64.b64encode(b"\0" * before + data).decode()
        whole = code[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        found += sorted({whole, whole.translate(str.maketrans("+/", "-_"))})
    return found


def _certificate(key: ec.EllipticCurvePrivateKey, site_name: x509.GeneralName) -> str:
    """A certificate that a key gives itself, for a year of the clock's."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test site")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([site_name]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM).decode()


def kept_secrets(store: str) -> dict[str, str]:
    """The secrets in the text of a store: ids of keys and salts, which are none, are left out."""
    kept: dict[str, Any] = yaml.safe_load(store)["secrets"]
    return {n: entry["value"] for n, entry in kept.items() if not n.endswith("_id") and not n.startswith("auth_salt_")}
