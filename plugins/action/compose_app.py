# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render an app's templates on the controller, ship them in one piece, and tell what the host is doing while it lasts."""

from __future__ import annotations

import os
import stat

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.template import trust_as_template

from ansible_collections.selfhost.aistack.plugins.module_utils._compose_look import (
    SECRETS_OF_TARGETS,
    outline,
    outline_digest,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_spec import ARGUMENTS
from ansible_collections.selfhost.aistack.plugins.module_utils._health import problems, target_spec
from ansible_collections.selfhost.aistack.plugins.module_utils._redact import secret_values
from ansible_collections.selfhost.aistack.plugins.plugin_utils.compose_bundle import BundleError, make_bundle, pack
from ansible_collections.selfhost.aistack.plugins.plugin_utils.env_file import render
from ansible_collections.selfhost.aistack.plugins.plugin_utils.following import FollowingAction
from ansible_collections.selfhost.aistack.plugins.plugin_utils.look_ahead import LookAhead

MODULE = "selfhost.aistack.compose_app"


class ActionModule(FollowingAction):
    """compose_app's half on the controller."""

    _requires_connection = True

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        _result, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        root = args.pop("root")
        try:
            bundle = self._bundle(args, task_vars)
        except (BundleError, ValueError) as exc:
            raise AnsibleActionFail(str(exc)) from exc
        known = LookAhead.where_wanted(self._templar, task_vars)
        if known:
            result = known.result_for(bundle["app"], outline_digest(outline(bundle)))
            if result:
                return result
        name = {"name": args["name"], "root": root}
        first = dict(name, bundle=pack(bundle), look_ahead=bool(known))
        result = self.follow(MODULE, first, name, args["name"], task_vars)
        # What was shipped holds secrets and is of no use to a reader.
        result.pop("invocation", None)
        settled = result.pop("settled", None)
        if known and settled is not None:
            known.remember(bundle["app"], settled)
        elif known:
            known.forget()
        return result

    def _bundle(self, args, task_vars):
        source = self._find("templates", args.pop("templates"))
        files = self._tree(source, lambda path: self._rendered(path, source, task_vars))
        for folder in args.pop("copy"):
            tree = self._tree(self._find("files", folder["src"]), lambda path: None)
            files.update({os.path.join(folder["dest"], path): entry for path, entry in tree.items()})
        args["ready"] = [_target(target) for target in args["ready"]]
        wrong = problems(args["ready"], args["ready_timeout"])
        if wrong:
            raise BundleError(" ".join(wrong).replace("targets", "ready"))
        env = args.pop("env")
        env_files = {service: render(values) for service, values in env.items()}
        secrets = {name: _secret(name, spec) for name, spec in args.pop("secrets").items()}
        # What a log line of a service may hold and no message may show; lines too, since a log is cut into lines.
        contents = [str(spec["content"]).strip() for spec in secrets.values()]
        redact = [value for values in env.values() for value in secret_values(values)]
        redact += [text for target in args["ready"] for text in _secrets_of(target)]
        redact += [line.strip() for content in contents for line in [content, *content.splitlines()]]
        return make_bundle(files=files, env_files=env_files, secrets=secrets, redact=redact, **args)

    def _find(self, kind, name):
        try:
            return self._find_needle(kind, name)
        except AnsibleError as exc:
            raise AnsibleActionFail(str(exc)) from exc

    @staticmethod
    def _tree(top, render_one):
        """{path: (bytes, mode)} of all files below a folder; `render_one` gives a template's text, or None for a plain file."""
        files = {}
        for folder, folders, names in os.walk(top):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for name in sorted(names):
                full = os.path.join(folder, name)
                path = os.path.relpath(full, top)
                mode = 0o755 if os.stat(full).st_mode & stat.S_IXUSR else 0o644
                text = render_one(full) if name.endswith(".j2") else None
                if text is None:
                    with open(full, "rb") as handle:
                        files[path] = (handle.read(), mode)
                else:
                    files[path[: -len(".j2")]] = (text.encode(), mode)
        return files

    def _rendered(self, path, top, task_vars):
        """A template's text, with the same settings as ansible.builtin.template."""
        search = [*task_vars.get("ansible_search_path", []), self._loader.get_basedir(), os.path.dirname(path), top]
        search = [entry for folder in search for entry in (os.path.join(folder, "templates"), folder)]
        templar = self._templar.copy_with_new_env(searchpath=search, available_variables=task_vars)
        with open(path, encoding="utf-8") as handle:
            template = trust_as_template(handle.read())
        try:
            text = templar.template(
                template, escape_backslashes=False, overrides={"trim_blocks": True, "lstrip_blocks": False}
            )
        except AnsibleError as exc:
            raise AnsibleActionFail(f"{os.path.relpath(path, top)}: {exc}") from exc
        return "" if text is None else str(text)


def _target(target):
    """One entry of `ready`, checked, with every option that a target can have."""
    checked = ArgumentSpecValidator(target_spec()).validate(target)
    if checked.error_messages:
        raise BundleError(f"ready: {checked.error_messages[0]}.")
    return checked.validated_parameters


def _secrets_of(target):
    """The texts of a target that no message may show."""
    values = [target[option] for option in SECRETS_OF_TARGETS if target[option]]
    return [str(text) for value in values for text in (value.values() if isinstance(value, dict) else [value])]


def _secret(name, spec):
    """A secret's declaration, checked; its content is never part of an error."""
    if not isinstance(spec, dict) or spec.get("content") in (None, ""):
        raise BundleError(f"secrets: '{name}' has no content; give content, and uid where the container is not root.")
    unknown = set(spec) - {"content", "uid", "gid", "mode"}
    if unknown:
        raise BundleError(
            f"secrets: '{name}' has the unknown key {sorted(unknown)[0]}; accepted are content, uid, gid and mode."
        )
    numbers = {key: int(spec[key]) for key in ("uid", "gid") if key in spec}
    if "mode" in spec:
        # As everywhere in Ansible: a text is octal, and YAML has already read a bare 0400 as an octal number.
        numbers["mode"] = spec["mode"] if isinstance(spec["mode"], int) else int(spec["mode"], 8)
    return dict(numbers, content=spec["content"])
