# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variables of an inventory mean something to this collection.

Private to the collection. A variable whose name begins with that of a role, but which the role does not know, is most often a
typo, and the role would go on with its default without a word.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import yaml

_ROLES = Path(__file__).resolve().parents[2] / "roles"
_PLAYBOOKS = "aistack_"
# What playbooks take, besides the roles' own variables.
OF_PLAYBOOKS = ("aistack_look_ahead", "aistack_other_variables", "aistack_private_address")


@cache
def of_roles(roles: Path = _ROLES) -> dict[str, str]:
    """The variables of all roles, each with its role, as meta/argument_specs.yml declares them."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = {}
    for path in sorted(roles.glob("*/meta/argument_specs.yml")):
        specs = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)["argument_specs"]  # noqa: S506 - a safe loader
        for entry_point in specs.values():
            found |= dict.fromkeys(entry_point.get("options", {}), path.parents[1].name)
    return found


def problems(names: Iterable[str], others: Iterable[str] = (), roles: Path = _ROLES) -> list[str]:
    """One sentence for each name under a prefix of ours that nothing knows.

    :param names: the names of an inventory's variables.
    :param others: names that the inventory uses for itself.
    """
    known = of_roles(roles)
    prefixes = (_PLAYBOOKS, *sorted({f"{role}_" for role in known.values()}))
    accepted = {*known, *OF_PLAYBOOKS, *others}
    return [
        _told(name, known, prefixes) for name in sorted(names) if name.startswith(prefixes) and name not in accepted
    ]


def _told(name: str, known: dict[str, str], prefixes: tuple[str, ...]) -> str:
    nearest = get_close_matches(name, [*known, *OF_PLAYBOOKS], 1)
    role = (
        known.get(nearest[0])
        if nearest
        else next((p[:-1] for p in prefixes if name.startswith(p) and p != _PLAYBOOKS), None)
    )
    where = f"all of {role} stand in the README of that role" if role else f"there are {', '.join(OF_PLAYBOOKS)}"
    cure = f"correct it to {nearest[0]}" if nearest else "take it out"
    return (
        f"{name} is no variable of this collection: {cure} ({where}), or name it in aistack_other_variables if it is meant for something"
        " else."
    )
