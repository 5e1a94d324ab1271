# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificate authorities that this machine trusts beyond the distribution's own, as behind an inspecting proxy."""

from __future__ import annotations

import os
import re
from pathlib import Path

#: Variables that name a bundle of authorities, in the order in which they are asked.
_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_DISTRIBUTION = Path("/usr/share/ca-certificates")
_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def extra() -> list[str]:
    """Return the extra authorities as PEM texts; empty where no variable names a bundle."""
    bundle = next(
        (Path(os.environ[v]) for v in _VARIABLES if os.environ.get(v) and Path(os.environ[v]).is_file()), None
    )
    if bundle is None:
        return []
    known = {_key(block) for file in _DISTRIBUTION.rglob("*.crt") for block in _blocks(file)}
    found = {_key(block): block for block in _blocks(bundle)}
    return [block for key, block in sorted(found.items()) if key not in known]


def _blocks(file: Path) -> list[str]:
    """Return the certificates in a file."""
    return _BLOCK.findall(file.read_text(errors="replace"))


def _key(block: str) -> str:
    """Return the certificate's content without its line breaks, which differ between bundles."""
    return "".join(block.split())
