# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases on disk: staged, committed, pruned, and what an interrupted run leaves."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from ansible_collections.selfhost.aistack.plugins.module_utils import _files
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_release import (
    NEW,
    OLD,
    Busy,
    Releases,
    manifest,
    remove_files,
    write_files,
)


def bundle_files(text="one"):
    content = base64.b64encode(text.encode()).decode()
    me = {"uid": os.getuid(), "gid": os.getgid()}
    return [
        dict(path="compose.yml", content=content, digest="d", mode=0o644, kind="file", **me),
        dict(path="secrets/key", content=content, digest="d", mode=0o400, kind="secret", **me),
    ]


def committed(root, text="one", keep=3):
    releases = Releases(str(root))
    releases.prepare()
    number = releases.stage(bundle_files(text))
    releases.commit(number, {"files": manifest(bundle_files(text)), "services": {}}, {"a": "b"}, keep)
    return Releases(str(root))


def test_nothing_is_made_before_it_is_needed(tmp_path):
    releases = Releases(str(tmp_path / "app"))
    assert (releases.current, releases.record, releases.numbers()) == (None, {}, [])
    assert not (tmp_path / "app").exists()


def test_a_release_is_kept_for_root_alone_and_can_be_read_back(tmp_path):
    releases = committed(tmp_path / "app")
    assert releases.current == 1
    assert releases.state["loaded"] == {"a": "b"}
    assert oct(os.stat(releases.folder(1)).st_mode & 0o777) == "0o700"
    assert oct(os.stat(releases.folder(1) + "/secrets/key").st_mode & 0o777) == "0o400"
    assert releases.bundle_files(1) == bundle_files()


def test_only_the_newest_releases_are_kept(tmp_path):
    for text in "abcde":
        releases = committed(tmp_path / "app", text, keep=3)
    assert releases.numbers() == [3, 4, 5]


def test_what_a_cut_run_staged_is_replaced(tmp_path):
    releases = committed(tmp_path / "app")
    assert releases.stage(bundle_files("cut")) == 2
    again = Releases(str(tmp_path / "app"))
    assert (again.current, again.unfinished()) == (1, [2])
    assert again.stage(bundle_files("whole")) == 2
    assert base64.b64decode(again_content(again)) == b"whole"


def again_content(releases):
    with open(os.path.join(releases.folder(2), "compose.yml"), "rb") as handle:
        return base64.b64encode(handle.read())


def test_a_lock_is_held_by_one(tmp_path):
    releases = Releases(str(tmp_path / "app"))
    handle = releases.lock(0, lambda: None)
    with pytest.raises(Busy):
        releases.lock(0, lambda: None)
    os.close(handle)
    os.close(releases.lock(0, lambda: None))


def test_removing_files_removes_the_folders_it_empties(tmp_path):
    write_files(str(tmp_path), bundle_files())
    remove_files(str(tmp_path), ["secrets/key"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["compose.yml"]


def test_files_are_exchanged_by_renaming_what_was_laid_ready(tmp_path, monkeypatch):
    releases = committed(tmp_path / "app", "one")
    write_files(releases.root, bundle_files("one"))
    wanted = [entry for entry in bundle_files("two") if entry["path"] == "compose.yml"]
    wanted.append(dict(wanted[0], path="conf/more"))
    paths = ["compose.yml", "conf/more", "secrets/key"]
    releases.make_ready(wanted, paths)
    monkeypatch.setattr(_files, "write", None)
    releases.exchange(NEW, paths)
    assert contents(releases.root) == {"compose.yml": "two", "conf/more": "two"}
    releases.exchange(OLD, paths)
    assert contents(releases.root) == {"compose.yml": "one", "secrets/key": "one"}
    releases.clear_swap()
    assert not (tmp_path / "app" / "swap").exists()


def contents(root):
    """{path: text} of the files in use."""
    paths = [path for path in Path(root).rglob("*") if path.is_file()]
    found = {str(path.relative_to(root)): path.read_text() for path in paths}
    own = ("swap/", "releases/", "state.json", ".lock")
    return {path: text for path, text in found.items() if not path.startswith(own)}


def test_the_folder_that_the_engine_makes_for_a_missing_file_gives_way(tmp_path):
    (tmp_path / "a").write_text("text")
    (tmp_path / "b").mkdir()
    _files.move(str(tmp_path / "a"), str(tmp_path / "b"))
    assert (tmp_path / "b").read_text() == "text"


def test_a_garbled_state_is_told_and_not_taken_for_none(tmp_path):
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(ValueError, match="state.json is not JSON"):
        Releases(str(tmp_path))


def test_a_file_is_whole_or_not_there(tmp_path):
    path = str(tmp_path / "a")
    _files.write(path, b"one", 0o600, os.getuid(), os.getgid())
    with pytest.raises(TypeError):
        _files.write(path, "no bytes", 0o600, os.getuid(), os.getgid())
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert _files.look(path)["mode"] == 0o600


def test_all_that_lies_in_the_apps_folder_is_seen_and_the_stores_own_is_not(tmp_path):
    root = tmp_path / "app"
    releases = committed(root)
    write_files(str(root), bundle_files())
    (root / ".lock").touch()
    (root / ".env").write_text("A=1")
    (root / "conf").mkdir(mode=0o755)
    (root / "conf" / "link").symlink_to("/etc")
    (root / "conf" / ".aistack-new-half").touch()
    assert releases.app_files() == [".env", "compose.yml", "conf/link", "secrets/key"]
    assert Releases(str(tmp_path / "none")).app_files() == []


def test_folders_with_another_mode_are_seen_and_put_right(tmp_path):
    root = tmp_path / "app"
    releases = committed(root)
    write_files(str(root), bundle_files())
    assert releases.altered_folders() == []
    os.chmod(root, 0o755)  # noqa: S103 - what a hand did
    os.chmod(root / "secrets", 0o777)  # noqa: S103
    assert releases.altered_folders() == ["", "secrets"]
    releases.put_right(["", "secrets"])
    assert releases.altered_folders() == []
