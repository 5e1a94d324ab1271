# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check filters of the collection, one name for each rule of plugin_utils."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.template import AnsibleUndefined, accept_args_markers, get_first_marker_arg

from ansible_collections.selfhost.aistack.plugins.plugin_utils import bucket_rules, certificates, checks, gpus


def _as_filter(rule: Callable[..., list[str]]) -> Callable[..., Any]:
    """The rule as a filter that takes an undefined variable for one that is not set, and keeps other errors."""

    @accept_args_markers
    @wraps(rule)
    def check(value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, AnsibleUndefined):
            value = None
        marker = get_first_marker_arg((value, *args), kwargs)
        if marker is not None:
            return marker
        try:
            return rule(value, *args, **kwargs)
        except (TypeError, KeyError, IndexError) as error:
            raise AnsibleFilterError(f"check_{rule.__name__} was called with wrong arguments: {error}") from error

    return check


class FilterModule:
    """Filters that return the sentence of what is wrong with a variable, or an empty list."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "check_address": _as_filter(checks.address),
            "check_addresses": _as_filter(checks.addresses),
            "check_buckets": _as_filter(bucket_rules.problems),
            "check_certificate": _as_filter(certificates.certificate),
            "check_choice": _as_filter(checks.choice),
            "check_clients": _as_filter(checks.clients),
            "check_endpoint": _as_filter(checks.endpoint),
            "check_env": _as_filter(checks.env),
            "check_gpu": _as_filter(gpus.wish_problems),
            "check_hostname": _as_filter(checks.hostname),
            "check_image": _as_filter(checks.image),
            "check_int": _as_filter(checks.integer),
            "check_memory": _as_filter(checks.memory),
            "check_networks": _as_filter(checks.networks),
            "check_pattern": _as_filter(checks.pattern),
            "check_private_key": _as_filter(certificates.private_key),
            "check_port": _as_filter(checks.port),
            "check_secret": _as_filter(checks.secret),
            "check_text": _as_filter(checks.text),
            "check_url": _as_filter(checks.url),
        }
