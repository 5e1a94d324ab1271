# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The provider as a process, and the variables of the role auth that name it."""

import secrets
import sys
from pathlib import Path

from gatewaybed.process import Process, answers, bare_environment

PROVIDER_PORT, GATEWAY_PORT, NOBODY_PORT = 20500, 20501, 20549
ISSUER = f"http://127.0.0.1:{PROVIDER_PORT}/idp"
SITE = f"http://127.0.0.1:{GATEWAY_PORT}"


class Identity:
    """The provider process, and what belongs to it."""

    user = "jane"

    def __init__(self, folder: Path) -> None:
        # Characters that an env file, JSON and a header each treat in their own way.
        self.client_secret = "p$w'\"\\#;:%+" + secrets.token_hex(8)
        self.password = secrets.token_hex(8)
        (folder / "secret").write_text(self.client_secret)
        (folder / "password").write_text(self.password)
        command = [
            sys.executable,
            str(Path(__file__).with_name("provider.py")),
            "--port",
            str(PROVIDER_PORT),
            "--issuer",
            ISSUER,
        ]
        command += ["--client-id", "reflow", "--client-secret-file", str(folder / "secret")]
        for provider_id in ("test", "misled"):
            command += ["--redirect-uri", f"{SITE}/api/v1/auth/callback/{provider_id}"]
        command += ["--user", self.user, "--user-password-file", str(folder / "password")]
        ready = f"{ISSUER}/.well-known/openid-configuration"
        self.process = Process(command, folder / "provider.log", bare_environment(), lambda: answers(ready))

    def settings(self) -> dict:
        """The variables of the role auth: this provider, and once more with a wrong client secret."""
        provider = {
            "id": "test",
            "display_name": "Test provider",
            "discovery_url": f"{ISSUER}/.well-known/openid-configuration",
            "client_id": "reflow",
            "client_secret": self.client_secret,
        }
        return {
            "mode": "oidc",
            "allow_open": False,
            "users": [],
            "oidc_providers": [provider, {**provider, "id": "misled", "client_secret": "another secret"}],
            "oidc_allow_http": True,
            "api_keys": [],
            "api_key_enabled": True,
            "api_key_header": "X-API-Key",
            "secret_key": secrets.token_hex(32),
            "session_ttl": 300,
            "cookie_secure": False,
            "post_login_redirect": "/",
        }
