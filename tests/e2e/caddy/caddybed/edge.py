# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's templates, rendered by Ansible with the role's own variables, and the real Caddy that runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import yaml

from .net import LOOPBACK, Answer, ask, free_port, listens, wait_until
from .programs import program
from .role import evaluate, problems, render

SITE = "docs.example.test"


class Edge:
    """One Caddy with the role's Caddyfile, on this machine's loopback and as the user of the tests."""

    def __init__(self, folder: Path, **variables: Any):
        self.folder = folder
        self.http, self.https = free_port(), free_port()
        self.etc, self.secrets, self.data = folder / "etc", folder / "secrets", folder / "data"
        for path in (self.etc, self.secrets, self.data, folder / "run"):
            path.mkdir(exist_ok=True)
        self.socket = folder / "run" / "admin.sock"
        self.output = folder / "output"
        self.process: subprocess.Popen[bytes] | None = None
        self.variables: dict[str, Any] = {
            "caddy_tls_site": SITE,
            "caddy_tls_mode": "internal",
            "caddy_tls_bind_addresses": [LOOPBACK],
            "caddy_tls_http_port": self.http,
            "caddy_tls_https_port": self.https,
            "caddy_tls_grace": 1,
            "__caddy_tls_etc": str(self.etc),
            "__caddy_tls_run": str(folder / "run"),
            "__caddy_tls_secrets_path": str(self.secrets),
        }
        self.render(**variables)

    @property
    def site(self) -> str:
        return self.variables["caddy_tls_site"]

    @property
    def authority(self) -> str:
        return f"{self.site}:{self.https}"

    @property
    def config(self) -> list[str]:
        return ["--config", str(self.etc / "Caddyfile"), "--adapter", "caddyfile"]

    @property
    def root(self) -> str:
        """The file with the certificate of Caddy's own authority."""
        return str(self.data / "caddy/pki/authorities/local/root.crt")

    def render(self, **variables: Any) -> None:
        """Write the Caddyfile, compose.yml and secrets that the role makes of the variables (added to earlier ones)."""
        self.variables.update(variables)
        assert problems(**self.variables) == []
        (self.etc / "Caddyfile").write_text(render("caddy/Caddyfile.j2", self.variables))
        (self.folder / "compose.yml").write_text(render("compose.yml.j2", self.variables))
        for name, secret in evaluate("{{ __caddy_tls_secrets }}", self.variables).items():
            (self.secrets / name).write_text(secret["content"])

    @property
    def service(self) -> dict[str, Any]:
        """The service of the rendered compose file."""
        return yaml.safe_load((self.folder / "compose.yml").read_text())["services"]["caddy"]

    @property
    def _environment(self) -> dict[str, str]:
        own = {"XDG_DATA_HOME": str(self.data), "XDG_CONFIG_HOME": str(self.folder), "HOME": str(self.folder)}
        return {**os.environ, **own, "PATH": f"{self.folder}/bin:{os.environ['PATH']}"}

    def caddy(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a caddy command with the environment that the container has."""
        return subprocess.run(
            [program("caddy"), *arguments], env=self._environment, capture_output=True, text=True, check=False
        )

    def healthcheck(self) -> int:
        """The exit status of the compose file's health check."""
        shell, command = self.service["healthcheck"]["test"]
        assert shell == "CMD-SHELL"
        bin_folder = self.folder / "bin"
        bin_folder.mkdir(exist_ok=True)
        if not (bin_folder / "caddy").exists():
            (bin_folder / "caddy").symlink_to(program("caddy"))
        return subprocess.run(["sh", "-c", command.replace("$$", "$")], env=self._environment, check=False).returncode

    def start(self) -> Edge:
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [program("caddy"), "run", *self.config], env=self._environment, stdout=output, stderr=subprocess.STDOUT
            )
        wait_until(f"Caddy listens ({self.folder})", lambda: self.process.poll() is not None or listens(self.https))
        assert self.process.poll() is None, self.output.read_text()
        if self.variables["caddy_tls_mode"] == "internal":
            wait_until("the internal certificate is there", self._answers)
        return self

    def _answers(self) -> bool:
        try:
            return self.ask("/healthz").status == 200
        except OSError:  # TLS errors and a missing file of the authority are OSErrors too
            return False

    def reload(self) -> subprocess.CompletedProcess[str]:
        return self.caddy("reload", *self.config, "--address", f"unix/{self.socket}", "--force")

    def stop(self, with_signal: int = signal.SIGTERM) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(with_signal)
            self.process.wait(timeout=30)

    def ask(
        self, path: str, method: str = "GET", headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """One HTTPS request to the site, with the internal authority trusted and nothing else."""
        headers = {"Host": self.authority, **(headers or {})}
        return ask(self.https, path, method, headers, body, name=self.site, trust=self.root)

    def log(self) -> list[dict[str, Any]]:
        """All that Caddy has written so far."""
        return [json.loads(line) for line in self.output.read_text().splitlines() if line.startswith("{")]
