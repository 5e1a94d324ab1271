# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.selfhost.aistack.plugins.plugin_utils import checks

DIGEST = "@sha256:" + "0123456789abcdef" * 4


def refused(found: list[str], name: str = "some_var") -> str:
    """The one sentence of a refusal."""
    assert len(found) == 1
    assert found[0].startswith(name + " ")
    assert found[0].endswith(".")
    assert "\n" not in found[0]
    return found[0]


@pytest.mark.parametrize(
    "value",
    [
        "redis:7.4-alpine",
        "library/redis:7",
        "localhost:5000/redis:7",
        "registry.example.org:5000/a/b_c/d:1.0_x",
        "198.18.0.1:5000/docling:1",
        "[::1]:5000/docling:1",
        "redis" + DIGEST,
        "redis:7" + DIGEST,
        "redis:latest" + DIGEST,
        "ghcr.io/a/b:" + "x" * 128,
    ],
)
def test_image_accepted(value):
    assert checks.image(value, "some_var") == []


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("redis", "no tag"),
        ("localhost:5000/redis", "no tag"),
        ("redis:latest", "latest"),
        ("redis:Latest", "latest"),
        ("localhost:5000/redis:latest", "latest"),
        ("redis:", "no image reference"),
        ("redis:7 ", "no image reference"),
        ("Redis:7", "no image reference"),
        ("redis@sha256:abc", "no image reference"),
        ("https://ghcr.io/a/b:1", "no image reference"),
        ("redis:" + "x" * 129, "no image reference"),
        (7, "no image reference"),
        (["redis:7"], "no image reference"),
        ("", "not set"),
        ("  ", "not set"),
        (None, "not set"),
    ],
)
def test_image_refused(value, why):
    assert why in refused(checks.image(value, "some_var"))


@pytest.mark.parametrize("value", ["6m", "512m", "512MB", "8g", "8Gb", "6291456", 6291456, "6291456b", "8388608k"])
def test_memory_accepted(value):
    assert checks.memory(value, "some_var") == []


@pytest.mark.parametrize(
    "value", ["8 GB", "1.5g", "012m", "8gi", "8t", "-1", "0", "5m", "1k", "lots", "", None, True, 1.5, [1]]
)
def test_memory_refused(value):
    refused(checks.memory(value, "some_var"))


@pytest.mark.parametrize("value", [1, 80, "443", 65535])
def test_port_accepted(value):
    assert checks.port(value, "some_var") == []


@pytest.mark.parametrize("value", [0, -1, 65536, "http", "80/tcp", "8080:80", 80.0, True, "", None, "9" * 400])
def test_port_refused(value):
    assert "from 1 to 65535" in refused(checks.port(value, "some_var"))


@pytest.mark.parametrize(
    "value",
    [
        "localhost",
        "vm1",
        "docs.example.org",
        "xn--bcher-kva.example",
        "10.0.0.1",
        "::1",
        "2001:db8::1",
        "a" * 63 + ".org",
        "3com.example",
    ],
)
def test_hostname_accepted(value):
    assert checks.hostname(value, "some_var") == []


@pytest.mark.parametrize(
    "value",
    [
        "https://docs.example.org",
        "docs.example.org/",
        "docs.example.org:443",
        "*.example.org",
        "docs..example.org",
        "docs.example.org.",
        "-a.example",
        "a-.example",
        "a_b.example",
        "bücher.example",
        "256.1.1.1",
        "10.0.0",
        "[::1]",
        "fe80::1%eth0",
        "a" * 64 + ".org",
        ".".join(["a" * 49] * 6),
        "a b",
        "a\nb",
        "docs.example.org\n",
        7,
        "",
        None,
    ],
)
def test_hostname_refused(value):
    refused(checks.hostname(value, "some_var"))


@pytest.mark.parametrize(
    ("value", "spelling"),
    [("Docs.Example.org", "docs.example.org"), ("2001:DB8::1", "2001:db8::1"), ("2001:db8:0:0::1", "2001:db8::1")],
)
def test_a_hostname_is_spelled_as_browsers_do(value, spelling):
    assert f"set it to '{spelling}'" in refused(checks.hostname(value, "some_var"))


@pytest.mark.parametrize("value", ["10.0.0.5", "172.16.0.1", "100.64.0.1", "127.0.0.1", "::1", "fd00::5"])
def test_address_accepted(value):
    assert checks.address(value, "some_var") == []


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("0.0.0.0", "every address of the host"),
        ("::", "every address of the host"),
        ("8.8.8.8", "no private address"),
        ("2600::1", "no private address"),
        ("224.0.0.1", "no private address"),
        ("fe80::1", "no private address"),
        ("fe80::1%eth0", "no IP address"),
        ("[fd00::5]", "no IP address"),
        ("10.0.0.5:6379", "no IP address"),
        ("localhost", "no IP address"),
        (167772165, "no IP address"),
        ("", "not set"),
        (None, "not set"),
    ],
)
def test_address_refused(value, why):
    assert why in refused(checks.address(value, "some_var"))


def test_an_address_is_spelled_in_one_way():
    assert "set it to 'fd00::5'" in refused(checks.address("FD00:0::5", "some_var"))


def test_clients_of_ports():
    closed = {"name": "docling_port", "port": 5001, "sources": ["10.0.0.4"], "sources_name": "docling_clients"}
    assert checks.clients([], False) == []
    assert checks.clients([{"name": "redis_port", "port": 6379}, {**closed, "sources": []}], False) == []
    assert checks.clients([closed], True) == []
    told = refused(checks.clients([closed, closed], False), "docling_clients")
    assert told.startswith("docling_clients is 10.0.0.4, 10.0.0.4 and docker_host_guard is false")
    assert "or docling_clients to []" in told
    odd = {"port": 1, "sources": ["gateway1"]}
    for guarded in (True, False):
        assert "docker_host_ports.sources is 'gateway1', which is no" in refused(
            checks.clients([odd, odd], guarded), "docker_host_ports.sources"
        )
    assert "docling_clients is '10.0.0.4', which is no list" in refused(
        checks.clients([{**closed, "sources": "10.0.0.4"}], True), "docling_clients"
    )


def test_networks():
    assert checks.networks([], "some_var") == []
    assert checks.networks(["10.0.0.4", "10.1.0.0/24", "fd00::/64", "::1"], "some_var") == []
    for odd in ("gateway1", "10.1.0.1/24", "10.0.0.4; drop", "fe80::1%eth0", "", 7, None):
        assert "a list of IP addresses and networks" in refused(checks.networks(["10.0.0.4", odd], "some_var"))
    assert "some_var is '10.0.0.4', which is no list" in refused(checks.networks("10.0.0.4", "some_var"))


def test_addresses():
    assert checks.addresses([], "some_var") == []
    assert checks.addresses(["0.0.0.0", "::", "8.8.8.8", "2600::1"], "some_var") == []
    assert "some_var is '2600:0::1'" in refused(checks.addresses(["10.0.0.1", "2600:0::1", "eth0"], "some_var"))
    assert "some_var is '10.0.0.1', which is no list" in refused(checks.addresses("10.0.0.1", "some_var"))
    assert "some_var is not set" in refused(checks.addresses(None, "some_var"))


@pytest.mark.parametrize(
    "value", ["127.0.0.1:8080", "garage:3902", "docs.example.org:1", "[::1]:65535", "[fd00::5]:80"]
)
def test_endpoint_accepted(value):
    assert checks.endpoint(value, "some_var") == []


@pytest.mark.parametrize(
    "value",
    ["garage", "garage:", ":80", "garage:0", "garage:65536", "garage:080", "::1:80", "[garage]:80", "[::1:80", "[]:80"]
    + ["http://garage:80", "garage:80/", "a b:80", "{env.A}:80", "garage:80\n", ["garage:80"], 80, "", None],
)
def test_endpoint_refused(value):
    assert "host:port such as 127.0.0.1:8080" in refused(checks.endpoint(value, "some_var"))


def test_env():
    assert checks.env({"A": "$x ; # ' \" \\ \n grün", "B_2": 5, "C": True}, "some_var") == []
    found = checks.env({"A-B": "hush", "C": ["hush"], "D": "hush\0"}, "some_var")
    assert len(found) == 3
    assert all(sentence.startswith("some_var: ") and "hush" not in sentence for sentence in found)
    assert checks.env(None, "some_var") and checks.env("A=b", "some_var")


def test_choice():
    assert checks.choice("basic", "some_var", ["none", "basic"]) == []
    assert "one of none, basic" in refused(checks.choice("ldap", "some_var", ["none", "basic"]))
    refused(checks.choice(None, "some_var", ["none", "basic"]))
    refused(checks.choice(True, "some_var", [1, 2]))
    refused(checks.choice(1, "some_var", ["1"]))
    refused(checks.choice(["none"], "some_var", ["none"]))


def test_int():
    assert checks.integer(0, "some_var") == []
    assert checks.integer("-5", "some_var", -5, 5) == []
    assert "at least 3" in refused(checks.integer(2, "some_var", 3))
    assert "at most 3" in refused(checks.integer(4, "some_var", None, 3))
    assert "from 1 to 3" in refused(checks.integer("four", "some_var", 1, 3))
    refused(checks.integer("5\n", "some_var", 1, 10))
    refused(checks.integer("010", "some_var"))
    refused(checks.integer("-0", "some_var"))
    refused(checks.integer(None, "some_var"))
    refused(checks.integer(False, "some_var"))
    refused(checks.integer(1.0, "some_var"))


@pytest.mark.parametrize("value", ["", "plain", "$x ; # ' \" \\", "two\nlines", "grün", 5, 1.5, True])
def test_text_accepted(value):
    assert checks.text(value, "some_var") == []


@pytest.mark.parametrize("value", ["hush\0hush", "hush\udc80", ["hush"], {"hush": 1}, None, "hush" * 40000])
def test_text_refused_without_its_value(value):
    assert "hush" not in refused(checks.text(value, "some_var"))


@pytest.mark.parametrize("value", ["vK3pQ8xTz0LmWn5B", "correct horse battery staple", "p$w:d;#'\"\\\nü12345678"])
def test_secret_accepted(value):
    assert checks.secret(value, "some_var", 16) == []


@pytest.mark.parametrize(
    "value",
    [
        "short-hush",
        "changeme",
        "changeme-changeme-changeme",
        "CHANGE_ME_PLEASE_NOW_hush",
        "change-this-to-a-hush-value",
        "your-secret-0000000000000000",
        "<put the hush here, 32 long>",
        "password12345678901234",
        "aaaaaaaaaaaaaaaaaaaaaaaa",
        "abababababababababababab",
        "hush" * 8 + "\0",
        12345678901234567890,
        ["hush"],
        "",
        "    ",
        None,
    ],
)
def test_secret_refused_without_its_value(value):
    sentence = refused(checks.secret(value, "some_var", 16))
    assert "hush" not in sentence
    assert "1234567" not in sentence
    assert "16 random characters" in sentence


def test_secret_of_a_form():
    form = {"min_length": 8, "regex": "[0-9a-f]+", "form": "8 hexadecimal digits"}
    assert checks.secret("0123abcd", "some_var", **form) == []
    for value in ["hush-hush", "0123abcd\n"]:
        sentence = refused(checks.secret(value, "some_var", **form))
        assert "accepted form: set it to 8 hexadecimal digits" in sentence
        assert value not in sentence


@pytest.mark.parametrize(
    ("value", "options"),
    [
        ("http://docling-serve:5001", {}),
        ("https://docs.example.org/files?x=1#y", {}),
        ("https://[2001:db8::1]:8443/", {}),
        ("redis://:p%40ss@redis:6379/0", {"schemes": ["redis", "rediss"]}),
        ("https://docs.example.org/files", {"path": "base"}),
        ("https://docs.example.org:444", {"path": "none"}),
        ("HTTPS://docs.example.org", {}),
    ],
)
def test_url_accepted(value, options):
    assert checks.url(value, "some_var", **options) == []


@pytest.mark.parametrize(
    ("value", "options"),
    [
        ("docling:5001", {}),
        ("docs.example.org", {}),
        ("ftp://docs.example.org", {}),
        ("http://", {}),
        ("http://a b/", {}),
        ("http://a/\n", {}),
        ("http://a_b/", {}),
        ("http://a:99999/", {}),
        ("http://a:0/", {}),
        ("http://a:x/", {}),
        ("http://[::1", {}),
        ("http://bücher.example/", {}),
        ("http://a/{env.HOME}", {}),
        ("http://a/\\x", {}),
        ("http://a/%4", {}),
        ('http://a/"', {}),
        ("https://docs.example.org/files/", {"path": "base"}),
        ("https://docs.example.org?x", {"path": "base"}),
        ("https://docs.example.org/", {"path": "none"}),
        ("https://docs.example.org/x", {"path": "none"}),
        (5, {}),
        ("", {}),
        (None, {}),
    ],
)
def test_url_refused(value, options):
    refused(checks.url(value, "some_var", **options))


def test_url_credentials_are_not_shown():
    for value in ["redis://me:hush@/x@redis:6379/0?password=hush", "redis://me:x/hush@redis", "me:hush@redis"]:
        assert "hush" not in refused(checks.url(value, "some_var", ["rediss"]))
    assert "hush" not in refused(checks.url("https://u:hush@a b/?t=hush\nhush", "some_var"))


def test_long_values_are_cut():
    assert len(refused(checks.image("x" * 5000, "some_var"))) < 300


@pytest.mark.parametrize(("value", "many"), [("110MB", False), (110, False), (["1KB", "2GB"], True), ([], True)])
def test_a_value_of_the_form_is_accepted(value, many):
    assert checks.pattern(value, "size", "[0-9]+([KMG]B)?", "a size such as 110MB", many) == []


@pytest.mark.parametrize(
    ("value", "many", "begin"),
    [
        ("110 MB", False, "size is '110 MB', which is not accepted"),
        (["1KB", "nothing"], True, "size is 'nothing', which is not accepted"),
        (True, False, "size is True, which is not accepted"),
        ("", False, "size is not set"),
        (None, False, "size is not set"),
        (None, True, "size is not set"),
        ("1KB\n", False, "size is '1KB\\n', which is not accepted"),
        ([], False, "size is [], which is not accepted"),
        ("1KB", True, "size is '1KB', which is no list"),
    ],
)
def test_a_value_of_another_form_is_refused(value, many, begin):
    assert checks.pattern(value, "size", "[0-9]+([KMG]B)?", "a size such as 110MB", many) == [
        f"{begin}{' (or uses a variable that is not defined)' if 'not set' in begin else ''}: set it to a size such as 110MB."
    ]
