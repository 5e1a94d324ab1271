#!/usr/bin/python
# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_daemon_config
short_description: Contribute keys to the Docker engine's daemon.json
version_added: 0.1.0
description:
  - Merges the keys that one contributor wants into C(daemon.json), checks the result with C(dockerd --validate), swaps the file
    as a whole, and reloads or restarts the engine if, and only if, a key that differs needs it.
  - Several contributors (O(owner)) and people who edit the file by hand share it. A key that nobody contributes is left as it is.
    A contributed key that was changed by hand is put back. A key that its contributor no longer wants is removed, unless another
    contributor wants it, it was changed by hand since, or it was there with the same value before.
  - Keys whose value is a dictionary (C(log-opts), C(features), C(runtimes)...) are merged sub key by sub key; anything deeper is one value.
  - The decision compares the file with what the running engine process was started or reloaded with, not with the file before. An engine
    that has not seen the present file, because a run was killed before the restart or because someone edited the file, gets what it missed.
  - An engine that is not running, or not installed, reads the file when it starts. Without C(dockerd) on the host, only the types
    of the common keys are checked.
  - A file that somebody else changes between reading and writing is left as it is now, and the module fails.
  - If the engine does not start with the new file, the previous file is put back, the engine is started with it, and the module fails.
  - If a restart is needed and the file has C(live-restore), that is switched on first, so that running containers survive the restart.
notes:
  - What was written for whom is remembered as digests in C(.aistack-daemon.json) beside the file.
  - The host must run systemd, and the engine must be its C(docker.service).
options:
  owner:
    description:
      - Name of the contributor. Two contributors that want different values for the same key are an error.
    type: str
    default: docker_host
  config:
    description:
      - The keys of C(daemon.json) that this contributor wants, as the engine's manual names them.
      - A key or sub key with the value null is left out, as if it were not given.
      - An empty dictionary takes back everything that this contributor has set.
      - A limit of open files in C(default-ulimits) that is above what this host can give a container is lowered to that, since the engine
        would start no container at all.
      - Values in C(log-opts) must be texts, also if they look like numbers.
    type: dict
    required: true
  path:
    description:
      - The engine's configuration file.
    type: path
    default: /etc/docker/daemon.json
  timeout:
    description:
      - Seconds that the engine may take to restart.
    type: int
    default: 120
attributes:
  check_mode:
    description: Predicts the changed keys and the action exactly, and validates the result; needs no engine on the host.
    support: full
  diff_mode:
    description: Shows each key or sub key that changes. Values that may carry a credential (proxies, tokens) are shown as a digest prefix.
    support: full
author:
  - selfhost.aistack contributors (@selfhost-aistack)
"""

EXAMPLES = r"""
- name: Rotate container logs and keep containers over a restart of the engine
  selfhost.aistack.docker_daemon_config:
    config:
      live-restore: true
      log-driver: local
      log-opts:
        max-size: 20m
        max-file: "5"

- name: Add the GPU runtime beside whatever else is configured
  selfhost.aistack.docker_daemon_config:
    owner: nvidia_runtime
    config:
      runtimes:
        nvidia:
          path: nvidia-container-runtime
          args: []
      features:
        cdi: true

- name: Take the GPU runtime back
  selfhost.aistack.docker_daemon_config:
    owner: nvidia_runtime
    config: {}
"""

RETURN = r"""
changes:
  description:
    - What was changed, or in check mode would be, each with C(kind), C(name), C(action) and C(why).
    - Empty exactly when RV(ignore:changed) is false, and without any secret.
  returned: always
  type: list
  elements: dict
  sample:
    - {kind: daemon key, name: live-restore, action: create, why: []}
action:
  description: What the engine was given so that it uses the file.
  type: str
  returned: always
  choices: [none, reload, restart]
  sample: restart
changed_keys:
  description: Keys and sub keys that were written to or removed from the file.
  type: list
  elements: str
  returned: always
  sample: [live-restore, log-opts.max-size]
engine_keys:
  description: Keys and sub keys in which the running engine differed from the file. They are the reason of the action.
  type: list
  elements: str
  returned: always
  sample: [log-opts.max-size]
healed:
  description: What a run left which was cut off, one sentence each, and what became of it. Each is also a warning.
  type: list
  elements: str
  returned: always
  sample: [A run was cut off while it brought /etc/docker/daemon.json to what docker_host wants; what it left undone is done.]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.selfhost.aistack.plugins.module_utils._changes import answer
from ansible_collections.selfhost.aistack.plugins.module_utils._daemon_config import ConfigError
from ansible_collections.selfhost.aistack.plugins.module_utils._daemon_converge import (
    DaemonConfig,
    daemon_argument_spec,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._daemon_service import EngineService, ServiceError
from ansible_collections.selfhost.aistack.plugins.module_utils._disk import told
from ansible_collections.selfhost.aistack.plugins.module_utils._docker_host import host_nofile_limit, within_reach


def main():
    module = AnsibleModule(
        argument_spec=daemon_argument_spec(),
        supports_check_mode=True,
    )
    given = module.params
    try:
        service = EngineService(module.run_command, given["timeout"])
        config = DaemonConfig(
            given["path"], given["owner"], within_reach(given["config"], host_nofile_limit()), service
        )
        result = config.converge(check=module.check_mode)
    except (ConfigError, ServiceError) as exc:
        module.fail_json(msg=str(exc))
    except OSError as exc:
        module.fail_json(msg=told(exc))
    answer(module, result)


if __name__ == "__main__":
    main()
