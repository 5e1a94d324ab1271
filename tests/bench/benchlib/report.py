# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/speed.md out of the figures."""

from __future__ import annotations

from .bounds import BOUNDS, holds

_HEAD = """\
<!-- Written by make bench out of tests/bench/latest.json; a change made here is lost at the next run. -->
# Speed

What a run costs, beside what one would use instead. All figures are of one run of `make bench`, on {date}:

{machine}

Wall times are those of the whole command as a person types it, medians of several calls that took turns. The host is a
container on the same machine, so its network is as near as can be; what distance adds stands below. Absolute figures
differ from machine to machine by a factor of several; the ratios hardly do.
"""


def markdown(figures: dict) -> str:
    """The whole page."""
    machine = "\n".join(f"- {name}: {text}" for name, text in _machine(figures).items())
    parts = [_HEAD.format(date=figures["date"], machine=machine)]
    parts += [_noop(figures), _change(figures), _first(figures), _app(figures), _latency(figures), _waits(figures)]
    return "\n".join([*parts, _bounds(figures)])


def table(head: list[str], rows: list[list]) -> str:
    """A Markdown table; numbers are aligned to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return (
        "\n".join("| " + " | ".join("" if cell is None else str(cell) for cell in line) + " |" for line in lines) + "\n"
    )


def _machine(figures: dict) -> dict[str, str]:
    return {**figures["machine"], "load before": f"{figures['load_before']} (processes, over one minute)"}


def _noop(f: dict) -> str:
    costs = f["noop_costs"]
    rows = [
        [label, f[wall], f.get(best), f.get(tasks), *_cost(costs[name])]
        for label, name, wall, best, tasks in (
            ("this collection", "collection", "noop_wall_s", "noop_best_wall_s", "noop_remote_tasks"),
            (
                "a good playbook (`docker_compose_v2`, `template`, `uri`)",
                "usual way",
                "usual_way_noop_wall_s",
                "usual_way_noop_best_wall_s",
                "usual_way_noop_remote_tasks",
            ),
            ("pyinfra", "pyinfra", "pyinfra_noop_wall_s", "pyinfra_noop_best_wall_s", ""),
            ("floor: a play with one ping", "ping", "ping_play_wall_s", "", ""),
            (
                "floor: five `docker compose up -d` over one ssh call",
                "bare compose",
                "bare_compose_up_five_wall_s",
                "",
                "",
            ),
        )
    ]
    head = ["", "median s", "best s", "remote tasks", "CPU s here", "CPU s host", "memory here MiB", "memory host MiB"]
    return f"""\
## The whole stack on one machine, nothing to change

{table(head, rows)}
The good playbook takes {f["usual_way_to_collection_ratio"]} times as long as the collection, pyinfra
{f["pyinfra_to_collection_ratio"]} times. With a connection that has yet to be opened the collection takes
{f["noop_new_connection_wall_s"]} s. What the other two do, and where they do less, stands in
[tests/bench/plain](../tests/bench/plain/README.md).

CPU here: of the command and all it waited for. CPU host: sshd, the engine and all that they started, without the
containers, less what the same takes in the same time while nobody does anything. Memory: the most that the command's
processes here, and those below sshd on the host, held together, sampled every 20 ms in a call of its own.
"""


def _cost(cost: dict) -> list:
    return [cost.get(key) for key in ("controller_cpu_s", "host_cpu_s", "controller_peak_mib", "host_peak_mib")]


def _change(f: dict) -> str:
    rows = [
        ["this collection", f["one_env_value_wall_s"], f["one_env_value_remote_tasks"]],
        ["a good playbook", f["usual_way_one_env_value_wall_s"], f["usual_way_one_env_value_remote_tasks"]],
        ["pyinfra", f["pyinfra_one_env_value_wall_s"], None],
    ]
    return f"""\
## One changed value

One variable in the gateway's environment, from the call until the whole stack is ready with it. Exactly one container is
replaced, in all three. The collection then watches for three seconds (`settle`) that the new container stays up, which the
others do not.

{table(["", "s", "remote tasks"], rows)}"""


def _first(f: dict) -> str:
    bare, local = f["first_converge_s"], f["first_converge_images_local_s"]
    rows = [[phase, seconds, local.get(phase)] for phase, seconds in bare.items() if phase != "total"]
    rows.append(["total", bare["total"], local["total"]])
    return f"""\
## The first run

{table(["phase", "bare host, s", "engine and images there, s"], rows)}"""


def _app(f: dict) -> str:
    apps = f["compose_app"]
    rows = [
        [
            f"{name.split('_')[0]}, {way}",
            *(row[key] for key in ("noop_wall_s", "one_value_wall_s", "noop_remote_tasks")),
            *(row[key] for key in ("noop_controller_cpu_s", "noop_host_cpu_s")),
            *(row[key] for key in ("controller_peak_mib", "host_peak_mib")),
        ]
        for name, ways in apps.items()
        if name != "ping_play_wall_s"
        for way, row in (("`compose_app`", ways["collection"]), ("`docker_compose_v2`", ways["usual way"]))
    ]
    head = [
        "services",
        "no-op s",
        "one value s",
        "tasks",
        "CPU s here",
        "CPU s host",
        "memory here MiB",
        "memory host MiB",
    ]
    return f"""\
## One app

A play that deploys one app with an environment file a service. Of each time, {apps["ping_play_wall_s"]} s are what a play with one ping
takes. `docker_compose_v2` comes with the `file` and `template` tasks that it needs, and waits until all are healthy, as
`compose_app` does.

{table(head, rows)}"""


def _latency(f: dict) -> str:
    labels = {
        "whole_stack_noop": "whole stack, nothing to change",
        "one_compose_app_noop": "a play with one `compose_app`, nothing to change",
        "ping_play": "a play with one ping",
    }
    rows = [[labels[name], *law.values()] for name, law in f["latency"].items()]
    head = ["", "a, s", "b, round trips"]
    head += [f"{key.split('_')[2]} ms, s" for key in next(iter(f["latency"].values())) if key.startswith("wall_at")]
    return f"""\
## Distance

Time = a + b x round trip, over a relay that delays each direction by half, with the connection open.

{table(head, rows)}"""


def _waits(f: dict) -> str:
    rows = [
        ["`health_wait`: from a port's opening until it returns", f["health_wait_lag_s"]],
        ["`health_wait`, 200 targets: after the slowest one", f["health_wait_200_targets_after_slowest_s"]],
        ["a play with `health_wait` for 200 targets", f["health_wait_200_targets_play_wall_s"]],
        ["a play with `uri` and retries in a loop over the same", f["uri_with_retries_200_targets_play_wall_s"]],
    ]
    return f"""\
## Waiting

Two hundred HTTP servers, of which the slowest is ready {f["slowest_of_200_targets_ready_after_s"]:g} s after the first question.

{table(["", "s"], rows)}"""


def _bounds(f: dict) -> str:
    rows = [
        [f"`{name}`", f[name], f"{how} {bound:g}", "yes" if holds(f[name], how, bound) else "**no**"]
        for name, how, bound in BOUNDS
    ]
    return f"""\
## Bounds

{table(["figure", "value", "bound", "holds"], rows)}"""
