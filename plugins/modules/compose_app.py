#!/usr/bin/python
# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: compose_app
short_description: Deploy one compose project in one round trip
version_added: 0.1.0
author:
  - selfhost.aistack contributors (@selfhost-aistack)
description:
  - Renders an app's template folder on the controller, ships it in one piece, and brings files, images, containers, volumes
    and networks on the host to that state. One task is one app, however many files and services it has.
  - The app's files lie in O(root)/O(name), for root alone. Nobody else writes there.
  - What has changed is found by comparing files, the recorded release and running containers, never by reading progress output.
    A container that was stopped, removed or altered by hand, and a file that was edited by hand, are put right.
  - Each change is kept as a numbered release with the ids of its images. If a service does not start, does not become healthy or
    does not stay so, the current release is put back and the task fails with the service, the reason and its last log lines.
  - An image that cannot be had, a file that does not pass its check and a disk with less than 64 MiB free end the task before
    anything is changed.
  - A run that is killed anywhere is made good by the next one, which tells as warnings what it found half done and clears it away.
  - A pull, a build or a wait that takes longer than ten seconds is told in the output while it lasts. The work on the host goes
    on if the connection is lost.
options:
  name:
    description: Name of the app; small letters, digits, V(-) and V(_). The compose project is C(aistack_<name>).
    type: str
    required: true
  templates:
    description:
      - Folder with the app's files, searched below C(templates/) of the role or playbook. Files that end in C(.j2) are rendered
        and lose that ending, all others are copied. One of them must be C(compose.yml) or C(compose.yml.j2).
    type: str
    default: app
  copy:
    description: More folders to copy unchanged into the app's folder, for example a build context.
    type: list
    elements: dict
    default: []
    suboptions:
      src:
        description: Folder, searched below C(files/) of the role or playbook.
        type: str
        required: true
      dest:
        description: Where it goes, below the app's folder.
        type: str
        required: true
  env:
    description:
      - Environment of services, as service to variables. Written to C(env/<service>.env) (0600), which is attached to the service.
        Each value arrives in the container as it is given here.
    type: dict
    default: {}
  secrets:
    description: Secret files, as name to content and owner. Written to C(secrets/<name>), for the template to mount.
    type: dict
    default: {}
  volumes:
    description: Named volumes to make where they are missing; their top folder is given to the owner. Never removed.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the volume, C(aistack_<app>_<what>).
        type: str
        required: true
      uid:
        description: Owner of its top folder.
        type: int
        default: 0
      gid:
        description: Group of its top folder.
        type: int
        default: 0
  networks:
    description: Bridge networks to make where they are missing. Never removed.
    type: list
    elements: str
    default: []
  reload:
    description:
      - Files that their service rereads, as path (a folder with a V(/) at its end) to RV(ignore:service), RV(ignore:validate) and
        RV(ignore:reload). A change of them does not recreate the container. C(validate) is a command run in a container of the
        same image with the new files before they are put in place; C(reload) is a command run in the running container.
      - A C(reload) that ends with an error has to leave the service with what it had loaded before.
    type: dict
    default: {}
  rehearse:
    description:
      - Services that are tried once beside the running one before that is replaced by one that differs. The new image with the new
        configuration, limits and healthcheck must become healthy and stay so, otherwise nothing is touched.
      - A rehearsal has no network and, in place of volumes, folders in memory. So only a service that becomes healthy without
        others and without its data can be rehearsed.
    type: list
    elements: str
    default: []
  pull:
    description:
      - V(missing) pulls images that the host does not have, V(always) also those whose tag has another digest in the registry,
        V(never) none.
    type: str
    choices: [missing, always, never]
    default: missing
  wait:
    description: Seconds within which all services must be healthy.
    type: int
    default: 120
  settle:
    description:
      - Seconds for which services are looked at after they have become healthy, in a run that started any. One that exits or
        becomes unhealthy in that time counts as failed, and the current release is put back.
    type: int
    default: 3
  ready:
    description:
      - What must be ready besides the app's own healthchecks, as O(selfhost.aistack.health_wait#module:targets). It is waited for
        after a change, and looked at in a run that changes nothing. If it does not become ready, the task fails; the release stays.
      - It costs no round trip of its own. In check mode nobody waits.
    type: list
    elements: dict
    default: []
  ready_timeout:
    description: Seconds within which all of O(ready) must be ready.
    type: int
    default: 60
  keep:
    description: How many releases are kept.
    type: int
    default: 5
  root:
    description: Folder for all apps on the host.
    type: path
    default: /opt/aistack
  bundle:
    description: The rendered app; made by the action of the same name and not for use in a task.
    type: str
  attach:
    description: A job to wait for; used by the action of the same name and not for use in a task.
    type: path
  look_ahead:
    description: Whether to look at all other apps too; used by the action of the same name and not for use in a task.
    type: bool
    default: false
attributes:
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
    support: full
    details: Lists the files and services that the real run changes, on a host without an engine too.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check_mode), when in diff mode.
    support: full
    details: Contents of secrets and environment files are shown as digest prefixes.
notes:
  - Where the variable C(aistack_look_ahead) is true, an app that changes nothing has all other apps of the host looked at as well, and
    the tasks of those that are as they shall be need no call to the host for the next 60 seconds.
    M(selfhost.aistack.docker_host_info) looks at all of them too, where the engine is as it shall be. For playbooks in which
    only the roles of this collection touch the apps, as in its own C(site.yml).
  - The host needs a Docker engine with the compose plugin 2.20 or newer, and Python's standard library.
"""

EXAMPLES = r"""
- name: Deploy a cache
  selfhost.aistack.compose_app:
    name: cache
    env:
      cache:
        TZ: UTC
    secrets:
      cache_password:
        content: "{{ cache_password }}"
        uid: 999
    volumes:
      - name: aistack_cache_data
        uid: 999
        gid: 999
    networks: [aistack]
    wait: 60
"""

RETURN = r"""
changes:
  description:
    - What was changed, or in check mode would be, each with C(kind), C(name), C(action) and C(why).
    - Empty exactly when RV(ignore:changed) is false, and without any secret.
  returned: success
  type: list
  elements: dict
  sample:
    - {kind: service, name: redis/redis, action: recreate, why: [environment]}
app:
  description: Name of the app.
  returned: success
  type: str
folder:
  description: The app's folder on the host.
  returned: success
  type: str
files:
  description: Every file with RV(ignore:path), RV(ignore:changed) and the digests before and after.
  returned: success
  type: list
  elements: dict
services:
  description:
    - State, health, published ports of the host by port of the container, image, image digest, changed and why (a list of phrases),
      by service. In check mode as they are now.
  returned: success
  type: dict
volumes:
  description: Volumes that were missing or had another owner.
  returned: success
  type: list
  elements: str
networks:
  description: Networks that were missing.
  returned: success
  type: list
  elements: str
healed:
  description:
    - What a run that was cut off left of this app (half-written files, staged releases, jobs, containers), one sentence each, and what
      is done about it. Each is also a warning.
  returned: success
  type: list
  elements: str
  sample: ["Release 4 of redis was begun by a run that was cut off or failed, and never came into use; it is removed."]
release:
  description: Number of the release that is, or would be, in use.
  returned: success
  type: int
seconds:
  description: Seconds spent, by phase.
  returned: success
  type: dict
looked_at_with:
  description: The app whose task looked at this one too, or V(docker_host_info), where this task made no call to the host.
  returned: if that was so
  type: str
  sample: docker_host_info
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.selfhost.aistack.plugins.module_utils import _job
from ansible_collections.selfhost.aistack.plugins.module_utils._changes import answer
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_app import App, AppError, unpack
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_apply import Apply
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_look import is_ready, keep_outline, settled_apps
from ansible_collections.selfhost.aistack.plugins.module_utils._compose_spec import ARGUMENTS
from ansible_collections.selfhost.aistack.plugins.module_utils._daemon_service import is_off
from ansible_collections.selfhost.aistack.plugins.module_utils._docker import Docker, DockerError
from ansible_collections.selfhost.aistack.plugins.module_utils._health import failure, wait


def carry_out(app, say):
    """Apply the plan and wait for what shall be ready then; a failure becomes a failed result without secrets."""
    try:
        result = Apply(app, say).run() if app.changed else app.result(app.observed)
        reports = wait(app.bundle["ready"], app.bundle["ready_timeout"], lambda text: say(app.redact(text)))
    except (AppError, DockerError) as exc:
        return {"failed": True, "msg": app.redact(str(exc))}
    if not all(report.ready for report in reports):
        told = f"{app.bundle['app']} runs, but is not ready: {failure(reports)}"
        return {"failed": True, "msg": app.redact(told)}
    return result


def main():
    """Compare and answer at once, or begin a job and follow it."""
    module = AnsibleModule(
        argument_spec=dict(
            ARGUMENTS,
            bundle={"type": "str", "no_log": True},
            attach={"type": "path"},
            look_ahead={"type": "bool", "default": False},
        ),
        required_one_of=[("bundle", "attach")],
        supports_check_mode=True,
    )
    try:
        job = module.params["attach"]
        if not job:
            docker = Docker(off=module.check_mode and is_off(module.run_command))
            app = App(unpack(module.params["bundle"]), module.params["root"], docker)
            diff = {"diff": app.diff()} if module._diff else {}
            if module.check_mode or not app.changed and is_ready(app.bundle):
                others = {}
                if not module.check_mode:
                    keep_outline(app)
                if module.params["look_ahead"] and not app.changed:
                    others["settled"] = settled_apps(module.params["root"], app.docker, besides=app.bundle["app"])
                answer(module, dict(app.result(app.observed), **others, **diff))
            job = _job.begin(app.bundle["app"], lambda say: dict(carry_out(app, say), **diff))
        result, doing = _job.follow(job)
    except (AppError, DockerError, _job.Lost, ValueError) as exc:
        module.fail_json(msg=str(exc))
    if result is None:
        module.exit_json(job=job, doing=doing)
    if result.pop("failed", False):
        module.fail_json(**result)
    answer(module, result)


if __name__ == "__main__":
    main()
