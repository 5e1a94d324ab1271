# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a list of buckets in the inventory must fulfil, so that garage_cluster can use it; told before anything changes.

A module tells the same, but only on the host, in the middle of a run, and of the first bucket alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.validation import check_type_bool, check_type_int

from ansible_collections.selfhost.aistack.plugins.module_utils._garage import GarageError
from ansible_collections.selfhost.aistack.plugins.module_utils._garage_bucket import (
    BUCKET_NAME,
    bucket_argument_spec,
    wanted_bucket,
)
from ansible_collections.selfhost.aistack.plugins.plugin_utils import checks

_FORM = "a list of buckets, each with a name of 3 to 63 small letters, digits, dots and hyphens"
_KINDS = {"dict": "a dictionary", "list": "a list", "bool": "true or false", "int": "a whole number", "str": "a text"}


class _WrongOption(Exception):
    """One option that cannot be used; the text is a sentence."""


def problems(value: Any, name: str) -> list[str]:
    """One sentence for each bucket of the list `value`, the variable `name`, that cannot be used."""
    if not isinstance(value, (list, tuple)):
        return checks.pattern(value, name, "", _FORM, many=True)
    found = []
    for number, bucket in enumerate(value):
        where = f"{name}[{number}]"
        if not isinstance(bucket, Mapping):
            found.append(f"{where} is {checks.show(bucket)}, which is no bucket: set {name} to {_FORM}.")
            continue
        found += checks.pattern([bucket.get("name")], name, BUCKET_NAME.pattern, _FORM, many=True) or _bucket(
            bucket, where
        )
    return found


def _bucket(bucket: Mapping[str, Any], where: str) -> list[str]:
    try:
        wanted_bucket(_options(bucket, bucket_argument_spec(), where))
    except _WrongOption as problem:
        return [str(problem)]
    except GarageError as problem:
        return [f"{where}: {problem}."]
    return []


def _options(given: Mapping[str, Any], spec: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The options as a module has them, with defaults; _WrongOption for the first that it would not take."""
    unknown = [str(name) for name in given if name not in spec]
    if unknown:
        raise _WrongOption(f"{where} has the unknown option {checks.show(unknown[0])}: use only {', '.join(spec)}.")
    found = {}
    for name, known in spec.items():
        value = given.get(name)
        if value is not None:
            found[name] = _value(value, known, f"{where}.{name}")
        elif known.get("required"):
            raise _WrongOption(f"{where} has no {name}: give it {_KINDS[known['type']]}.")
        else:
            found[name] = known.get("default")
    return found


def _value(value: Any, known: Mapping[str, Any], where: str) -> Any:
    kind = known["type"]
    if kind == "list" and isinstance(value, (list, tuple)):
        inner = {"type": known["elements"], **{key: known[key] for key in ("options", "choices") if key in known}}
        return [_value(item, inner, f"{where}[{number}]") for number, item in enumerate(value)]
    if kind == "dict" and isinstance(value, Mapping):
        return _options(value, known["options"], where)
    if kind in ("bool", "int") and isinstance(value, (str, int)):
        try:
            return check_type_bool(value) if kind == "bool" else check_type_int(value)
        except TypeError:
            pass
    if kind == "str" and isinstance(value, (str, int, float)):
        text = str(value)
        if text in known.get("choices", [text]):
            return text
    accepted = f"one of {', '.join(known['choices'])}" if "choices" in known and kind == "str" else _KINDS[kind]
    raise _WrongOption(f"{where} is {checks.show(value)}, which is not accepted: set it to {accepted}.")
