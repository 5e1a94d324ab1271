# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line: one small function a verb."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor

from . import binaries, engine, hosts, images, inventory, net, services
from .say import BedError, say


def main(arguments: list[str]) -> int:
    """Do what the command line asks and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return options.do(options) or 0
    except BedError as error:
        print(f"bed: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("bed: interrupted; run the same command again to go on.", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    """Describe the verbs."""
    parser = argparse.ArgumentParser(prog="bed", description="Real hosts, a registry and images on one machine.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    verb = verbs.add_parser("up", help="have these hosts up; a host that is up stays as it is")
    verb.add_argument("names", nargs="+", metavar="NAME")
    verb.set_defaults(do=_up)

    verb = verbs.add_parser("run", help="run a command on a host (works without network) and pass its exit code on")
    verb.add_argument("--user", choices=hosts.USERS, default="root", help="who runs it (default: root)")
    verb.add_argument("name", metavar="NAME")
    verb.add_argument("command", nargs=argparse.REMAINDER, metavar="CMD...")
    verb.set_defaults(do=_run)

    verb = verbs.add_parser("address", help="print a host's address")
    verb.add_argument("name", metavar="NAME")
    verb.set_defaults(do=_address)

    for name, action, text in (
        ("cut", hosts.cut, "pull a host's network plug"),
        ("heal", hosts.heal, "plug a host in again"),
    ):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("name", metavar="NAME")
        verb.set_defaults(do=lambda options, action=action: _with_host(options, action))

    for name, action, text in (
        ("power", hosts.power, "cut a host's power or give it back"),
        (
            "private",
            hosts.private,
            "plug a host into a second network that stands for a private one, or pull that plug",
        ),
        ("ipv6", hosts.ipv6, "give a host an IPv6 address besides and print it, or take it away"),
    ):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("name", metavar="NAME")
        verb.add_argument("wanted", choices=("off", "on"))
        verb.set_defaults(do=lambda options, action=action: _with_host(options, lambda h: action(h, options.wanted)))

    verb = verbs.add_parser("images", help="have the images of the services in the registry and print their references")
    verb.add_argument("names", nargs="*", metavar="NAME", help="only these")
    verb.set_defaults(do=_images)

    verb = verbs.add_parser("toolkit", help="have NVIDIA's container toolkit built and print where its archive lies")
    verb.set_defaults(do=_toolkit)

    verb = verbs.add_parser("inventory", help="print an Ansible inventory of the hosts that are up")
    verb.add_argument("--user", choices=hosts.USERS, default="ops", help="who logs in (default: ops, with sudo)")
    verb.add_argument("names", nargs="*", metavar="NAME", help="only these")
    verb.set_defaults(do=_inventory)

    verb = verbs.add_parser("down", help="remove these hosts; without a name everything but images and caches")
    verb.add_argument("names", nargs="*", metavar="NAME")
    verb.set_defaults(do=_down)
    return parser


def _up(options: argparse.Namespace) -> None:
    engine.ensure()
    services.ensure()
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(hosts.up, dict.fromkeys(options.names)))


def _run(options: argparse.Namespace) -> int:
    if not options.command:
        raise BedError("'bed run' needs a command after the host's name, as in: bed run vm1 uptime.")
    return hosts.run(hosts.get(options.name), options.command, options.user)


def _address(options: argparse.Namespace) -> None:
    print(hosts.get(options.name).address)


def _with_host(options: argparse.Namespace, action) -> None:
    action(hosts.get(options.name))


def _images(options: argparse.Namespace) -> None:
    engine.ensure()
    services.ensure()
    references = images.publish(options.names)
    width = max(map(len, references))
    for name, reference in references.items():
        print(f"{name:<{width}}  {reference}")


def _toolkit(options: argparse.Namespace) -> None:
    engine.ensure()
    print(binaries.ensure(binaries.NVIDIA_TOOLKIT))


def _inventory(options: argparse.Namespace) -> None:
    print(inventory.text(options.names, options.user), end="")


def _down(options: argparse.Namespace) -> None:
    if not engine.answers():
        say("no engine answers, so nothing of the bed runs")
        return
    if options.names:
        for name in options.names:
            if name in hosts.all_hosts():
                hosts.down(hosts.get(name))
        return
    for host in hosts.all_hosts().values():
        hosts.down(host)
    services.remove()
    net.remove()
    engine.stop()
