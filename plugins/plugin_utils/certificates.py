# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules for certificates and keys in PEM that an inventory holds; of a key nothing is ever shown.

Like those of checks.py each returns one sentence of what is wrong, or nothing. cryptography comes with ansible-core; it is imported
where it is used, since most runs have no use for it.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from ansible_collections.selfhost.aistack.plugins.plugin_utils.checks import UNSET, is_blank

if TYPE_CHECKING:
    from cryptography import x509

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_LOOKUP = "lookup('ansible.builtin.file', 'fullchain.pem')"


def certificate(value: Any, name: str, reached_by: str = "") -> list[str]:
    """Accept one or more certificates in PEM, the first of which names `reached_by` (a host name or IP address) if that is given."""
    found = _certificates(value)
    if not found:
        why = UNSET if is_blank(value) else "holds no certificate in PEM that can be read"
        return [f"{name} {why}: set it to the text of one, such as {_LOOKUP}."]
    if not reached_by:
        return []
    names = _names(found[0])
    if any(_covers(known, reached_by) for known in names):
        return []
    told = f"is for {', '.join(names)}" if names else "has no subjectAltName"
    needed = f"{'IP' if _address(reached_by) else 'DNS'}:{reached_by}"
    cure = f"set it to a certificate whose subjectAltName has {needed}"
    return [f"{name} {told}, and clients reach it by {reached_by}: {cure}."]


def private_key(value: Any, name: str, pair: Any = "", pair_name: str = "") -> list[str]:
    """Accept a private key in PEM without a passphrase, which is that of the certificate `pair` if that is given."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    text = value if isinstance(value, str) else ""
    if re.search(r"-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED", text):
        return [
            f"{name} is encrypted with a passphrase, which a service cannot ask for: set it to the key without one, from a vault."
        ]
    try:
        key = serialization.load_pem_private_key(text.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        why = UNSET if is_blank(value) else "holds no private key in PEM that can be read"
        return [f"{name} {why}: set it to the text of one, from a vault."]
    found = _certificates(pair)
    if found and _raw(found[0].public_key()) != _raw(key.public_key()):
        return [f"{name} is not the key of {pair_name}: set both to a certificate and the key that it was made with."]
    return []


def _certificates(value: Any) -> list[x509.Certificate]:
    from cryptography import x509

    blocks = _BLOCK.findall(value) if isinstance(value, str) else []
    try:
        return [x509.load_pem_x509_certificate(block.encode()) for block in blocks]
    except ValueError:
        return []


def _raw(key: Any) -> bytes:
    """A public key in a form that can be compared in every version of cryptography."""
    from cryptography.hazmat.primitives import serialization

    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _names(found: x509.Certificate) -> list[str]:
    """What a certificate is for; clients look at the subjectAltName alone."""
    from cryptography import x509

    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [str(name.value) for name in names if isinstance(name, (x509.DNSName, x509.IPAddress))]


def _covers(known: str, asked: str) -> bool:
    if _address(known) or _address(asked):
        return _address(known) == _address(asked)
    known, asked = known.lower(), asked.lower()
    return known == asked or (known.startswith("*.") and known[2:] == asked.partition(".")[2])


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
