# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils import _garage_layout
from ansible_collections.selfhost.aistack.plugins.module_utils._garage import GarageError, GarageUnsure
from ansible_collections.selfhost.aistack.plugins.module_utils._garage_layout import (
    LayoutPlan,
    await_partitions,
    confirm_layout,
    converge_layout,
    normalise_nodes,
    normalise_redundancy,
    resolve_self,
)

A, B, C = "a" * 64, "b" * 64, "c" * 64


def role(zone="z", capacity=10_000, tags=()):
    return {"zone": zone, "capacity": capacity, "tags": sorted(tags)}


def layout(version=1, roles=None, staged=(), parameters=None, redundancy="maximum"):
    return {
        "version": version,
        "roles": [dict(value, id=key) for key, value in (roles or {}).items()],
        "parameters": {"zoneRedundancy": redundancy},
        "stagedRoleChanges": list(staged),
        "stagedParameters": {"zoneRedundancy": parameters} if parameters else None,
    }


def node(node_id=A, zone="z", capacity="10K", tags=()):
    return {"id": node_id, "zone": zone, "capacity": capacity, "tags": list(tags)}


class FakeGarage:
    """The layout part of the admin API; ``before`` maps an operation to what somebody else does just before it."""

    endpoint = "http://fake:3903"

    def __init__(self, state, known=(A, B, C), before=None):
        self.state = copy.deepcopy(state)
        self.known = known
        self.before = dict(before or {})
        self.calls = []

    def _count(self, operation):
        self.calls.append(operation)
        hook = self.before.pop(operation, None)
        if hook:
            hook(self)

    def get(self, operation, **query):
        self._count(operation)
        answers = {
            "GetClusterLayout": lambda: copy.deepcopy(self.state),
            "GetClusterStatus": lambda: {"nodes": [{"id": known} for known in self.known]},
            "GetNodeInfo": lambda: {"success": {self.known[0]: {}}, "error": {}},
        }
        return answers[operation]()

    def post(self, operation, body=None, **query):
        self._count(operation)
        return getattr(self, operation)(body)

    def UpdateClusterLayout(self, body):  # noqa: N802
        for change in body["roles"]:
            others = [entry for entry in self.state["stagedRoleChanges"] if entry["id"] != change["id"]]
            self.state["stagedRoleChanges"] = [*others, change]
        if "parameters" in body:
            self.state["stagedParameters"] = body["parameters"]
        return copy.deepcopy(self.state)

    def PreviewClusterLayoutChanges(self, body):  # noqa: N802
        return {"message": [], "newLayout": self._merged()}

    def ApplyClusterLayout(self, body):  # noqa: N802
        if body["version"] != self.state["version"] + 1:
            raise GarageUnsure("Invalid new layout version", 500)
        self.state = self._merged()
        return {"message": [], "layout": copy.deepcopy(self.state)}

    def RevertClusterLayout(self, body):  # noqa: N802
        self.state.update(stagedRoleChanges=[], stagedParameters=None)
        return copy.deepcopy(self.state)

    def _merged(self):
        roles = {entry["id"]: entry for entry in self.state["roles"]}
        for change in self.state["stagedRoleChanges"]:
            roles.pop(change["id"], None)
            if not change.get("remove"):
                roles[change["id"]] = change
        parameters = self.state["stagedParameters"] or self.state["parameters"]
        return layout(self.state["version"] + 1, roles, redundancy=parameters["zoneRedundancy"])


def roles_in(garage):
    return _garage_layout.roles_of(garage.state)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Time passes only where the code waits; the fixture is what has passed."""
    now = [0.0]
    monkeypatch.setattr(_garage_layout.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(_garage_layout.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    return now


# ---- options


def test_nodes_become_roles_in_bytes_with_tags_as_a_set():
    assert normalise_nodes([node(A, "x", "10G", ["b", "a", "b"]), node(B, "y", None)]) == {
        A: role("x", 10_000_000_000, ["a", "b"]),
        B: role("y", None),
    }
    assert normalise_nodes([node(None)]) == {None: role()}


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([node(None), node(A)], r"nodes\[0\].id is unset"),
        ([node(A + "\n")], r"nodes\[0\].id is"),
        ([node("abc")], r"nodes\[0\].id is 'abc'"),
        ([node(A.upper())], r"64 lowercase hexadecimal digits"),
        ([node(A), node(A)], r"nodes\[1\].id is .* listed already"),
        ([node(zone=" ")], r"nodes\[0\].zone is empty"),
        ([node(capacity="big")], r"nodes\[0\].capacity is 'big'"),
        ([node(capacity="1023")], r"at least 1024 bytes"),
    ],
)
def test_nodes_that_cannot_be_used_are_named(nodes, words):
    with pytest.raises(GarageError, match=words):
        normalise_nodes(nodes)


@pytest.mark.parametrize(("value", "form"), [(None, None), ("maximum", "maximum"), ("2", {"atLeast": 2})])
def test_redundancy(value, form):
    assert normalise_redundancy(value) == form


@pytest.mark.parametrize("value", ["0", "-1", "max", "1.5", ""])
def test_redundancy_that_cannot_be_used(value):
    with pytest.raises(GarageError, match="zone_redundancy is"):
        normalise_redundancy(value)


def test_the_answering_node_stands_in_for_a_missing_id():
    garage = FakeGarage(layout(0))
    assert resolve_self(garage, {None: role()}) == {A: role()}
    assert resolve_self(garage, {B: role()}) == {B: role()}
    assert garage.calls == ["GetNodeInfo"]


# ---- planning

STAGED_A = dict(role(), id=A)


@pytest.mark.parametrize(
    ("present", "desired", "redundancy", "purge", "request_body"),
    [
        (layout(0), {A: role()}, None, False, {"roles": [dict(role(), id=A)]}),
        (layout(1, {A: role()}), {A: role()}, None, False, {"roles": []}),
        (layout(1, {A: role(tags=["y", "x"])}), {A: role(tags=["x", "y"])}, None, False, {"roles": []}),
        (layout(1, {A: role(), B: role()}), {A: role()}, None, False, {"roles": []}),
        (layout(1, {A: role(), B: role()}), {A: role()}, None, True, {"roles": [{"id": B, "remove": True}]}),
        (layout(1, {A: role()}), {A: role(capacity=None)}, None, False, {"roles": [dict(role(capacity=None), id=A)]}),
        (
            layout(1, {A: role(), B: role()}), {A: role("other"), B: role()}, None, True,
            {"roles": [dict(role("other"), id=A)]},
        ),
        (layout(1, {A: role()}), {A: role()}, "maximum", False, {"roles": []}),
        (
            layout(1, {A: role()}), {A: role()}, {"atLeast": 1}, False,
            {"roles": [], "parameters": {"zoneRedundancy": {"atLeast": 1}}},
        ),
    ],
)  # fmt: skip
def test_only_the_difference_is_sent(present, desired, redundancy, purge, request_body):
    plan = LayoutPlan(present, desired, redundancy, purge)
    assert plan.request == request_body
    assert plan.changed == bool(request_body["roles"] or "parameters" in request_body)


@pytest.mark.parametrize(
    ("staged", "parameters", "purge", "foreign"),
    [
        ([], None, False, []),
        ([STAGED_A], None, False, []),
        ([dict(role("elsewhere"), id=A)], None, False, ["node " + A]),
        ([dict(role(), id=C)], None, False, ["node " + C]),
        ([{"id": B, "remove": True}], None, False, ["node " + B]),
        ([{"id": B, "remove": True}], None, True, []),
        ([], {"atLeast": 2}, False, ["zone_redundancy"]),
        ([], "maximum", False, []),
    ],
)
def test_staged_changes_are_ours_only_if_they_lead_to_our_goal(staged, parameters, purge, foreign):
    plan = LayoutPlan(layout(1, {B: role()}, staged, parameters), {A: role()}, None, purge)
    assert plan.foreign == foreign


# ---- converging


def test_a_new_layout_is_staged_previewed_and_applied_once():
    garage = FakeGarage(layout(0))
    result = converge_layout(garage, LayoutPlan(garage.state, {A: role()}, None, False), 0)
    assert result["version"] == 1
    assert roles_in(garage) == {A: role()}
    assert garage.calls == [
        "GetClusterStatus",
        "UpdateClusterLayout",
        "PreviewClusterLayoutChanges",
        "ApplyClusterLayout",
    ]


@pytest.mark.parametrize(("known", "seconds"), [((A,), 0), ((A, B, C), _garage_layout.SETTLE_S)])
def test_only_a_cluster_needs_time_to_settle(clock, known, seconds):
    garage = FakeGarage(layout(0), known=known)
    converge_layout(garage, LayoutPlan(garage.state, {A: role()}, None, False), 0)
    assert clock == [seconds]


def test_what_a_killed_run_left_staged_is_finished():
    garage = FakeGarage(layout(0, staged=[STAGED_A]))
    converge_layout(garage, LayoutPlan(garage.state, {A: role(), B: role()}, None, False), 0)
    assert roles_in(garage) == {A: role(), B: role()}


def test_foreign_staged_changes_stop_the_run_before_it_touches_anything():
    garage = FakeGarage(layout(1, {A: role()}, [dict(role(), id=C)]))
    with pytest.raises(GarageError, match="staged on top of version 1 .*neither applied nor dropped"):
        converge_layout(garage, LayoutPlan(garage.state, {A: role("new")}, None, False), 0)
    assert garage.calls == []


def test_a_node_that_nobody_knows_is_refused():
    garage = FakeGarage(layout(0), known=(A,))
    with pytest.raises(GarageError, match=f"nodes lists id '{B}', which is not among the 1 nodes"):
        converge_layout(garage, LayoutPlan(garage.state, {A: role(), B: role()}, None, False), 0)
    assert garage.state["stagedRoleChanges"] == []


def test_a_node_that_was_just_connected_is_waited_for():
    def connect(garage):
        garage.before["GetClusterStatus"] = lambda garage: setattr(garage, "known", (A, B))

    garage = FakeGarage(layout(0), known=(A,), before={"GetClusterStatus": connect})
    converge_layout(garage, LayoutPlan(garage.state, {A: role(), B: role()}, None, False), 10)
    assert garage.calls.count("GetClusterStatus") == 2
    assert roles_in(garage) == {A: role(), B: role()}


def test_a_layout_that_cannot_be_computed_is_withdrawn_and_said_so():
    garage = FakeGarage(layout(0))
    garage.PreviewClusterLayoutChanges = lambda body: {"error": "The number of nodes\nis smaller"}
    with pytest.raises(GarageError, match="The number of nodes is smaller; this run's staged changes were withdrawn"):
        converge_layout(garage, LayoutPlan(garage.state, {A: role()}, None, False), 0)
    assert garage.state == layout(0)


def stage_c(garage):
    garage.UpdateClusterLayout({"roles": [dict(role(), id=C)]})


@pytest.mark.parametrize("moment", ["UpdateClusterLayout", "PreviewClusterLayoutChanges"])
def test_somebody_staging_at_the_same_moment_is_neither_applied_nor_dropped(moment):
    garage = FakeGarage(layout(1, {A: role()}), before={moment: stage_c})
    with pytest.raises(GarageError, match="what is staged now is not this run's alone"):
        converge_layout(garage, LayoutPlan(garage.state, {A: role("new")}, None, False), 0)
    assert garage.state["version"] == 1
    assert C in [entry["id"] for entry in garage.state["stagedRoleChanges"]]


def test_somebody_staging_in_the_last_moment_is_told():
    garage = FakeGarage(layout(1, {A: role()}), before={"ApplyClusterLayout": stage_c})
    with pytest.raises(GarageError, match="version 2 was applied but holds something else than this run asked for"):
        converge_layout(garage, LayoutPlan(garage.state, {A: role("new")}, None, False), 0)


def test_an_equal_run_that_was_faster_is_success():
    def apply_first(garage):
        garage.state = garage._merged()

    garage = FakeGarage(layout(1, {A: role()}), before={"ApplyClusterLayout": apply_first})
    assert converge_layout(garage, LayoutPlan(garage.state, {A: role("new")}, None, False), 0)["version"] == 2


def test_another_run_that_was_faster_is_a_failure_with_both_versions():
    def apply_other(garage):
        garage.state = layout(2, {A: role("theirs")})

    garage = FakeGarage(layout(1, {A: role()}), before={"ApplyClusterLayout": apply_other})
    with pytest.raises(GarageError, match="from version 1 to 2 .*nothing is left staged"):
        converge_layout(garage, LayoutPlan(garage.state, {A: role("new")}, None, False), 0)
    assert roles_in(garage) == {A: role("theirs")}


def test_a_layout_that_moved_before_staging_is_not_overtaken():
    def apply_other(garage):
        garage.state = layout(2, {A: role("theirs")})

    garage = FakeGarage(layout(1, {A: role()}), before={"UpdateClusterLayout": apply_other})
    with pytest.raises(GarageError, match="from version 1 to 2 .*staged changes were withdrawn"):
        converge_layout(garage, LayoutPlan(garage.state, {A: role("new")}, None, False), 0)
    assert garage.state == layout(2, {A: role("theirs")})


def test_a_lost_answer_after_applying_is_success():
    garage = FakeGarage(layout(0))
    real_apply = garage.ApplyClusterLayout

    def apply_and_lose(body):
        real_apply(body)
        raise GarageUnsure("no answer")

    garage.ApplyClusterLayout = apply_and_lose
    assert converge_layout(garage, LayoutPlan(garage.state, {A: role()}, None, False), 0)["version"] == 1


def test_an_apply_that_failed_for_good_withdraws_and_says_so():
    def fail(body):
        raise GarageUnsure("disk full", 500)

    garage = FakeGarage(layout(0))
    garage.ApplyClusterLayout = fail
    with pytest.raises(GarageError, match="disk full; this run's staged changes were withdrawn"):
        converge_layout(garage, LayoutPlan(garage.state, {A: role()}, None, False), 0)
    assert garage.state == layout(0)


@pytest.mark.parametrize(
    ("now", "good"),
    [(layout(2, {A: role("new")}), True), (layout(2, {A: role("x")}), False), (layout(3, {A: role("x")}), True)],
)
def test_an_applied_version_is_confirmed(now, good):
    plan = LayoutPlan(layout(1, {A: role()}), {A: role("new")}, None, False)
    if good:
        confirm_layout(FakeGarage(now), plan, 2)
    else:
        with pytest.raises(GarageError, match="Layout version 2 .* Garage kept the other"):
            confirm_layout(FakeGarage(now), plan, 2)


# ---- waiting


class Health:
    def __init__(self, answers):
        self.answers = list(answers)
        self.calls = 0

    def get(self, operation):
        self.calls += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return {"status": "degraded", "partitions": 256, "partitionsAllOk": answer}


def test_waiting_ends_when_all_partitions_are_complete():
    health = Health([0, GarageUnsure("restarting"), 256])
    await_partitions(health, 10)
    assert health.calls == 3


def test_waiting_in_vain_tells_the_last_state():
    with pytest.raises(GarageError, match="10 seconds later 100 of 256 partitions are complete"):
        await_partitions(Health([100]), 10)


def test_not_waiting_asks_nothing():
    health = Health([0])
    await_partitions(health, 0)
    assert health.calls == 0
