# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converge layout, keys and buckets of one Garage in one go.

Private to the collection.
"""

from __future__ import annotations

from ansible_collections.selfhost.aistack.plugins.module_utils._garage_bucket import converge_bucket, wanted_bucket
from ansible_collections.selfhost.aistack.plugins.module_utils._garage_key import check_key, converge_key
from ansible_collections.selfhost.aistack.plugins.module_utils._garage_layout import run_layout


def converge_cluster(client, params, check_mode=False):
    """Bring layout, keys and buckets to what the options say, in this order.

    :param client: a GarageClient.
    :param params: ``layout`` (or None), ``keys`` and ``buckets``, each in the form of its own module.
    :param check_mode: True predicts only.
    :returns: a module's result, with the ``changes`` of all.
    :raises GarageError: at the first thing that cannot be done. Options that cannot be used are told before anything changes.
    :raises LockTimeout: if another run on this host holds the layout for too long.
    """
    for key in params["keys"]:
        check_key(key["id"], key["secret"])
    for bucket in params["buckets"]:
        wanted_bucket(bucket)
    parts = []
    result = {"warnings": [], "buckets": {}}
    if params["layout"]:
        layout = run_layout(client, params["layout"], check_mode)
        result["warnings"] = layout["warnings"]
        result["layout"] = {name: layout[name] for name in ("version", "roles", "zone_redundancy")}
        parts.append(("layout", layout))
    for key in params["keys"]:
        parts.append(("key " + key["id"], converge_key(client, key, check_mode)))
    for bucket in params["buckets"]:
        converged = converge_bucket(client, bucket, check_mode)
        result["buckets"][bucket["name"]] = converged.get("bucket")
        parts.append(("bucket " + bucket["name"], converged))
    result["changed"] = any(part["changed"] for name, part in parts)
    result["changes"] = [change for name, part in parts for change in part["changes"]]
    result["diff"] = [
        {"before_header": name, "after_header": name, **part["diff"]} for name, part in parts if part["changed"]
    ]
    return result
