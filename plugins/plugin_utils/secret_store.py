# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file beside the inventory in which the secrets of a site are made once and kept.

The file is replaced in one rename, so a reader needs no lock. Whoever changes it holds the lock on the file of the same
name with `.lock` behind it, and reads it again first; so two runs at once never make two values. The file is encrypted
as a whole with Ansible Vault where the run has a vault password.
"""

from __future__ import annotations

import datetime
import errno
import fcntl
import os
import secrets
import string
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible import constants
from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, is_encrypted, match_encrypt_secret

ALPHABETS = {
    "alnum": string.ascii_letters + string.digits,
    "digits": string.digits,
    "hex": string.digits + "abcdef",
    "lower": string.ascii_lowercase,
    "urlsafe": string.ascii_letters + string.digits + "-_",
}
CLASSES = ("free", "overlap", "reencrypt", "never")
LENGTHS = (8, 4096)
VERSION = 1
_SOON_S = 10.0
_HEADER = """\
# Secrets that the lookup selfhost.aistack.secret made for the inventory in this directory. Keep a copy of this file:
# without it the services cannot be reached any more. To change a value, see the rules for its class in that lookup.
"""


class SecretStoreError(Exception):
    """A store or a question that cannot be answered; its text is one sentence without a secret."""


@dataclass(frozen=True)
class Shape:
    """What a secret is made of at its first use; a kept secret is never held against it.

    `alphabet` is a name of ALPHABETS or the characters themselves, `length` counts what follows `prefix`.
    """

    length: int = 32
    alphabet: str = "alnum"
    prefix: str = ""

    def problem(self) -> str:
        """Why nothing can be made in this shape, as one sentence, or nothing."""
        shortest, longest = LENGTHS
        if not shortest <= self.length <= longest:
            return f"length is {self.length}: set it to a whole number from {shortest} to {longest}."
        if len(set(ALPHABETS.get(self.alphabet, self.alphabet))) < 10:
            names = ", ".join(ALPHABETS)
            return f"alphabet is {self.alphabet!r}: set it to one of {names}, or to at least 10 different characters."
        # What stands in configurations and headers: no control characters, and none that UTF-8 cannot carry.
        for name, text in (("alphabet", self.alphabet), ("prefix", self.prefix)):
            if not text.isprintable():
                return f"{name} is {text!r}: set it to printable characters."
        return ""

    def make(self) -> str:
        """A new random value."""
        characters = sorted(set(ALPHABETS.get(self.alphabet, self.alphabet)))
        return "".join(self.prefix) + "".join(secrets.choice(characters) for _position in range(self.length))


@dataclass(frozen=True)
class _Content:
    """What a store holds: its secrets, and the vault identity and secret that open it (None where it is plain)."""

    entries: dict[str, dict[str, Any]]
    key: tuple[str, Any] | None


# What this process has read, by path, with the identity of the file then: opening a vault takes longer than all the rest.
_read: dict[Path, tuple[tuple[int, int, int], _Content]] = {}


class SecretStore:
    """One file of secrets.

    `vault_secrets` are the vault passwords of the run as Ansible's loader has them, empty where there is none. `warn` is
    called with a sentence when the store lies there in plain text.
    """

    def __init__(self, path: Path, vault_secrets: list[tuple[str, Any]], warn: Callable[[str], None]) -> None:
        self._path = Path(os.path.realpath(path))
        self._vault = VaultLib(vault_secrets)
        self._warn = warn

    def get(self, name: str, shape: Shape, secret_class: str | None = None, read_only: bool = False) -> str:
        """The value of `name`; made in `shape` and kept when there is none yet.

        With `read_only` nothing is written, and a missing secret is a value of the same shape that is forgotten again.
        """
        self._check_question(name, shape, secret_class)
        with self._told():
            self._heal(read_only)
            content = self._load()
            if read_only:
                return self._kept(content, name, secret_class) or shape.make()
            if name not in content.entries or self._to_be_encrypted(content):
                content = self._change(name, shape, secret_class)
            if content.key is None:
                self._protect_plain()
            return self._kept(content, name, secret_class)

    @staticmethod
    def _check_question(name: str, shape: Shape, secret_class: str | None) -> None:
        if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > 200:
            raise SecretStoreError(
                "The name of a secret is empty, too long or has control characters: give it one such as redis_password."
            )
        problem = shape.problem()
        if problem:
            raise SecretStoreError(f"The secret {name} cannot be made, because its {problem}")
        if secret_class is not None and secret_class not in CLASSES:
            raise SecretStoreError(
                f"The class of the secret {name} is {secret_class!r}: set klass to one of {', '.join(CLASSES)}."
            )

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turns what the operating system refuses into a sentence."""
        try:
            yield
        except OSError as error:
            raise SecretStoreError(
                f"The secrets file {self._path} cannot be used ({error.strerror or error}): "
                "let the user who runs Ansible read and write it and its directory, or name another file."
            ) from error

    def _kept(self, content: _Content, name: str, secret_class: str | None) -> str:
        """The value that is kept, or an empty text; refuses another class than the one recorded."""
        entry = content.entries.get(name)
        if entry is None:
            return ""
        recorded = entry.get("class", "free")
        if secret_class is not None and recorded != secret_class:
            raise SecretStoreError(
                f"The secret {name} is kept in {self._path} with the class {recorded} but asked for with {secret_class}: "
                "ask with the recorded class, or correct the class in the file."
            )
        return entry["value"]

    def _to_be_encrypted(self, content: _Content) -> bool:
        return content.key is None and bool(self._vault.secrets) and bool(content.entries)

    # Reading

    def _load(self) -> _Content:
        """What the file holds now; no secrets where there is no file."""
        try:
            with open(self._path, "rb") as file:
                status = os.fstat(file.fileno())
                identity = (status.st_ino, status.st_mtime_ns, status.st_size)
                known = _read.get(self._path)
                if known is not None and known[0] == identity:
                    return known[1]
                content = self._parse(file.read())
        except FileNotFoundError:
            return _Content({}, None)
        _read[self._path] = (identity, content)
        return content

    def _parse(self, data: bytes) -> _Content:
        key = None
        if is_encrypted(data):
            data, key = self._decrypt(data)
        try:
            document = yaml.safe_load(data.decode("utf-8"))
        except (UnicodeDecodeError, yaml.YAMLError):
            # The parser's message quotes the line it stopped at, which may hold a secret.
            raise self._garbled("is not YAML") from None
        if not isinstance(document, dict) or not isinstance(document.get("secrets"), dict):
            raise self._garbled("holds no secrets")
        if document.get("version") != VERSION:
            raise self._garbled(f"is not of version {VERSION}")
        for name, entry in document["secrets"].items():
            if not isinstance(name, str) or not isinstance(entry, dict) or not isinstance(entry.get("value"), str):
                raise self._garbled(f"has no text as the value of {name!r}")
            if not entry["value"]:
                raise self._garbled(f"has an empty value for {name!r}")
        return _Content(document["secrets"], key)

    def _garbled(self, what: str) -> SecretStoreError:
        return SecretStoreError(
            f"The secrets file {self._path} {what}, and it is left as it is: put a good copy of it back, "
            "or move it away if no service was ever deployed with it."
        )

    def _decrypt(self, data: bytes) -> tuple[bytes, tuple[str, Any]]:
        if not self._vault.secrets:
            raise SecretStoreError(
                f"The secrets file {self._path} is encrypted and this run has no vault password: "
                "run it with --vault-password-file or --ask-vault-pass."
            )
        try:
            plain, vault_id, vault_secret = self._vault.decrypt_and_get_vault_id(data)
        except (AnsibleError, ValueError):
            raise SecretStoreError(
                f"The secrets file {self._path} does not open with the vault passwords of this run: "
                "give the password it was encrypted with, or put a good copy of it back if it is damaged."
            ) from None
        return plain, (vault_id, vault_secret)

    # Writing

    def _change(self, name: str, shape: Shape, secret_class: str | None) -> _Content:
        """The content after `name` was made, unless another run made it meanwhile, and after encryption where due."""
        with self._locked():
            self._clear_half()
            content = self._load()
            entries = dict(content.entries)
            if name not in entries:
                made = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
                # "".join makes a plain text of one that carries Ansible's tags, which YAML does not know.
                entries["".join(name)] = {
                    "value": shape.make(),
                    "class": "".join(secret_class or "free"),
                    "made": made.strftime("%Y-%m-%dT%H:%M:%SZ"),
                }
            elif not self._to_be_encrypted(content):
                return content
            self._write(entries, content.key)
            return self._load()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Holds the lock of the store; the lock file stays, for removing it would let a second run pass."""
        descriptor = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not self._taken_soon(descriptor):
                # The lock ends with its process, so whoever holds it lives.
                self._warn(
                    f"The secrets file {self._path} is being changed by another run; this one waits for it to end."
                )
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @staticmethod
    def _taken_soon(descriptor: int) -> bool:
        """Takes a lock, if it becomes free within a time that other hosts of the same run may need it for."""
        deadline = time.monotonic() + _SOON_S
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)

    @property
    def _half(self) -> Path:
        """Where the next content is written before it takes the place of the file."""
        return Path(f"{self._path}.new")

    def _heal(self, read_only: bool) -> None:
        """Tells of a half-written file that a killed run left, and removes it; no secret in it was ever given to anyone."""
        if not self._half.exists():
            return
        if not read_only:
            with self._locked():
                self._clear_half()
        elif not self._is_held():
            self._warn(f"{self._told_half()}; the next run that is no check removes it.")

    def _clear_half(self) -> None:
        """Removes a half-written file; the lock is held, so nobody is writing it."""
        if self._half.exists():
            self._half.unlink()
            self._warn(f"{self._told_half()}; it is removed.")

    def _told_half(self) -> str:
        return f"The half-written secrets file {self._half} was left by a run that was killed, and no secret in it was ever used"

    def _is_held(self) -> bool:
        """Whether another run is changing the store now."""
        try:
            descriptor = os.open(f"{self._path}.lock", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _write(self, entries: dict[str, dict[str, Any]], key: tuple[str, Any] | None) -> None:
        """Puts the file in place as a whole. The lock is held and there is no half-written one."""
        document = {"version": VERSION, "secrets": dict(sorted(entries.items()))}
        data = (_HEADER + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=10**6)).encode("utf-8")
        if key is None and self._vault.secrets:
            key = self._new_key()
        if key is not None:
            vault_id, vault_secret = key
            label = None if vault_id == "default" else vault_id
            data = VaultLib(self._vault.secrets).encrypt(data, vault_secret, label)
        descriptor = os.open(self._half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)  # whatever the umask took away
            self._keep_owner(file.fileno())
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self._half, self._path)
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _new_key(self) -> tuple[str, Any]:
        """The vault identity and secret that `ansible-vault encrypt` would take."""
        identity = constants.DEFAULT_VAULT_ENCRYPT_IDENTITY
        try:
            return match_encrypt_secret(self._vault.secrets, encrypt_vault_id=identity)
        except AnsibleError:
            raise SecretStoreError(
                f"The secrets file {self._path} cannot be encrypted, because no vault password of this run belongs to the "
                f"identity {identity!r}: give its password with --vault-id, or correct vault_encrypt_identity."
            ) from None

    def _keep_owner(self, descriptor: int) -> None:
        """Gives the new file the owner of the old one, which root may be rewriting for someone else."""
        if os.geteuid() == 0 and self._path.exists():
            status = self._path.stat()
            os.fchown(descriptor, status.st_uid, status.st_gid)

    def _protect_plain(self) -> None:
        """Closes a plain store to other users and says how it is encrypted."""
        if self._path.stat().st_mode & 0o077:
            try:
                self._path.chmod(0o600)
            except OSError as error:
                if error.errno != errno.EPERM:
                    raise
                raise SecretStoreError(
                    f"The secrets file {self._path} can be read by other users and is not encrypted: "
                    "let its owner run chmod 600 on it."
                ) from error
        self._warn(
            f"The secrets file {self._path} is not encrypted: run Ansible with --vault-password-file (or set "
            "vault_password_file in ansible.cfg), and the next run encrypts it."
        )
