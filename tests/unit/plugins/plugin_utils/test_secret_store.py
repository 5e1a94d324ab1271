# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fcntl
import multiprocessing
import os
import shutil
import string
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret, is_encrypted

from ansible_collections.selfhost.aistack.plugins.plugin_utils import secret_store
from ansible_collections.selfhost.aistack.plugins.plugin_utils.secret_store import SecretStore, SecretStoreError, Shape

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "truth"))

from truthbed.local_cuts import cut_at_each_effect  # noqa: E402

ONE = [("default", VaultSecret(b"first password"))]
OTHER = [("default", VaultSecret(b"other password"))]
PLAIN = "version: 1\nsecrets:\n  kept: {value: hush-hush-hush, class: overlap}\n"


class TaggedText(str):
    """A text with something on it, as Ansible's tagged texts are."""


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".secrets.yml"


@pytest.fixture
def warnings():
    return []


def store(path, vault_secrets=(), warnings=None):
    """A store as a new run sees it, which has read nothing yet."""
    secret_store._read.clear()
    return SecretStore(path, list(vault_secrets), (warnings if warnings is not None else []).append)


def document(path, vault_secrets=None):
    data = path.read_bytes()
    assert is_encrypted(data) == bool(vault_secrets)
    return yaml.safe_load(VaultLib(vault_secrets).decrypt(data) if vault_secrets else data)


def test_a_value_is_made_once_and_kept(path, warnings):
    value = store(path).get("redis_password", Shape(length=20), "overlap")
    assert len(value) == 20
    assert set(value) <= set(string.ascii_letters + string.digits)
    assert store(path, (), warnings).get("redis_password", Shape(length=64, alphabet="hex", prefix="GK")) == value
    entry = document(path)["secrets"]["redis_password"]
    assert entry["value"] == value
    assert entry["class"] == "overlap"
    assert entry["made"].startswith("20")
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(warnings) == 1
    assert "--vault-password-file" in warnings[0]
    assert value not in warnings[0]


def test_the_second_value_leaves_the_first_alone(path):
    one = store(path).get("one", Shape())
    two = store(path).get("two", Shape())
    assert one != two
    assert store(path).get("one", Shape()) == one
    assert list(document(path)["secrets"]) == ["one", "two"]


@pytest.mark.parametrize(
    ("shape", "characters"),
    [
        (Shape(length=200, alphabet="hex"), "0123456789abcdef"),
        (Shape(length=500, alphabet="lower"), string.ascii_lowercase),
        (Shape(length=200, alphabet="digits"), string.digits),
        (Shape(length=2000, alphabet="urlsafe"), string.ascii_letters + string.digits + "-_"),
        (Shape(length=500, alphabet="$'\"\\#:;= ä"), "$'\"\\#:;= ä"),
    ],
)
def test_shapes(path, shape, characters):
    value = store(path).get("a", shape)
    assert len(value) == shape.length
    assert set(value) == set(characters)
    assert store(path).get("a", shape) == value


def test_a_prefix_comes_on_top(path):
    value = store(path).get("key", Shape(length=24, alphabet="hex", prefix="GK"))
    assert value.startswith("GK")
    assert len(value) == 26


def test_tagged_texts_are_stored_as_plain_ones(path):
    shape = Shape(8, TaggedText("hex"), TaggedText("GK"))
    value = store(path).get(TaggedText("name"), shape, TaggedText("never"))
    assert not isinstance(value, TaggedText)
    assert document(path)["secrets"]["name"]["class"] == "never"


@pytest.mark.parametrize(
    ("name", "shape", "secret_class", "why"),
    [
        ("", Shape(), None, "name"),
        ("a\nb", Shape(), None, "name"),
        ("a" * 201, Shape(), None, "name"),
        (None, Shape(), None, "name"),
        ("a", Shape(length=7), None, "from 8 to 4096"),
        ("a", Shape(length=4097), None, "from 8 to 4096"),
        ("a", Shape(alphabet="abc"), None, "alphabet"),
        ("a", Shape(alphabet=""), None, "alphabet"),
        ("a", Shape(alphabet="0123456789\n"), None, "alphabet is '0123456789\\\\n': set it to printable"),
        ("a", Shape(alphabet="0123456789\ud800"), None, "set it to printable"),
        ("a", Shape(prefix="GK\0"), None, "prefix is 'GK\\\\x00': set it to printable"),
        ("a", Shape(), "sometimes", "klass"),
    ],
)
def test_a_wrong_question_changes_nothing(path, name, shape, secret_class, why):
    with pytest.raises(SecretStoreError, match=why):
        store(path).get(name, shape, secret_class)
    assert not path.exists()


def test_the_class_is_compared_only_when_it_is_given(path):
    value = store(path).get("a", Shape())
    assert document(path)["secrets"]["a"]["class"] == "free"
    assert store(path).get("a", Shape(), "free") == value
    with pytest.raises(SecretStoreError, match="class free but asked for with never") as error:
        store(path).get("a", Shape(), "never")
    assert value not in str(error.value)
    assert str(path) in str(error.value)


def test_read_only_writes_nothing(path):
    value = store(path).get("a", Shape(length=24, alphabet="hex", prefix="GK"), read_only=True)
    assert len(value) == 26
    assert list(path.parent.iterdir()) == []
    path.write_text(PLAIN)
    path.chmod(0o644)
    assert store(path, ONE).get("kept", Shape(), "overlap", read_only=True) == "hush-hush-hush"
    assert path.read_text() == PLAIN
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_store_is_encrypted_where_a_vault_password_is(path, warnings):
    value = store(path, ONE, warnings).get("a", Shape())
    assert document(path, ONE)["secrets"]["a"]["value"] == value
    assert path.stat().st_mode & 0o777 == 0o600
    assert store(path, ONE, warnings).get("a", Shape()) == value
    assert warnings == []


def test_a_plain_store_is_encrypted_at_its_next_use(path, warnings):
    path.write_text(PLAIN)
    assert store(path, ONE, warnings).get("kept", Shape()) == "hush-hush-hush"
    assert document(path, ONE)["secrets"]["kept"]["class"] == "overlap"
    assert warnings == []


def test_a_vault_identity_is_kept(path):
    secrets = [("home", VaultSecret(b"home password")), *OTHER]
    value = store(path, secrets).get("a", Shape())
    assert path.read_bytes().startswith(b"$ANSIBLE_VAULT;1.2;AES256;home\n")
    two = [*OTHER, *secrets[:1]]
    store(path, two).get("b", Shape())
    assert path.read_bytes().startswith(b"$ANSIBLE_VAULT;1.2;AES256;home\n")
    assert store(path, two).get("a", Shape()) == value


def test_a_wrong_or_missing_vault_password_is_told(path):
    store(path, ONE).get("a", Shape())
    before = path.read_bytes()
    for vault_secrets, why in ((OTHER, "does not open"), ([], "no vault password")):
        for name in ("a", "new"):
            with pytest.raises(SecretStoreError, match=why):
                store(path, vault_secrets).get(name, Shape())
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "holds no secrets"),
        (b"secrets: [", "is not YAML"),
        (b"\xff\xfe", "is not YAML"),
        (b"hush", "holds no secrets"),
        (b"version: 1\nsecrets: []\n", "holds no secrets"),
        (b"version: 2\nsecrets: {}\n", "version 1"),
        (b"secrets: {}\n", "version 1"),
        (b"version: 1\nsecrets: {a: hush}\n", "'a'"),
        (b"version: 1\nsecrets: {a: {value: 5}}\n", "'a'"),
        (b"version: 1\nsecrets: {a: {value: ''}}\n", "'a'"),
        (b"version: 1\nsecrets:\n  a: {value: hush\n", "is not YAML"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n6162\n", "does not open"),
    ],
)
def test_a_garbled_store_is_told_and_left_alone(path, content, why):
    path.write_bytes(content)
    for name in ("a", "new"):
        with pytest.raises(SecretStoreError, match=why) as error:
            store(path, ONE).get(name, Shape())
        assert "hush" not in str(error.value)
        assert "\n" not in str(error.value)
    assert path.read_bytes() == content


def test_an_entry_of_a_person_needs_only_a_value(path):
    path.write_text("version: 1\nsecrets: {mine: {value: 'p$w', note: by hand}}\n")
    assert store(path).get("mine", Shape(), "free") == "p$w"
    store(path).get("new", Shape())
    assert document(path)["secrets"]["mine"] == {"value": "p$w", "note": "by hand"}


def test_a_plain_store_is_closed_to_others(path):
    path.write_text(PLAIN)
    path.chmod(0o644)
    store(path).get("kept", Shape())
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_missing_directory_is_told(tmp_path):
    with pytest.raises(SecretStoreError, match="cannot be used"):
        store(tmp_path / "none" / "x.yml").get("a", Shape())


def test_a_directory_in_place_of_the_file_is_told(path):
    path.mkdir()
    with pytest.raises(SecretStoreError, match="cannot be used"):
        store(path).get("a", Shape())


def test_a_half_written_file_is_told_and_thrown_away(path, warnings):
    path.write_text(PLAIN)
    half = path.with_name(path.name + ".new")
    half.write_text("version: 1\nsecrets: {kept: {val")
    assert store(path, (), warnings).get("kept", Shape(), read_only=True) == "hush-hush-hush"
    assert half.exists()
    assert "half-written" in warnings[0]
    store(path, (), warnings).get("kept", Shape())
    assert not half.exists()
    assert "is removed" in warnings[1]
    assert document(path)["secrets"]["kept"]["value"] == "hush-hush-hush"


def test_a_file_that_another_run_is_writing_is_not_called_half_written(path, warnings):
    path.write_text(PLAIN)
    path.with_name(path.name + ".new").write_text("version: 1\n")
    with open(f"{path}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        store(path, (), warnings).get("kept", Shape(), read_only=True)
    assert warnings == []


def test_waiting_for_another_run_is_told(path, warnings, monkeypatch):
    monkeypatch.setattr(secret_store, "_SOON_S", 0.0)
    path.write_text(PLAIN)
    with open(f"{path}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = threading.Thread(target=lambda: store(path, (), warnings).get("new", Shape()))
        waiting.start()
        while not warnings:
            assert waiting.is_alive()
            time.sleep(0.01)
    waiting.join()
    assert "another run" in warnings[0]
    assert "new" in document(path)["secrets"]


@pytest.mark.parametrize(
    ("before", "given"),
    [
        (None, ()),  # the first secret of a site
        (PLAIN, ()),  # one more
        (PLAIN, ONE),  # a plain store that is to be encrypted
    ],
)
def test_a_store_that_is_killed_at_any_effect_of_its_writing_is_whole_and_heals(tmp_path, before, given):
    path, cuts, warnings = tmp_path / "site" / ".secrets.yml", tmp_path / "cuts", []
    cuts.mkdir()

    def begin():
        shutil.rmtree(path.parent, ignore_errors=True)
        path.parent.mkdir()
        if before:
            path.write_text(before)
            path.chmod(0o600)

    points = 0
    for effect in cut_at_each_effect(lambda: store(path, given).get("new", Shape()), begin, cuts):
        points += 1
        half = path.with_name(".secrets.yml.new").exists()
        # Whole: what it was, or what it was to be.
        if path.exists():
            assert document(path, given if is_encrypted(path.read_bytes()) else None)["version"] == 1, effect
        value = store(path, given, warnings).get("new", Shape())
        assert any("half-written" in warning for warning in warnings) == half, effect
        kept = document(path, given)["secrets"]
        assert kept["new"]["value"] == value
        assert ("kept" in kept) == bool(before)
        assert not before or kept["kept"]["value"] == "hush-hush-hush"
        assert sorted(entry.name for entry in path.parent.iterdir()) == [".secrets.yml", ".secrets.yml.lock"]
        assert path.stat().st_mode & 0o777 == 0o600
        warnings.clear()
    assert points >= 5


def test_a_link_is_followed(path, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "elsewhere" / "store.yml"
    target.write_text(PLAIN)
    path.symlink_to(target)
    store(path).get("new", Shape())
    assert path.is_symlink()
    assert "new" in document(target)["secrets"]


def test_a_change_by_another_run_is_seen(path):
    mine = store(path)
    value = mine.get("a", Shape())
    path.write_text(path.read_text().replace(value, "changed-by-hand"))
    assert mine.get("a", Shape()) == "changed-by-hand"


def test_what_was_read_is_not_read_again(path, monkeypatch):
    mine = store(path, ONE)
    value = mine.get("a", Shape())
    monkeypatch.setattr(VaultLib, "decrypt_and_get_vault_id", None)
    assert SecretStore(path, ONE, print).get("a", Shape()) == value


def _ask(path, vault_secrets, start, answers):
    start.wait()
    mine = store(path, vault_secrets)
    answers.put([mine.get(f"name{number}", Shape()) for number in range(5)])


@pytest.mark.parametrize("vault_secrets", [[], ONE], ids=["plain", "vault"])
def test_twenty_runs_at_once_never_make_two_values(path, vault_secrets):
    context = multiprocessing.get_context("fork")
    start, answers = context.Event(), context.Queue()
    runs = [context.Process(target=_ask, args=(path, vault_secrets, start, answers)) for _run in range(20)]
    for run in runs:
        run.start()
    start.set()
    got = [answers.get(timeout=60) for _run in runs]
    for run in runs:
        run.join(timeout=60)
        assert run.exitcode == 0
    assert len(got) == 20
    assert all(answer == got[0] for answer in got)
    entries = document(path, vault_secrets)["secrets"]
    assert [entries[f"name{number}"]["value"] for number in range(5)] == got[0]
    assert sorted(os.listdir(path.parent)) == [".secrets.yml", ".secrets.yml.lock"]
