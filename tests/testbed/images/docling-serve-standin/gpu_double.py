# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A double of PyTorch for the proof alone that precedes docling-serve on a GPU. It stands in nobody's way unless PYTHONPATH names its folder.

It sees the GPUs whose devices the container was given, as PyTorch would. docling-serve itself then has the real PyTorch, which has
no GPU to calculate on: set DOCLING_DEVICE to cpu with it.
"""

import sys
import types
from glob import glob


class Tensor:
    """As much of one as the proof calculates with."""

    def add_(self, _other):
        return self

    def item(self):
        return 2.0


def double() -> types.ModuleType:
    seen = len(glob("/dev/nvidia[0-9]*"))
    torch = types.ModuleType("torch")
    torch.__version__ = "double"
    torch.cuda = types.SimpleNamespace(is_available=lambda: seen > 0, device_count=lambda: seen)
    torch.ones = lambda _size, device: Tensor()
    return torch


if sys.orig_argv[1:2] == ["-c"] and "docling-serve" in sys.orig_argv[2]:
    sys.modules["torch"] = double()
