# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's variables and templates, put together by Ansible's own template engine as the role does it."""

from __future__ import annotations

import functools
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from .programs import REPOSITORY

ROLE = REPOSITORY / "roles" / "caddy_tls"


@functools.cache
def _variables() -> dict[str, Any]:
    loader = DataLoader()
    files = (ROLE / "defaults/main.yml", ROLE / "vars/main.yml")
    return {
        name: value
        for path in files
        for name, value in loader.load_from_file(str(path), trusted_as_template=True).items()
    }


def evaluate(expression: str, variables: dict[str, Any]) -> Any:
    """The value of a template text with the role's variables, of which some are set."""
    templar = Templar(loader=DataLoader(), variables={**_variables(), **variables})
    return templar.template(trust_as_template(expression))


def problems(**variables: Any) -> list[str]:
    """The sentences of the role's preflight."""
    return evaluate("{{ __caddy_tls_problems }}", variables)


def render(template: str, variables: dict[str, Any]) -> str:
    """The text of a file below the role's templates/app."""
    return str(evaluate((ROLE / "templates" / "app" / template).read_text(), variables))
