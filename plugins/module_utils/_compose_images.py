# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images on the host: are they there, are they still what the registry has under that name, pull them with progress.

Private to the collection.
"""

from __future__ import annotations

import base64
import json
import os
from urllib.parse import quote, urlencode

from ansible_collections.selfhost.aistack.plugins.module_utils._docker import DockerError

DEFAULT_REGISTRY = "https://index.docker.io/v1/"


def split(reference):
    """(repository, tag or digest) of an image reference; a digest wins over a tag."""
    if "@" in reference:
        name, digest = reference.split("@", 1)
        head, sep, last = name.rpartition("/")
        return f"{head}{sep}{last.split(':', 1)[0]}", digest
    head, sep, last = reference.rpartition("/")
    name, _sep, tag = last.partition(":")
    return f"{head}{sep}{name}", tag


def registry_of(reference):
    """The registry's name as the engine's client stores logins under it."""
    first, sep, _rest = reference.partition("/")
    if sep and first != "docker.io" and ("." in first or ":" in first or first == "localhost"):
        return first
    return DEFAULT_REGISTRY


def login_header(reference, config_file=None):
    """The X-Registry-Auth header for a reference from root's docker login, {} where there is none.

    Credential helpers are not asked; a registry that needs one is logged in to with `docker login` on the host.
    """
    path = config_file or os.path.join(os.path.expanduser("~root"), ".docker", "config.json")
    try:
        with open(path, encoding="utf-8") as handle:
            entry = json.load(handle).get("auths", {}).get(registry_of(reference), {})
    except (OSError, ValueError):
        return {}
    if not entry.get("auth"):
        return {}
    user, _sep, password = base64.b64decode(entry["auth"]).decode().partition(":")
    login = {"username": user, "password": password, "serveraddress": registry_of(reference)}
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(login).encode()).decode()}


def local_ids(docker, references):
    """{reference: image id on the host or None}"""
    return {reference: (docker.image(reference) or {}).get("Id") for reference in references}


def moved(docker, reference):
    """Whether a registry now has another image under a tag than the host. A digest never moves."""
    if "@" in reference:
        return False
    image = docker.image(reference)
    if image is None:
        return True
    status, data = docker.request(
        "GET", f"/distribution/{quote(reference, safe='/:@')}/json", headers=login_header(reference)
    )
    if status >= 400:
        raise DockerError(
            f"The registry does not tell about {reference}: {data.decode('utf-8', 'replace').strip()}", status
        )
    digest = json.loads(data)["Descriptor"]["digest"]
    return not any(known.endswith("@" + digest) for known in image.get("RepoDigests") or [])


def pull(docker, reference, say):
    """Pull one image; `say` gets a sentence with the bytes so far. DockerError with the registry's words if it cannot be had."""
    repository, tag = split(reference)
    name = reference.split("@")[0]
    steps = {"Downloading": {}, "Extracting": {}}
    query = urlencode({"fromImage": repository, "tag": tag})
    for event in docker.events("POST", f"/images/create?{query}", headers=login_header(reference)):
        if event.get("error"):
            raise DockerError(event["error"])
        status, layer = event.get("status", ""), event.get("id")
        progress = event.get("progressDetail") or {}
        if status in steps and progress.get("total"):
            steps[status][layer] = (progress.get("current", 0), progress["total"])
        for step in {"Download complete": ["Downloading"], "Pull complete": list(steps)}.get(status, []):
            if layer in steps[step]:
                steps[step][layer] = (steps[step][layer][1],) * 2
        say(f"pulling {name}: " + (_megabytes(steps) or status))


def pull_problem(reference, words):
    """Why an image cannot be had and what to do, in one sentence from the engine's words."""
    registry = registry_of(reference)
    name = "Docker Hub" if registry == DEFAULT_REGISTRY else f"the registry {registry}"
    words = words.strip().rstrip(".")
    said = words.lower()
    if any(sign in said for sign in ("unauthorized", "denied", "authentication required", "no basic auth")):
        return f"{name} does not give it out ({words}); check its name, and log in there as root on the host (docker login)"
    if any(sign in said for sign in ("manifest unknown", "not found", "does not exist", "name unknown")):
        what = "digest" if "@" in reference else "tag"
        return f"{name} has no image of that name and {what} ({words}); give one that it has"
    if "EOF" in words or any(sign in said for sign in ("dial tcp", "timeout", "deadline exceeded", "connection re")):
        return f"{name} does not answer ({words}); see that it runs and that the host reaches it"
    return f"{name} cannot be used ({words})"


def _megabytes(steps):
    """How far downloading and unpacking are, in words; '' before anything is known."""
    words = {"Downloading": "{0:.0f} of {1:.0f} MB", "Extracting": "unpacked {0:.0f} of {1:.0f} MB"}
    sums = {
        step: [sum(size[i] for size in layers.values()) / 1e6 for i in (0, 1)]
        for step, layers in steps.items()
        if layers
    }
    return ", ".join(words[step].format(*sums[step]) for step in sums)


def repo_digest(docker, reference):
    """The digest under which the registry knows the local image, or its own id for an image built here."""
    image = docker.image(reference) or {}
    repository, tag = split(reference)
    if tag.startswith("sha256:"):
        return tag
    for known in image.get("RepoDigests") or []:
        if known.split("@")[0].endswith(repository):
            return known.split("@")[1]
    return image.get("Id")
