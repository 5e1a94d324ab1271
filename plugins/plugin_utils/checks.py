# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules that decide whether a value of the inventory is accepted.

Each function takes the value and the name of its variable and returns a list: empty when the value is accepted,
otherwise one sentence with the variable, its value (never that of a secret), what is accepted and what to do.
A list, because a role adds the lists of all its variables and shows every problem at once.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ansible_collections.selfhost.aistack.plugins.plugin_utils.env_file import problems as env_problems
from ansible_collections.selfhost.aistack.plugins.plugin_utils.env_file import value_problem

# The grammar of an image reference as registries and the Docker engine take it.
_DOMAIN = (
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:]+\])"
)
_PATH_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?:(?P<domain>{_DOMAIN}(?::[0-9]+)?)/)?(?P<path>{_PATH_PART}(?:/{_PATH_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?P<digest>@(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}))?"
)
_MEMORY = re.compile(r"(?P<count>[1-9][0-9]{0,18})(?P<unit>[bkmg]?)b?", re.IGNORECASE)
_MEMORY_UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_SMALLEST_MEMORY = 6 * 1024**2  # the Docker engine refuses a container with less
# The characters of a URL (RFC 3986): all others are written as %.. there, and mean something else to who reads a configuration.
_URL = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
UNSET = "is not set (or uses a variable that is not defined)"
_SAMPLE_SECRET = re.compile(
    r"(?:change|replace|fill)[\W_]*(?:me|this|it|in)|(?:your|my|a|the)?[\W_]*(?:password|passwd|secret|token|key)[\W\d_]*$"
    r"|(?:todo|default|example|sample|placeholder|insert|your)(?:[\W_]|$)|<.*>$|x{4,}$",
    re.IGNORECASE,
)


def show(value: Any) -> str:
    """The value as it stands in a message, on one line and short."""
    text = repr(str(value)) if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _refuse(name: str, value: Any, why: str, accepted: str) -> list[str]:
    """One sentence; `why` continues the sentence, `accepted` says what to set instead."""
    if is_blank(value):
        return [f"{name} {UNSET}: set it to {accepted}."]
    return [f"{name} is {show(value)}, {why}: set it to {accepted}."]


def image(value: Any, name: str) -> list[str]:
    """Accept an image reference that names one version: a tag other than `latest`, or a digest."""
    accepted = (
        "an image with a tag other than latest, such as registry.example.org:5000/team/app:1.4.2, or with a digest"
    )
    if not isinstance(value, str) or is_blank(value):
        return _refuse(name, value, "which is no image reference", accepted)
    match = _IMAGE.fullmatch(value)
    if match is None:
        return _refuse(name, value, "which is no image reference", accepted)
    if match["digest"]:
        return []
    if match["tag"] is None:
        return _refuse(name, value, "which has no tag", accepted)
    if match["tag"].lower() == "latest":
        return _refuse(name, value, "and latest is a different image from day to day", accepted)
    return []


def memory(value: Any, name: str) -> list[str]:
    """Accept an amount of memory of a container: a whole number with the unit b, k, m or g (powers of 1024)."""
    accepted = "a whole number with the unit b, k, m or g, such as 512m or 8g, and at least 6m"
    if isinstance(value, bool) or not isinstance(value, (str, int)) or is_blank(value):
        return _refuse(name, value, "which is no amount of memory", accepted)
    match = _MEMORY.fullmatch(str(value))
    if match is None:
        return _refuse(name, value, "which is no amount of memory", accepted)
    if int(match["count"]) * _MEMORY_UNITS[match["unit"].lower()] < _SMALLEST_MEMORY:
        return _refuse(name, value, "which is less than Docker gives a container", accepted)
    return []


def integer(value: Any, name: str, minimum: int | None = None, maximum: int | None = None) -> list[str]:
    """Accept a whole number between `minimum` and `maximum`, both included; a bound that is None is not looked at."""
    if minimum is not None and maximum is not None:
        accepted = f"a whole number from {minimum} to {maximum}"
    elif minimum is not None:
        accepted = f"a whole number of at least {minimum}"
    elif maximum is not None:
        accepted = f"a whole number of at most {maximum}"
    else:
        accepted = "a whole number"
    if isinstance(value, bool) or not isinstance(value, (str, int)) or is_blank(value):
        return _refuse(name, value, "which is no whole number", accepted)
    # A zero in front is octal to some readers, and none to others.
    if not re.fullmatch(r"0|-?[1-9][0-9]{0,17}", str(value)):
        return _refuse(name, value, "which is no whole number in this range", accepted)
    number = int(value)
    if (minimum is not None and number < minimum) or (maximum is not None and number > maximum):
        return _refuse(name, value, "which is out of range", accepted)
    return []


def port(value: Any, name: str) -> list[str]:
    """Accept a TCP port, 1 to 65535."""
    return integer(value, name, 1, 65535)


def _is_hostname(text: str) -> bool:
    try:
        return "%" not in text and bool(ipaddress.ip_address(text))
    except ValueError:
        pass
    labels = text.split(".")
    # A name whose last label is a number is read as an IPv4 address by browsers and resolvers.
    return len(text) <= 253 and all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()


def _as_browsers_write(host: str) -> str:
    """The spelling of a host name or address that a browser sends, whatever was typed."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.lower()


def hostname(value: Any, name: str) -> list[str]:
    """Accept a DNS name or a literal IPv4 or IPv6 address: no scheme, port, path, wildcard or closing dot.

    In the spelling of browsers (small letters, the short form of IPv6), because it is compared with what they send.
    """
    accepted = "a DNS name such as docs.example.org (ASCII, international names as xn--...) or an IPv4 or IPv6 address"
    if isinstance(value, str) and not is_blank(value) and _is_hostname(value):
        spelling = _as_browsers_write(value)
        return [] if spelling == value else _refuse(name, value, "which browsers write in another way", f"'{spelling}'")
    why = "which is no host name"
    if isinstance(value, str):
        if "://" in value:
            why = "which is a URL and not a host name"
        elif "/" in value:
            why = "which holds a path"
        elif "*" in value:
            why = "which is a wildcard"
    return _refuse(name, value, why, accepted)


def address(value: Any, name: str, private: bool = True) -> list[str]:
    """Accept a literal IP address of the host to listen on, in its shortest spelling.

    With `private` it is one to publish a port on, and must be private or loopback, so that not everybody reaches it.
    """
    kind = "a private" if private else "an"
    accepted = f"{kind} IPv4 or IPv6 address of the host, such as 10.0.0.5"
    try:
        parsed = ipaddress.ip_address(value if isinstance(value, str) and "%" not in value else "")
    except ValueError:
        return _refuse(name, value, "which is no IP address", accepted)
    if str(parsed) != value:
        return _refuse(name, value, "which is not its shortest spelling", f"'{parsed}'")
    if not private:
        return []
    if parsed.is_unspecified:
        return _refuse(name, value, "which is every address of the host and passes by its firewall", accepted)
    if parsed.is_global or parsed.is_multicast or parsed.is_link_local:
        return _refuse(name, value, "which is no private address", accepted)
    return []


def addresses(value: Any, name: str) -> list[str]:
    """Accept a list of IP addresses of the host to listen on, private or not; it may be empty."""
    if not isinstance(value, (list, tuple)):
        return _refuse(name, value, "which is no list", "a list of IP addresses of the host, such as [192.0.2.10]")
    return [problem for item in value for problem in address(item, name, private=False)][:1]


def networks(value: Any, name: str) -> list[str]:
    """Accept a list of IP addresses and networks; it may be empty."""
    accepted = "a list of IP addresses and networks, such as [10.0.0.4, 10.1.0.0/24]"
    if not isinstance(value, (list, tuple)):
        return _refuse(name, value, "which is no list", accepted)
    for item in value:
        try:
            ipaddress.ip_network(item if isinstance(item, str) and "%" not in item else "")
        except ValueError:
            return _refuse(name, item, "which is no IP address and no network", accepted)
    return []


def clients(value: Any, guarded: bool) -> list[str]:
    """Accept C(docker_host_ports) of which those with C(sources) name IP addresses and networks, and are C(guarded)."""
    closed = [
        (port.get("sources_name", "docker_host_ports.sources"), port["sources"])
        for port in value
        if port.get("sources")
    ]
    problems = [problem for name, sources in closed for problem in networks(sources, name)]
    if problems or guarded or not closed:
        return list(dict.fromkeys(problems))
    names = ", ".join(dict.fromkeys(name for name, _sources in closed))
    told = ", ".join(source for _name, sources in closed for source in sources)
    return [
        (
            f"{names} is {told} and docker_host_guard is false, so that nothing would keep others away: set docker_host_guard to"
            f" true, or {names} to [] if another firewall does so."
        )
    ]


def endpoint(value: Any, name: str) -> list[str]:
    """Accept HOST:PORT, the host a DNS name or an IP address, IPv6 in brackets."""
    accepted = "host:port such as 127.0.0.1:8080, an IPv6 address in brackets"
    if not isinstance(value, str) or is_blank(value):
        return _refuse(name, value, "which is no host and port", accepted)
    host, _colon, number = value.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if (bare != host) != (":" in bare) or not _is_hostname(bare) or port(number, name):
        return _refuse(name, value, "which is no host and port", accepted)
    return []


def choice(value: Any, name: str, choices: Sequence[Any]) -> list[str]:
    """Accept one of `choices`; a text is not the same as a number or a boolean."""
    if any(value == known and isinstance(value, bool) == isinstance(known, bool) for known in choices):
        return []
    return _refuse(name, value, "which is not known", "one of " + ", ".join(str(known) for known in choices))


def pattern(value: Any, name: str, regex: str, accepted: str, many: bool = False) -> list[str]:
    """Accept a text that `regex` matches as a whole; `accepted` says in words and by an example what that is.

    With `many` a list is accepted instead when all its items are. The value is shown, so this is no rule for a secret.
    """
    if many and not isinstance(value, (list, tuple)):
        return _refuse(name, value, "which is no list", accepted)
    for item in value if many else [value]:
        if not isinstance(item, (str, int)) or isinstance(item, bool) or not re.fullmatch(regex, str(item)):
            return _refuse(name, item, "which is not accepted", accepted)
    return []


def text(value: Any, name: str) -> list[str]:
    """Accept any text, number or boolean that an environment variable can carry; the value is never shown."""
    problem = UNSET if value is None else value_problem(value)
    if not problem:
        return []
    return [f"{name} {problem}: set it to a text without NUL characters, in UTF-8, of less than 128 KiB."]


def env(value: Any, name: str) -> list[str]:
    """Accept a dictionary of environment variables that a container can be given; values are never shown.

    Unlike the other rules this one tells every variable of the dictionary that is wrong, one sentence each.
    """
    return [f"{name}: {problem[0].lower()}{problem[1:]}" for problem in env_problems(value)]


def secret(value: Any, name: str, min_length: int = 16, regex: str = "", form: str = "") -> list[str]:
    """Accept a secret of at least `min_length` characters that is no sample value; the value is never shown.

    With `regex` the whole value must match it; `form` says in words what it accepts.
    """
    cure = (
        f"set it to {form or f'a text of at least {min_length} random characters'}, for instance from the secret lookup"
    )
    if is_blank(value):
        return [f"{name} {UNSET}: {cure}."]
    if not isinstance(value, str):
        return [f"{name} is not a text (a number or a list, perhaps for want of quotes): {cure}."]
    if _SAMPLE_SECRET.match(value.strip()):
        return [f"{name} looks like a sample value that everybody knows: {cure}."]
    if len(value) < min_length:
        return [f"{name} has {len(value)} characters, which is too short: {cure}."]
    if len(set(value)) < min(4, min_length):
        return [f"{name} repeats the same few characters: {cure}."]
    problem = value_problem(value)
    if not problem and regex and not re.fullmatch(regex, value):
        problem = "is not of the accepted form"
    return [f"{name} {problem}: {cure}."] if problem else []


def _without_credentials(value: Any) -> Any:
    """The URL as it may be shown: what stands before the last @, and the query, can be secret."""
    if not isinstance(value, str):
        return value
    shown = re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*://)?.*@", r"\1***@", value, flags=re.DOTALL)
    return re.sub(r"\?.*", "?***", shown, flags=re.DOTALL)


def _split(value: str) -> SplitResult | None:
    """The parts of a URL, or None where it is none."""
    if not _URL.fullmatch(value):
        return None
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        return None
    return parts


def url(value: Any, name: str, schemes: Sequence[str] = ("http", "https"), path: str = "any") -> list[str]:
    """Accept a URL with one of `schemes`, a host and a sound port.

    `path` says what may follow the host: `any`; `base` (something is appended to it, so no closing slash, query or
    fragment); `none` (scheme, host and port only). Credentials and query in it are not shown.
    """
    example = f"{schemes[0]}://host.example.org"
    accepted = f"a URL that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}"
    accepted += {
        "any": f", such as {example}/path",
        "base": f" and ends without a slash or query, such as {example}/path",
        "none": f" and has nothing behind the host and port, such as {example}:8080",
    }[path]
    shown = _without_credentials(value)
    if not isinstance(value, str) or is_blank(value):
        return _refuse(name, shown, "which is no URL", accepted)
    parts = _split(value)
    if parts is None or not parts.scheme or not parts.hostname:
        return _refuse(name, shown, "which is no URL", accepted)
    if parts.scheme not in schemes:
        return _refuse(name, shown, f"whose scheme {show(parts.scheme)} is not accepted", accepted)
    if not _is_hostname(parts.hostname) or parts.port == 0:
        return _refuse(name, shown, "whose host or port is wrong", accepted)
    if path != "any" and ("?" in value or "#" in value or value.endswith("/")):
        return _refuse(name, shown, "which ends in a slash, a query or a fragment", accepted)
    if path == "none" and parts.path:
        return _refuse(name, shown, "which holds a path", accepted)
    return []
