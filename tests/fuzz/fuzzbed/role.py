# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A role's variables and templates, put together by Ansible's own template engine as compose_app does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

REPOSITORY = Path(__file__).resolve().parents[3]


class Role:
    """A role of the collection, and what it makes of values for its variables."""

    def __init__(self, name: str, *more: str) -> None:
        """Read the role's defaults and vars, and further files of variables (paths in the repository)."""
        self.name = name
        loader = DataLoader()
        self._known: dict[str, Any] = {}
        for path in (f"roles/{name}/defaults/main.yml", f"roles/{name}/vars/main.yml", *more):
            self._known.update(loader.load_from_file(str(REPOSITORY / path), trusted_as_template=True))

    def evaluate(self, template: str, variables: dict[str, Any]) -> Any:
        """The value of a template text. The variables given are values, as those of an inventory marked !unsafe are."""
        templar = Templar(loader=DataLoader(), variables={**self._known, **variables})
        return templar.template(
            trust_as_template(template),
            escape_backslashes=False,
            overrides={"trim_blocks": True, "lstrip_blocks": False},
        )

    def problems(self, variables: dict[str, Any]) -> list[str]:
        """The sentences of the role's preflight."""
        return self.evaluate("{{ __%s_problems }}" % self.name, variables)

    def render(self, template: str, variables: dict[str, Any]) -> str:
        """The text of a file below the role's templates/app."""
        path = REPOSITORY / "roles" / self.name / "templates" / "app" / template
        return str(self.evaluate(path.read_text(encoding="utf-8"), variables))
