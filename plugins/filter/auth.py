# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters of the role auth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.selfhost.aistack.plugins.plugin_utils import auth_environment, auth_rules


def _as_filter(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as a filter; what it refuses is an error of Ansible."""

    @wraps(function)
    def auth_filter(settings: Mapping[str, Any], *args: Any) -> Any:
        try:
            return function(settings, *args)
        except ValueError as error:
            raise AnsibleFilterError(str(error)) from error
        except KeyError as error:
            raise AnsibleFilterError(
                f"The settings or secrets given lack the key {error}: give all of them."
            ) from error

    return auth_filter


class FilterModule:
    """Rules and environment of who may use the gateway."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "auth_env": _as_filter(auth_environment.environment),
            "auth_problems": _as_filter(auth_rules.problems),
            "auth_secret_names": _as_filter(auth_environment.secret_names),
        }
