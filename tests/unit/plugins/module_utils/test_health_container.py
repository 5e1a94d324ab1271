# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import http.server
import json
import socketserver
import threading
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils._health_container import probe_container, verdict
from ansible_collections.selfhost.aistack.plugins.module_utils._health_net import HopelessError, NotReadyError


def container(status="running", health=None, said=None, name="app-web-1", **state):
    """A container as the engine's inspect tells it, reduced to what is read."""
    state = {"Status": status, "ExitCode": 0, "OOMKilled": False, **state}
    if health:
        state["Health"] = {"Status": health, "Log": [{"Output": said}] if said else []}
    return {"Id": f"id-{name}", "Name": f"/{name}", "RestartCount": 3, "State": state, "Config": {"Env": None}}


@pytest.mark.parametrize(
    ("state", "outcome", "words"),
    [
        (container(), "ready", "is ready"),
        (container(health="healthy"), "ready", "is ready"),
        (container(health="none"), "ready", "is ready"),
        (container(health="starting"), "waiting", "is starting"),
        (
            container(health="unhealthy", said="curl:\n (7) refused\n"),
            "waiting",
            "is unhealthy (its last check said: curl: (7) refused)",
        ),
        (container("created"), "waiting", "is created"),
        (container("paused"), "waiting", "is paused"),
        (container("removing"), "waiting", "is removing"),
        (container("restarting", ExitCode=1), "waiting", "is being restarted after code 1 (for the 3. time)"),
        (container("exited", ExitCode=2), "ended", "has exited with code 2"),
        (
            container("exited", ExitCode=137, OOMKilled=True),
            "ended",
            "has exited with code 137, killed because it ran out of memory",
        ),
        (container("dead", health="unhealthy"), "ended", "is dead with code 0"),
    ],
)
def test_verdict(state, outcome, words):
    assert verdict(state) == (outcome, words)


def frame(stream, data):
    """A piece of a container's log as the engine sends it."""
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


class Engine(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers the three questions that the probe asks an engine, about the containers that a test gives it."""

    daemon_threads = True

    def __init__(self, path):
        self.containers = []  # (labels, inspected)
        self.last_words = b"boom\n"
        super().__init__(path, _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    def address_string(self):
        return "unix"

    def log_message(self, *args):
        pass

    def do_GET(self):
        parts = urlsplit(self.path)
        steps = parts.path.strip("/").split("/")
        if steps == ["containers", "json"]:
            wanted = [label.split("=") for label in json.loads(parse_qs(parts.query)["filters"][0])["label"]]
            return self._answer(
                [
                    {"Id": found["Id"], "Labels": labels}
                    for labels, found in self.server.containers
                    if all(labels.get(name) == value for name, value in wanted)
                ]
            )
        for _labels, found in self.server.containers:
            if unquote(steps[1]) in (found["Id"], found["Name"].lstrip("/")):
                if steps[2] == "json":
                    return self._answer(found)
                return self._send(200, frame(1, b"starting...\n \n") + frame(2, self.server.last_words))
        return self._send(404, b'{"message": "No such container"}')

    def _answer(self, value):
        self._send(200, json.dumps(value).encode())

    def _send(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def engine(tmp_path):
    with Engine(str(tmp_path / "docker.sock")) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def labels(project, service, **more):
    return {"com.docker.compose.project": project, "com.docker.compose.service": service, **more}


def ask(target, engine, **options):
    probe_container(target("container", docker_socket=engine.server_address, **options), 5, False)


def test_by_name_and_by_compose_service(engine, target):
    engine.containers = [(labels("app", "web"), container(health="healthy"))]
    ask(target, engine, container="app-web-1")
    ask(target, engine, project="app", service="web")
    ask(target, engine, project="app")


def test_missing_is_waited_for(engine, target):
    with pytest.raises(NotReadyError, match=r"^container web does not exist \(yet\)$"):
        ask(target, engine, container="web")
    with pytest.raises(NotReadyError, match=r"^service web of project app does not exist \(yet\)$"):
        ask(target, engine, project="app", service="web")


def test_every_container_of_a_project_must_be_ready(engine, target):
    engine.containers = [
        (labels("app", "web"), container()),
        (labels("app", "db"), container(name="app-db-1", health="starting")),
    ]
    ask(target, engine, project="app", service="web")
    with pytest.raises(NotReadyError, match="^container app-db-1 is starting$"):
        ask(target, engine, project="app")


def test_exited_is_hopeless_and_told_with_its_last_lines(engine, target):
    engine.containers = [(labels("app", "web"), container("exited", ExitCode=1))]
    with pytest.raises(HopelessError) as caught:
        ask(target, engine, project="app", service="web")
    assert str(caught.value) == "container app-web-1 has exited with code 1; its last lines: starting... | boom"


def test_last_lines_are_told_without_the_containers_secrets(engine, target, tmp_path):
    (tmp_path / "redis_password").write_text("from-a-file\n")
    ended = container("exited", ExitCode=1)
    ended["Config"]["Env"] = ["API_KEY=from-a-variable", "TZ=Europe/Berlin", "EMPTY_TOKEN="]
    ended["Mounts"] = [{"Source": str(tmp_path / "redis_password"), "Destination": "/run/secrets/redis_password"}]
    engine.containers = [({}, ended)]
    engine.last_words = b"refused from-a-variable and from-a-file in Europe/Berlin\n"
    with pytest.raises(HopelessError, match=r"refused \*{8} and \*{8} in Europe/Berlin$"):
        ask(target, engine, container="app-web-1")


def test_containers_of_one_off_runs_do_not_count(engine, target):
    engine.containers = [
        (labels("app", "web"), container()),
        (labels("app", "web", **{"com.docker.compose.oneoff": "True"}), container("exited", name="app-web-run-1")),
    ]
    ask(target, engine, project="app", service="web")


def test_no_engine_is_waited_for(target, tmp_path):
    with pytest.raises(NotReadyError, match="does not answer"):
        probe_container(target("container", container="x", docker_socket=str(tmp_path / "none")), 5, False)
