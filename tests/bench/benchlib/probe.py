# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What processes cost, out of /proc; runs on this machine and, as a program of its own, on the test host.

probe.py cpu         prints the processor seconds that managing the host has cost since it was started: sshd, dockerd and
                     containerd with all that they started and that ended. Containers are not below them.
probe.py peak        samples the memory of what runs below sshd until its input ends, and prints the most there was, in bytes
"""

from __future__ import annotations

import os
import sys
import threading

_MANAGERS = ("sshd", "dockerd", "containerd")
_PAUSE_S = 0.02


def processes():
    """{pid: (parent, name, ticks)}; ticks are those of the process and of its children that ended."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                    text = file.read()
            except OSError:
                continue  # it ended meanwhile
            name = text[text.index("(") + 1 : text.rindex(")")]
            fields = text[text.rindex(")") + 2 :].split()
            found[int(entry)] = (int(fields[1]), name, sum(int(field) for field in fields[11:15]))
    return found


def below(known, roots):
    """The pids among `known` that are `roots` or descend from them."""
    children = {}
    for pid, (parent, _name, _ticks) in known.items():
        children.setdefault(parent, []).append(pid)
    inside, waiting = set(), list(roots)
    while waiting:
        pid = waiting.pop()
        if pid in known and pid not in inside:
            inside.add(pid)
            waiting += children.get(pid, [])
    return inside


def named(known, names):
    """The pids of processes with one of these names."""
    return [pid for pid, (_parent, name, _ticks) in known.items() if name.split("-")[0].split(":")[0] in names]


def management_cpu_s():
    """Processor seconds of everything below the daemons that manage the host."""
    known = processes()
    ticks = sum(known[pid][2] for pid in below(known, named(known, _MANAGERS)))
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(pids):
    """Bytes that these processes hold together; pages that several of them share count once."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
                total += next(int(line.split()[1]) for line in file if line.startswith("Pss:")) * 1024
        except (OSError, StopIteration):
            continue  # it ended meanwhile
    return total


class Peak:
    """Samples the memory of a changing set of processes in a thread of its own."""

    def __init__(self, choose):
        """`choose` gets the result of processes() and returns the pids that count."""
        self.bytes = 0
        self._choose = choose
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def end(self):
        """Stop and return the most there was."""
        self._stop.set()
        self._thread.join()
        return self.bytes

    def _sample(self):
        while True:
            self.bytes = max(self.bytes, memory(self._choose(processes())))
            if self._stop.wait(_PAUSE_S):
                return


def below_sshd(known):
    """What runs below sshd without sshd itself."""
    inside = below(known, named(known, ("sshd",)))
    return [pid for pid in inside if not known[pid][1].startswith("sshd")]


def main(arguments):
    """Print one number."""
    if arguments == ["cpu"]:
        print(management_cpu_s())
    elif arguments == ["peak"]:
        peak = Peak(below_sshd)
        sys.stdin.read()
        print(peak.end())
    else:
        sys.exit("probe.py takes cpu or peak.")


if __name__ == "__main__":
    main(sys.argv[1:])
