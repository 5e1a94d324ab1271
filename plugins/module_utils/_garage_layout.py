# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converge the cluster layout of Garage: which node has which role.

Private to the collection.

Garage keeps one applied layout, numbered, and one set of staged changes that belongs to nobody in particular.
Applying names the next number, so two appliers on one node cannot both succeed; but staging is shared, so what is
applied may hold more than one party staged. Hence: refuse to start on foreign staged changes, compare after every step,
say what is left.

On two nodes of a cluster two appliers can both succeed, and when they apply different layouts under one number, the
nodes disagree for good. Hence the settling time between staging and applying: each node passes staged changes on at
once, so after it everybody sees them all, and only the one whose changes are still there goes on.
"""

from __future__ import annotations

import re
import time

from ansible_collections.selfhost.aistack.plugins.module_utils._changes import change
from ansible_collections.selfhost.aistack.plugins.module_utils._diff import DifferenceTracker
from ansible_collections.selfhost.aistack.plugins.module_utils._garage import GarageError, GarageUnsure, parse_size
from ansible_collections.selfhost.aistack.plugins.module_utils._host_lock import host_lock

NODE_ID = re.compile(r"[0-9a-f]{64}")
SMALLEST_CAPACITY = 1024
# Each question costs Garage a slow token check; twice a second is soon enough for what takes seconds.
POLL_INTERVAL_S = 0.5
# Many times what staged changes take from one node to all others. Nothing tells when they have arrived.
SETTLE_S = 2
# One run takes a second or two; this lets many queue up and still ends when one hangs.
LOCK_PATIENCE_S = 120


def layout_argument_spec():
    """Return the specification of the options of a layout."""
    node = {
        "id": {"type": "str"},
        "zone": {"type": "str", "required": True},
        # Not "str", which would turn an explicit null into an empty text.
        "capacity": {"type": "raw", "required": True},
        "tags": {"type": "list", "elements": "str", "default": []},
    }
    return {
        "nodes": {"type": "list", "elements": "dict", "required": True, "options": node},
        "zone_redundancy": {"type": "str"},
        "purge": {"type": "bool", "default": False},
        "wait": {"type": "int", "default": 60},
    }


def run_layout(client, params, check_mode=False):
    """Bring the layout to what the options say, while no other run on this host does so.

    :param client: a GarageClient.
    :param params: the options of ``layout_argument_spec``.
    :param check_mode: True predicts only.
    :returns: a module's result.
    :raises GarageError: if an option cannot be used, or as ``converge_layout``, ``await_partitions`` and ``confirm_layout``.
    :raises LockTimeout: if another run holds the layout for too long.
    """
    if params["wait"] < 0:
        raise GarageError("wait is %d: give a number of seconds, or 0 not to wait" % params["wait"])
    desired = normalise_nodes(params["nodes"])
    redundancy = normalise_redundancy(params["zone_redundancy"])
    with host_lock("garage_layout", LOCK_PATIENCE_S + params["wait"]):
        plan = LayoutPlan(client.get("GetClusterLayout"), resolve_self(client, desired), redundancy, params["purge"])
        version = plan.version + 1 if plan.changed else plan.version
        if plan.changed and not check_mode:
            version = converge_layout(client, plan, params["wait"])["version"]
    if plan.changed and not check_mode:
        await_partitions(client, params["wait"])
        confirm_layout(client, plan, version)
    staged = "Layout changes are staged in Garage that this run did not ask for: %s" % ", ".join(plan.foreign)
    return {
        "changed": plan.changed,
        # A check run on a new site does not know the node's id yet, so the whole layout is the thing.
        "changes": [change("layout", "garage", "apply", plan.differences.names)] if plan.changed else [],
        "diff": plan.differences.diff,
        "warnings": [staged] if plan.foreign else [],
        "version": version,
        "roles": plan.target,
        "zone_redundancy": plan.target_redundancy,
    }


def normalise_nodes(nodes):
    """Check the option ``nodes`` and bring it into the form of a layout.

    :param nodes: list of dicts with id, zone, capacity, tags as the module's options give them.
    :returns: ``{id or None: {"zone", "capacity" in bytes or None, "tags"}}``; None stands for the answering node.
    :raises GarageError: naming the entry that cannot be used.
    """
    desired = {}
    for number, node in enumerate(nodes):
        name = "nodes[%d]" % number
        node_id = node["id"]
        if node_id is None and len(nodes) > 1:
            raise GarageError(
                "%s.id is unset: with more than one node each needs its id of 64 hexadecimal digits" % name
            )
        if node_id is not None and not NODE_ID.fullmatch(node_id):
            raise GarageError("%s.id is %r: give the whole node id, 64 lowercase hexadecimal digits" % (name, node_id))
        if node_id in desired:
            raise GarageError("%s.id is %r, which is listed already: list each node once" % (name, node_id))
        if not node["zone"].strip():
            raise GarageError("%s.zone is empty: give the name of the place whose failure takes this node down" % name)
        desired[node_id] = {
            "zone": node["zone"],
            "capacity": _capacity(node["capacity"], name),
            "tags": sorted(set(node["tags"] or [])),
        }
    return desired


def normalise_redundancy(value):
    """Check the option ``zone_redundancy`` and bring it into the API's form.

    :param value: ``maximum``, a whole number from 1 as text, or None.
    :returns: ``"maximum"``, ``{"atLeast": n}`` or None.
    :raises GarageError: if it is none of these.
    """
    if value is None or value == "maximum":
        return value
    if not re.fullmatch(r"[1-9][0-9]*", value):
        raise GarageError("zone_redundancy is %r: give 'maximum' or a number of zones from 1" % value)
    return {"atLeast": int(value)}


def roles_of(layout):
    """Return the applied roles of a layout as ``{id: {"zone", "capacity", "tags"}}``."""
    return {role["id"]: _role(role) for role in layout["roles"]}


class LayoutPlan:
    """What separates a layout from the wanted one.

    :param layout: an answer of GetClusterLayout.
    :param desired: result of ``normalise_nodes`` with every id known.
    :param redundancy: result of ``normalise_redundancy``; None keeps what is there.
    :param purge: True if roles of nodes that are not listed shall go.
    """

    def __init__(self, layout, desired, redundancy, purge):
        self.version = layout["version"]
        self.current = roles_of(layout)
        self.target = dict(desired) if purge else dict(self.current, **desired)
        self.current_redundancy = layout["parameters"]["zoneRedundancy"]
        self.target_redundancy = redundancy or self.current_redundancy
        self.differences = DifferenceTracker()
        for node_id in sorted(set(self.current) | set(self.target)):
            self.differences.add("node " + node_id, self.current.get(node_id), self.target.get(node_id))
        self.differences.add("zone_redundancy", self.current_redundancy, self.target_redundancy)
        self.foreign = self._foreign(layout)

    @property
    def changed(self):
        """True if the applied layout differs from the wanted one."""
        return self.differences.changed

    @property
    def request(self):
        """The body for UpdateClusterLayout: the differing roles and parameters only."""
        roles = []
        for node_id in sorted(set(self.current) | set(self.target)):
            if node_id not in self.target:
                roles.append({"id": node_id, "remove": True})
            elif self.target[node_id] != self.current.get(node_id):
                roles.append(dict(self.target[node_id], id=node_id))
        body = {"roles": roles}
        if self.target_redundancy != self.current_redundancy:
            body["parameters"] = {"zoneRedundancy": self.target_redundancy}
        return body

    def is_reached_by(self, layout):
        """True if the applied part of ``layout`` is what this plan wants."""
        return roles_of(layout) == self.target and layout["parameters"]["zoneRedundancy"] == self.target_redundancy

    def _foreign(self, layout):
        """Name the staged changes that would lead somewhere else than this plan."""
        foreign = []
        for entry in layout["stagedRoleChanges"]:
            wanted = self.target.get(entry["id"])
            staged = None if entry.get("remove") else _role(entry)
            if staged != wanted:
                foreign.append("node %s" % entry["id"])
        parameters = layout.get("stagedParameters")
        if parameters and parameters["zoneRedundancy"] != self.target_redundancy:
            foreign.append("zone_redundancy")
        return foreign

    def foreign_in(self, layout):
        """Name the staged changes of a later ``layout`` that are not part of this plan."""
        return self._foreign(layout)


def resolve_self(client, desired):
    """Put the answering node's id where the options left it out.

    :raises GarageError: if Garage does not tell it.
    """
    if None not in desired:
        return desired
    answer = client.get("GetNodeInfo", node="self")
    if len(answer["success"]) != 1:
        raise GarageError("Garage at %s does not tell its own node id: give nodes[0].id" % client.endpoint)
    return {next(iter(answer["success"])): desired[None]}


def converge_layout(client, plan, patience):
    """Stage, preview and apply a plan that has changes.

    :param client: a GarageClient.
    :param plan: a LayoutPlan made from the present layout.
    :param patience: seconds to wait until Garage knows every node of the plan.
    :returns: the layout after it.
    :raises GarageError: if it was not applied, or if something else was; the sentence says what is staged now.
    """
    _refuse_foreign(plan, plan.foreign)
    cluster_size = _await_nodes(client, plan, patience)
    staged = client.post("UpdateClusterLayout", plan.request)
    try:
        _refuse_moved(plan, staged)
        _refuse_foreign(plan, plan.foreign_in(staged))
        if cluster_size > 1:
            time.sleep(SETTLE_S)
        preview = client.post("PreviewClusterLayoutChanges")
        if "error" in preview:
            raise GarageError("Garage cannot compute this layout: %s" % " ".join(preview["error"].split()))
        if preview["newLayout"]["version"] != plan.version + 1 or not plan.is_reached_by(preview["newLayout"]):
            raise GarageError("Somebody else changed the layout at the same moment, so nothing was applied: run again")
        layout = _apply(client, plan)
    except GarageError as problem:
        raise GarageError("%s; %s" % (problem, _withdraw(client, plan))) from problem
    if not plan.is_reached_by(layout):
        raise GarageError(
            "Layout version %d was applied but holds something else than this run asked for, because somebody else staged changes "
            "at the same moment: compare it with nodes and run again" % layout["version"]
        )
    return layout


def await_partitions(client, seconds):
    """Wait until every partition has all its copies.

    :param seconds: how long to wait; 0 does not look at all.
    :raises GarageError: if it took longer, with the last state.
    """
    deadline = time.monotonic() + seconds
    while seconds:
        try:
            health = client.get("GetClusterHealth")
            if health["partitions"] and health["partitionsAllOk"] == health["partitions"]:
                return
            state = (
                "%(partitionsAllOk)d of %(partitions)d partitions are complete and the cluster is %(status)s" % health
            )
        except GarageUnsure as problem:
            state = str(problem)
        if time.monotonic() >= deadline:
            raise GarageError(
                "The layout was applied, but %d seconds later %s: bring missing nodes up, or raise wait"
                % (seconds, state)
            )
        time.sleep(POLL_INTERVAL_S)


def confirm_layout(client, plan, version):
    """Make sure that the applied version still holds what was asked for.

    Two runs on different nodes may each apply the same number at the same moment; Garage then keeps one of the two.

    :param version: the number that this run applied. A higher one is a later run's and is none of this run's business.
    :raises GarageError: if the same number now holds something else.
    """
    layout = client.get("GetClusterLayout")
    if layout["version"] == version and not plan.is_reached_by(layout):
        raise GarageError(
            "Layout version %d was applied by this run and, with another content, by another one on a different node, and "
            "Garage kept the other: compare it with nodes and run again, on one node only" % version
        )


def _capacity(value, name):
    if value is None:
        return None
    capacity = parse_size(value, name + ".capacity")
    if capacity < SMALLEST_CAPACITY:
        raise GarageError(
            "%s.capacity is '%s': give at least %d bytes, or null for a gateway" % (name, value, SMALLEST_CAPACITY)
        )
    return capacity


def _role(entry):
    # Tags are a set to Garage's users; their order says nothing.
    return {"zone": entry["zone"], "capacity": entry.get("capacity"), "tags": sorted(set(entry["tags"]))}


def _refuse_foreign(plan, foreign):
    if foreign:
        raise GarageError(
            "Layout changes that this run did not ask for are staged on top of version %d (%s), and were neither applied nor "
            "dropped: apply or revert them with Garage's own command, or add them to nodes"
            % (plan.version, ", ".join(foreign))
        )


def _refuse_moved(plan, layout):
    if layout["version"] != plan.version:
        raise GarageError(
            "The layout went from version %d to %d during this run, so the plan for version %d was not applied: run again"
            % (plan.version, layout["version"], plan.version)
        )


def _await_nodes(client, plan, patience):
    """Wait until Garage knows every node that is new in the layout, and return the number of nodes that it knows.

    Nodes that were just connected take seconds. A role for a node that nobody knows, such as a mistyped id, would take
    the quorum away from every table.
    """
    deadline = time.monotonic() + patience
    while True:
        known = {node["id"] for node in client.get("GetClusterStatus")["nodes"]}
        unknown = set(plan.target) - set(plan.current) - known
        if not unknown:
            return len(known)
        if time.monotonic() >= deadline:
            raise GarageError(
                "nodes lists id '%s', which is not among the %d nodes that Garage at %s knows after %d seconds: "
                "correct the id or connect the node first" % (min(unknown), len(known), client.endpoint, patience)
            )
        time.sleep(POLL_INTERVAL_S)


def _apply(client, plan):
    """Apply by compare-and-set; the next number is the set condition."""
    try:
        return client.post("ApplyClusterLayout", {"version": plan.version + 1})["layout"]
    except GarageUnsure:
        # A lost answer may be a success, and a wrong number (HTTP 500) may mean that an equal run was faster.
        layout = client.get("GetClusterLayout")
        if plan.is_reached_by(layout):
            return layout
        _refuse_moved(plan, layout)
        raise


def _withdraw(client, plan):
    """After a failure, revert what is staged if all of it is this run's; tell what was done."""
    try:
        layout = client.get("GetClusterLayout")
        if not layout["stagedRoleChanges"] and not layout.get("stagedParameters"):
            return "nothing is left staged"
        if plan.foreign_in(layout):
            return "what is staged now is not this run's alone and was left there"
        client.post("RevertClusterLayout")
    except GarageError:
        return "this run's staged changes may still be there"
    return "this run's staged changes were withdrawn"
