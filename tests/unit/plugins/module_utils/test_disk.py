# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences about full disks."""

from __future__ import annotations

import errno

from ansible_collections.selfhost.aistack.plugins.module_utils import _disk


def test_the_file_system_of_a_path_that_is_not_there_yet_is_its_parents(tmp_path):
    assert _disk.lacking(str(tmp_path / "a" / "b"), 1) is None
    sentence = _disk.lacking(str(tmp_path / "a" / "b"), 2**70)
    assert sentence.startswith("The file system /")
    assert f"a change needs at least {2**50} MiB; free some space there" in sentence


def test_the_path_in_another_programs_words_says_which_file_system(tmp_path):
    words = "failed to register layer: write /proc/x/GetImageBlob12: no space left on device"
    assert "The file system /proc has" in _disk.full_by(words, str(tmp_path))
    assert str(tmp_path) in _disk.full_by("No space left on device", str(tmp_path))
    assert _disk.full_by("connection refused", str(tmp_path)) is None


def test_an_error_of_the_kernel_names_its_file():
    full = OSError(errno.ENOSPC, "No space left on device", "/proc/x")
    assert "The file system /proc has" in _disk.told(full)
    assert _disk.told(OSError(errno.EROFS, "Read-only file system", "/a")) == (
        "/a cannot be written: Read-only file system; see to it on the host and run again."
    )
