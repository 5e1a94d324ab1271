# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian's pebble: an ACME server that checks each challenge over HTTP, with a name server that knows one address."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import urllib.request
from pathlib import Path

from . import programs
from .authority import Authority
from .net import LOOPBACK, free_port, listens, wait_until


class Pebble:
    """directory: its URL; authority: the one that signed its own HTTPS; roots(): the one that signs for sites."""

    def __init__(self, folder: Path, challenge_http: int, challenge_tls: int):
        port, self._management, names = free_port(), free_port(), free_port()
        self.authority = Authority()
        certificate, key = self.authority.issue(LOOPBACK)
        (folder / "cert.pem").write_text(certificate)
        (folder / "key.pem").write_text(key)
        (folder / "ca.pem").write_text(self.authority.pem)
        self._trust = str(folder / "ca.pem")
        settings = {
            "listenAddress": f"{LOOPBACK}:{port}",
            "managementListenAddress": f"{LOOPBACK}:{self._management}",
            "certificate": str(folder / "cert.pem"),
            "privateKey": str(folder / "key.pem"),
            "httpPort": challenge_http,
            "tlsPort": challenge_tls,
        }
        (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
        self.directory = f"https://{LOOPBACK}:{port}/dir"
        self.output = folder / "output"
        program = programs.pebble()
        name_server = [
            f"{program}-challtestsrv",
            "-defaultIPv4",
            LOOPBACK,
            "-defaultIPv6",
            "",
            "-dns01",
            f"{LOOPBACK}:{names}",
        ]
        name_server += ["-http01", "", "-https01", "", "-tlsalpn01", "", "-management", f"{LOOPBACK}:{free_port()}"]
        if "-doh " in subprocess.run([name_server[0], "-help"], capture_output=True, text=True, check=False).stderr:
            name_server += ["-doh", ""]
        server = [program, "-config", str(folder / "pebble.json"), "-dnsserver", f"{LOOPBACK}:{names}"]
        environment = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
        with self.output.open("wb") as output:
            self._processes = [
                subprocess.Popen(command, env=environment, stdout=output, stderr=output)
                for command in (name_server, server)
            ]
        wait_until("pebble listens", lambda: listens(port) and listens(self._management))

    def root(self) -> str:
        """The certificate of the authority that signs for sites, in PEM."""
        context = ssl.create_default_context(cafile=self._trust)
        with urllib.request.urlopen(f"https://{LOOPBACK}:{self._management}/roots/0", context=context) as answer:
            return answer.read().decode()

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
            process.wait(timeout=30)
