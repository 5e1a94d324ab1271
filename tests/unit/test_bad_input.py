# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A wrong value in the inventory ends site.yml with one sentence for each, before anything happens on a host.

The inventory is the one that people copy, filled in for a host that nobody can reach: a run that came as far as its first
remote step would end with UNREACHABLE and not with the sentence. All wrong values of one role are told by one run.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
_RECORD = "$argon2id$v=19$m=8,t=1,p=1$o9MLv0tTN8oKdQ7eaJiY6g$rcIs4/5+1wS686lKC7f3bmXMLD2q8U4BkP+BpGCrb8g"
FILLED_IN = {
    "ansible_host": "127.0.0.1",
    "ansible_port": 1,
    "caddy_tls_site": "docs.example.org",
    "caddy_tls_mode": "acme",
    # The cost of a password record is not what is tried here.
    "auth_users": [{"name": "admin", "record": _RECORD}],
}
HUSH = "hush;$'\"#"  # short, and nowhere in what is printed


def make_pair(names: str) -> tuple[str, str]:
    """A certificate that is for these names, and its key, as PEM."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ]
        subject = ["-subj", "/CN=docling", "-addext", f"subjectAltName={names}"]
        subprocess.run(
            [*command, *subject, "-keyout", "key", "-out", "pem"], cwd=folder, check=True, capture_output=True
        )
        return (Path(folder) / "pem").read_text(), (Path(folder) / "key").read_text()


@dataclass(frozen=True)
class Run:
    """What a run of site.yml came to."""

    output: str
    sentences: tuple[str, ...]
    rc: int


# What is wrong, and the sentences that must come of it: how each begins, and what it says is accepted.
WRONG: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "the inventory as it is copied": (
        {"ansible_host": "", "caddy_tls_site": "", "caddy_tls_mode": ""},
        {
            "ansible_host is not set": "the address of the machine vm1, such as 203.0.113.10",
            "caddy_tls_site is not set": "a DNS name such as docs.example.org",
            "caddy_tls_mode is not set": "one of acme, files, internal",
        },
    ),
    "the site": (
        {"caddy_tls_site": "https://docs.example.org", "caddy_tls_mode": "letsencrypt"},
        {
            "caddy_tls_site is 'https://docs.example.org', which is a URL": "a DNS name such as docs.example.org",
            "caddy_tls_mode is 'letsencrypt'": "one of acme, files, internal",
        },
    ),
    "redis": (
        {
            "redis_image": "docker.io/library/redis:latest",
            "redis_password": HUSH,
            "redis_memory_limit": "1 GB",
            "redis_port": 70000,
            "redis_bind_address": "0.0.0.0",
            "redis_maxmemory_policy": "allkeys-lru",
        },
        {
            "redis_image is 'docker.io/library/redis:latest', and latest is": "an image with a tag other than latest",
            "redis_password has 9 characters": "at least 16 random characters on one line",
            "redis_memory_limit is '1 GB', which is no amount of memory": "a whole number with the unit b, k, m or g",
            "redis_port is 70000, which is out of range": "a whole number from 1 to 65535",
            "redis_bind_address is '0.0.0.0', which is every address": "a private IPv4 or IPv6 address of the host",
            "redis_maxmemory_policy is 'allkeys-lru'": "one of noeviction, volatile-lru",
        },
    ),
    "redis with a password of two lines and less memory than data": (
        {"redis_password": HUSH + "\nrename-command-123", "redis_maxmemory": "1g", "redis_memory_limit": "1g"},
        {
            "redis_password is not of the accepted form": "at least 16 random characters on one line",
            "redis_memory_limit is '1g', too little for redis_maxmemory '1g'": "at least 1.25 times that",
        },
    ),
    "garage_storage": (
        {
            "garage_storage_rpc_secret": HUSH * 8,
            "garage_storage_admin_token": "",
            "garage_storage_metrics_token": HUSH * 8,
            "garage_storage_region": 'garage"\n[admin]',
            "garage_storage_capacity": "20 GB",
            "garage_storage_web_root": "web.garage\n",
            "garage_storage_keys": [{"name": "batch", "id": "AKIA1", "secret": HUSH}],
            "garage_storage_buckets": [{"name": "My_Bucket"}],
        },
        {
            "garage_storage_rpc_secret is not of the accepted form": "64 small hexadecimal digits",
            "garage_storage_admin_token is not set": "at least 32 random letters and digits",
            "garage_storage_metrics_token is not of the accepted form": "at least 32 random letters and digits",
            "garage_storage_region is 'garage\"\\n[admin]'": "small letters, digits and hyphens, such as garage",
            "garage_storage_capacity is '20 GB'": "a number with K, M, G or T",
            "garage_storage_web_root is 'web.garage\\n'": "a domain suffix with a dot in front",
            "garage_storage_keys[0].id is 'AKIA1'": "GK and 24 small hexadecimal digits",
            "garage_storage_keys[0].secret has 9 characters": "64 small hexadecimal digits",
            "garage_storage_buckets is 'My_Bucket'": "a list of buckets, each with a name of 3 to 63 small letters",
        },
    ),
    "docling": (
        {
            "docling_image": "quay.io/docling-project/docling-serve-cpu",
            "docling_gpu": "gpu0",
            "docling_memory_limit": "8gi",
            "docling_start_period": 30,
            "docling_bind_address": "docling.example.org",
            "docling_extra_env": {"DOCLING-DEVICE": "cpu"},
        },
        {
            "docling_image is 'quay.io/docling-project/docling-serve-cpu', which has no tag": "an image with a tag",
            "docling_gpu is 'gpu0', which is no choice of GPUs": "none, all, a number of GPUs such as 1",
            "docling_memory_limit is '8gi'": "a whole number with the unit b, k, m or g",
            "docling_start_period is 30, which is out of range": "a whole number from 300 to 3600",
            "docling_bind_address is 'docling.example.org', which is no IP address": "a private IPv4 or IPv6 address",
            "docling_extra_env: the environment variable name 'DOCLING-DEVICE'": "letters, digits and _",
        },
    ),
    "auth": (
        {
            "auth_mode": "none",
            "auth_api_keys": [{"key": f"{HUSH}:".replace(";", "a") + "0123456789abcdef"}, {"key": HUSH}],
        },
        {
            "auth_mode is 'none', which lets everybody": "set auth_allow_open to true if an open gateway is meant",
            "auth_api_keys: entry 1: the key has a colon": "give it a label",
            "auth_api_keys: entry 2: the key has 9 characters": "at least 20 random characters",
        },
    ),
    "auth mode": ({"auth_mode": "ldap"}, {"auth_mode is 'ldap'": "one of none, basic, oidc"}),
    "auth users": (
        {"auth_users": [{"name": "jane:doe"}, {"name": "joe", "password": HUSH}], "auth_secret_key": HUSH},
        {
            "auth_secret_key has 9 characters": "at least 32 random characters",
            "auth_users: entry 1 has 'jane:doe' as its name": "without a colon",
            "auth_users: entry 2: the password of joe has 9 characters": "at least 12 random characters",
        },
    ),
    "gateway": (
        {
            "gateway_source": "image",
            "gateway_image": "registry.example.org/gateway:latest",
            "gateway_port": "http",
            "gateway_bind_address": "::",
            "gateway_s3_endpoint": "garage:3900",
            "gateway_s3_temp_bucket": "reflow-results",
            "gateway_docling_timeout": 601,
            "gateway_ai_provider": "openai",
        },
        {
            "gateway_image is 'registry.example.org/gateway:latest', and latest is": "an image with a tag",
            "gateway_port is 'http'": "a whole number from 1 to 65535",
            "gateway_bind_address is '::', which is every address of the host": "a private IPv4 or IPv6 address",
            "gateway_s3_endpoint is 'garage:3900'": "a URL that begins with http:// or https://",
            "gateway_docling_timeout is 601": "a whole number from 10 to 600",
            "gateway_ai_provider is 'openai'": "anthropic or bedrock, or leave it empty",
            "gateway_s3_temp_bucket and gateway_s3_results_bucket are both 'reflow-results'": "two buckets",
        },
    ),
    "gateway from git": (
        {"gateway_source": "git", "gateway_git_repository": "reflow", "gateway_git_target": "production\nx"},
        {
            "gateway_git_repository is 'reflow', which is no URL": "a URL that begins with http:// or https://",
            "gateway_git_ref is not set": "a tag or a commit of gateway_git_repository",
            "gateway_git_target is 'production\\nx'": "a stage of its Dockerfile",
        },
    ),
    "caddy_tls": (
        {
            "caddy_tls_site": "192.0.2.7",
            "caddy_tls_image": "caddy",
            "caddy_tls_https_port": 80,
            "caddy_tls_max_body": "1g",
        },
        {
            "caddy_tls_site is '192.0.2.7', and certificates by ACME are for": "set it to a DNS name",
            "caddy_tls_image is 'caddy', which has no tag": "an image with a tag other than latest",
            "caddy_tls_http_port and caddy_tls_https_port are both 80": "two ports, such as 80 and 443",
            "caddy_tls_max_body is '1g'": "a size with its unit",
        },
    ),
    "a typo": (
        {"redis_maxmemry": "1g", "docker_host_log_size": "20m", "aistack_foo": 1, "gateway_xyz_of_ours": 1},
        {
            "redis_maxmemry is no variable of this collection": "correct it to redis_maxmemory",
            "docker_host_log_size is no variable of this collection": "correct it to docker_host_log_max_size",
            "aistack_foo is no variable of this collection": "name it in aistack_other_variables",
            "gateway_xyz_of_ours is no variable of this collection": "name it in aistack_other_variables",
        },
    ),
    "docker_host": (
        {
            "docker_host_minimum_free_disk": "10 GB",
            "docker_host_max_clock_skew": "1m",
            "docker_host_log_max_files": 0,
            "docker_host_minimum_engine": "newest",
        },
        {
            "docker_host_minimum_free_disk is '10 GB'": "a number with k, m, g or t, such as 10g",
            "docker_host_max_clock_skew is '1m'": "a whole number from 1 to 86400",
            "docker_host_log_max_files is 0": "a whole number from 1 to 1000",
            "docker_host_minimum_engine is 'newest'": "such as '25.0'",
        },
    ),
    "two roles": (
        {
            "gateway_s3_region": "us-east-1",
            "docling_max_sync_wait": 300,
            "caddy_tls_results_website_root": ".s3.example.org",
        },
        {
            "gateway_s3_region is 'us-east-1' and garage_storage_region is 'garage'": "set them to the same",
            "gateway_docling_timeout is 600 and docling_max_sync_wait is 300": "at least gateway_docling_timeout",
            "caddy_tls_results_website_root is '.s3.example.org' and garage_storage_web_root": "set them to the same",
        },
    ),
}


# The hosts of the inventories that people copy.
COPIED = {"single_vm": {"vm1"}, "split_gpu": {"front1", "gpu1"}}


def play(variables: dict[str, Any], groups: dict[str, list[str]] | None = None, copied: str = "single_vm") -> Run:
    """Play site.yml on a copy of an inventory that people copy, with these values, or on one that has these groups."""
    with tempfile.TemporaryDirectory() as folder:
        inventory = Path(folder) / "site"
        if groups is None:
            shutil.copytree(ROOT / "inventories" / copied, inventory)
        else:
            inventory.mkdir()
        # A file read after hosts.yml, whose values win over what stands there.
        children = {name: {"hosts": dict.fromkeys(hosts, {})} for name, hosts in (groups or {}).items()}
        names = COPIED[copied] if groups is None else {"vm1", *(h for hs in groups.values() for h in hs)}
        hosts = {name: {**FILLED_IN, **variables} for name in names}
        site = {"all": {"hosts": hosts, "children": children}}
        (inventory / "values.yml").write_text(json.dumps(site), encoding="utf-8")
        (Path(folder) / "ansible.cfg").touch()
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("ansible-playbook")),
                "-i",
                str(inventory),
                str(ROOT / "playbooks" / "site.yml"),
            ],
            cwd=folder,
            env={**os.environ, "ANSIBLE_CONFIG": "ansible.cfg", "ANSIBLE_COLLECTIONS_PATH": _collections()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    failed = re.search(r"^fatal: \[(?:[a-z]+\d|localhost)\]: FAILED! => (\{.*\})$", done.stdout, re.MULTILINE)
    return Run(done.stdout, tuple(json.loads(failed.group(1))["msg"].splitlines()) if failed else (), done.returncode)


run_of = functools.cache(lambda what: play(WRONG[what][0]))


def _collections() -> str:
    """The folder with ansible_collections in which these tests found the collection."""
    from ansible_collections.selfhost.aistack.plugins.plugin_utils import checks

    return str(Path(checks.__file__.partition("/ansible_collections/")[0]))


@pytest.mark.parametrize(
    ("what", "begin", "accepted"),
    [
        pytest.param(what, begin, accepted, id=begin.split()[0] + "-" + what.replace(" ", "_"))
        for what, (_values, expected) in WRONG.items()
        for begin, accepted in expected.items()
    ],
)
def test_a_wrong_value_is_one_sentence(what, begin, accepted):
    run = run_of(what)
    told = [sentence for sentence in run.sentences if sentence.startswith(begin)]
    assert len(told) == 1, run.output
    assert accepted in told[0]
    assert told[0].endswith(".")
    assert not re.search(r"[.!?] [A-Z]", told[0]), "two sentences"


@pytest.mark.parametrize("what", WRONG)
def test_nothing_else_is_told_and_no_host_was_asked(what):
    run = run_of(what)
    assert len(run.sentences) == len(WRONG[what][1]), run.output
    assert "UNREACHABLE" not in run.output
    assert re.search(r"vm1 .* changed=0 +unreachable=0 +failed=1 ", run.output)
    assert "hush" not in run.output


def test_right_values_come_as_far_as_the_host():
    """The counterpart: without a wrong value the first remote step is taken, and nobody answers."""
    run = play({})
    assert "UNREACHABLE" in run.output
    assert not run.sentences
    # No warning but the one about the file of secrets without a vault, which is meant.
    warnings = [line for line in run.output.splitlines() if line.startswith("[WARNING]")]
    assert all("is not encrypted" in line for line in warnings), warnings


ROLES = ("docker_host", "redis", "garage_storage", "docling", "gateway", "caddy_tls")
ONE = {role: ["vm1"] for role in ROLES}

# What is wrong with the groups, and how its one sentence begins and what it advises.
GROUPS: dict[str, tuple[dict[str, list[str]], str, str]] = {
    "roles on different machines": (
        {**ONE, "gateway": ["vm2"]},
        "the groups redis, garage_storage, gateway and caddy_tls have different hosts",
        "put the same one host into each of them, and into docling that or another one",
    ),
    "docling on a host of its own, of which too little is known": (
        {**ONE, "docker_host": ["vm1", "vm2"], "docling": ["vm2"]},
        "aistack_private_address is not set for vm2 and vm1",
        "the address that each of them has there, such as 10.0.0.5",
    ),
    "two hosts in a group": (
        {**ONE, "docling": ["vm1", "vm2"]},
        "the group docling has more than one host (vm1, vm2)",
        "leave one host there",
    ),
    "two hosts in every group": (
        dict.fromkeys(ROLES, ["vm1", "vm2"]),
        "the groups redis, garage_storage, docling, gateway, caddy_tls have more than one host (vm1, vm2)",
        "an inventory of its own",
    ),
    "a group without a host": (
        {**ONE, "docling": []},
        "the group docling has no host",
        "put the host that runs it there, or leave the group out of the inventory if it is served from elsewhere",
    ),
    "groups left out that nothing stands for": (
        {role: ONE[role] for role in ROLES if role not in ("redis", "docling")},
        "the inventory has no group redis, docling and does not set gateway_redis_url, gateway_docling_url",
        "set the variables to the addresses",
    ),
}


@pytest.mark.parametrize("what", GROUPS)
def test_wrong_groups_are_one_sentence(what):
    groups, begin, advice = GROUPS[what]
    run = play({}, groups)
    assert run.sentences, run.output
    assert len(run.sentences) == 1, run.output
    assert run.sentences[0].startswith(begin), run.sentences
    assert advice in run.sentences[0]
    assert "UNREACHABLE" not in run.output


@pytest.mark.parametrize("groups", [{}, {role: [] for role in ROLES}, {"webservers": ["vm1"]}])
def test_an_inventory_without_a_host_for_us_is_an_error(groups):
    """Without it Ansible would leave out every play and end with exit code 0."""
    run = play({}, groups)
    assert run.rc != 0
    assert len(run.sentences) == 1, run.output
    assert run.sentences[0].startswith(
        "none of the groups docker_host, redis, garage_storage, docling, gateway, caddy_tls has a host"
    )
    assert "put your machine into them" in run.sentences[0]


def test_a_group_that_is_served_from_elsewhere_may_be_left_out():
    """The run comes as far as the host, and nobody answers."""
    run = play(
        {"gateway_redis_url": "redis://cache.example.org:6379/0"},
        {role: ONE[role] for role in ROLES if role != "redis"},
    )
    assert "UNREACHABLE" in run.output, run.output


def test_a_name_that_the_inventory_keeps_for_itself_is_no_typo():
    run = play({"gateway_of_the_rack": "192.0.2.1", "aistack_other_variables": ["gateway_of_the_rack"]})
    assert "UNREACHABLE" in run.output, run.output


# docling on a host of its own. Both hosts are told the same.
SPLIT = {**ONE, "docker_host": ["vm1", "vm2"], "docling": ["vm2"]}
PRIVATE = {"aistack_private_address": "10.0.0.4"}
CERTIFICATE, KEY = make_pair("IP:10.0.0.4,DNS:docling.example.org")
_OTHER_CERTIFICATE, OTHER_KEY = make_pair("IP:10.0.0.4")
APART: dict[str, tuple[dict[str, Any], str, str]] = {
    "a public address": (
        {"aistack_private_address": "8.8.8.8"},
        "aistack_private_address is '8.8.8.8', which is no private address",
        "a private IPv4 or IPv6 address of the host",
    ),
    "an odd client": (
        {**PRIVATE, "docling_clients": ["10.0.0.4", "gateway1"]},
        "docling_clients is 'gateway1', which is no IP address and no network",
        "a list of IP addresses and networks, such as [10.0.0.4, 10.1.0.0/24]",
    ),
    "no guard": (
        {**PRIVATE, "docker_host_guard": False},
        "docling_clients is 10.0.0.4 and docker_host_guard is false",
        "set docker_host_guard to true, or docling_clients to [] if another firewall does so",
    ),
    "an address that uses a variable that is not there": (
        {"aistack_private_address": "{{ nowhere }}"},
        "aistack_private_address is not set for vm2 and vm1",
        "such as 10.0.0.5",
    ),
    "a certificate that uses a variable that is not there": (
        {**PRIVATE, "docling_certificate": "{{ nowhere }}", "docling_key": KEY},
        "docling_certificate is not set (or uses a variable that is not defined)",
        "set it to",
    ),
    "a key that uses a variable that is not there": (
        {**PRIVATE, "docling_certificate": CERTIFICATE, "docling_key": "{{ nowhere }}"},
        "docling_key is not set (or uses a variable that is not defined)",
        "set it to",
    ),
    "a certificate without a key": (
        {**PRIVATE, "docling_certificate": CERTIFICATE},
        "docling_key is not set, and docling_certificate is",
        "set both for HTTPS",
    ),
    "a key without a certificate": (
        {**PRIVATE, "docling_key": KEY},
        "docling_certificate is not set, and docling_key is",
        "set both for HTTPS",
    ),
    "no certificate": (
        {**PRIVATE, "docling_certificate": "docling.pem", "docling_key": KEY},
        "docling_certificate holds no certificate in PEM",
        "set it to the text of one",
    ),
    "no key": (
        {**PRIVATE, "docling_certificate": CERTIFICATE, "docling_key": HUSH},
        "docling_key holds no private key in PEM",
        "set it to the text of one, from a vault",
    ),
    "another key": (
        {**PRIVATE, "docling_certificate": CERTIFICATE, "docling_key": OTHER_KEY},
        "docling_key is not the key of docling_certificate",
        "the key that it was made with",
    ),
    "a certificate for something else": (
        {"aistack_private_address": "10.0.0.5", "docling_certificate": CERTIFICATE, "docling_key": KEY},
        "docling_certificate is for 10.0.0.4, docling.example.org, and clients reach it by 10.0.0.5",
        "a certificate whose subjectAltName has IP:10.0.0.5",
    ),
    "a URL without TLS": (
        {
            **PRIVATE,
            "docling_certificate": CERTIFICATE,
            "docling_key": KEY,
            "gateway_docling_url": "http://docling.example.org:5001",
        },
        "gateway_docling_url is 'http://docling.example.org:5001' and docling_certificate is set",
        "let gateway_docling_url begin with https://",
    ),
    "no authorities": (
        {**PRIVATE, "gateway_ca_bundle": "ca.pem"},
        "gateway_ca_bundle holds no certificate in PEM",
        "set it to the text of one",
    ),
    "a gateway that waits longer": (
        {**PRIVATE, "docling_max_sync_wait": 300},
        "gateway_docling_timeout is 600 and docling_max_sync_wait is 300",
        "set docling_max_sync_wait to at least gateway_docling_timeout",
    ),
}


@pytest.mark.parametrize("what", APART)
def test_what_is_wrong_with_docling_on_a_host_of_its_own_is_one_sentence(what):
    variables, begin, advice = APART[what]
    run = play(variables, SPLIT)
    assert len(run.sentences) == 1, run.output
    assert run.sentences[0].startswith(begin), run.sentences
    assert advice in run.sentences[0]
    assert not re.search(r"[.!?] [A-Z]", run.sentences[0]), "two sentences"
    assert "UNREACHABLE" not in run.output
    assert "hush" not in run.output
    assert "PRIVATE KEY" not in run.output


def test_the_inventory_split_gpu_as_it_is_copied():
    run = play({"ansible_host": "", "caddy_tls_site": "", "caddy_tls_mode": ""}, copied="split_gpu")
    assert sorted(sentence.split(" is ")[0] for sentence in run.sentences) == [
        "aistack_private_address", "ansible_host", "caddy_tls_mode", "caddy_tls_site",
    ]  # fmt: skip
    assert "not set for gpu1 and front1" in run.output


def test_the_inventory_split_gpu_runs_as_it_is_once_it_is_filled_in():
    """It comes as far as the hosts, and nobody answers."""
    run = play(PRIVATE, copied="split_gpu")
    assert "UNREACHABLE" in run.output, run.output
    assert not run.sentences


def test_docling_outside_of_docker_host_is_refused_since_nothing_would_guard_it():
    run = play(PRIVATE, {**SPLIT, "docker_host": ["vm1"]})
    assert len(run.sentences) == 1, run.output
    assert run.sentences[0].startswith("docling_clients is 10.0.0.4 and vm2 is not in the group docker_host")


@pytest.mark.parametrize(
    "variables",
    [
        PRIVATE,
        {**PRIVATE, "docling_certificate": CERTIFICATE, "docling_key": KEY, "gateway_ca_bundle": CERTIFICATE},
        {**PRIVATE, "docker_host_guard": False, "docling_clients": []},
        {"docling_bind_address": "10.0.0.4", "docling_clients": ["10.0.0.0/24"]},
        {"aistack_private_address": "fd00::5"},
    ],
    ids=["addresses", "TLS", "a firewall of their own", "all of it by hand", "IPv6"],
)
def test_docling_may_have_a_host_of_its_own(variables):
    """The run comes as far as the hosts, and nobody answers."""
    run = play(variables, SPLIT)
    assert "UNREACHABLE" in run.output, run.output
    assert not run.sentences


# What is wrong where a host has GPUs.
GPU: list[tuple[dict[str, Any], dict[str, str]]] = [
    (
        {
            "nvidia_runtime_source": "ppa",
            "nvidia_runtime_minimum_driver": "newest",
            "nvidia_runtime_toolkit_version": "1.20",
            "nvidia_runtime_repository_url": "nvidia.github.io",
            "nvidia_runtime_directory": "debs",
            "nvidia_runtime_driver_version": "580.95.05-1",
            "nvidia_runtime_driver_packages": ["nvidia-driver=580"],
            "nvidia_runtime_claims": [{"name": "llm", "gpu": "first"}],
        },
        {
            "nvidia_runtime_source is 'ppa'": "one of repository, directory",
            "nvidia_runtime_repository_url is 'nvidia.github.io'": "a URL that begins with http:// or https://",
            "nvidia_runtime_minimum_driver is 'newest'": "such as '580'",
            "nvidia_runtime_toolkit_version is '1.20'": "such as 1.20.1-1",
            "nvidia_runtime_driver_version is '580.95.05-1'": "a version of digits and dots",
            "nvidia_runtime_driver_packages is 'nvidia-driver=580'": "a list of names of packages",
            "llm is 'first', which is no choice of GPUs": "none, all, a number of GPUs such as 1",
            "nvidia_runtime_directory is 'debs'": "an absolute path on this machine",
        },
    ),
    (
        {"nvidia_runtime_directory": "/srv/deb"},
        {
            "nvidia_runtime_source is repository and nvidia_runtime_directory is '/srv/deb'": "set nvidia_runtime_source to directory",
        },
    ),
    (
        {
            "nvidia_runtime_source": "directory",
            "nvidia_runtime_repository_url": "https://mirror.example.org/nvidia",
        },
        {
            "nvidia_runtime_source is directory and nvidia_runtime_repository_url is": "set nvidia_runtime_source to repository",
            "nvidia_runtime_source is directory and nvidia_runtime_directory is not set": "a folder on this machine",
        },
    ),
]


@pytest.mark.parametrize(("variables", "expected"), GPU, ids=["all of them", "two sources", "no folder"])
def test_wrong_values_of_gpu_hosts_are_one_sentence_each(variables, expected):
    run = play(variables, {**ONE, "nvidia_runtime": ["vm1"]})
    assert len(run.sentences) == len(expected), run.output
    for sentence, (begin, accepted) in zip(run.sentences, expected.items(), strict=True):
        assert sentence.startswith(begin)
        assert accepted in sentence
        assert sentence.endswith(".")
    assert "UNREACHABLE" not in run.output


def test_a_gpu_for_a_host_that_is_none_of_the_gpu_hosts_is_told():
    run = play({"docling_gpu": 1})
    assert run.sentences == (
        "docling_gpu is 1, and its host vm1 is not in the group nvidia_runtime: put it there too, or leave docling_gpu out.",
    ), run.output
