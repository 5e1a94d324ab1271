# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host already has the engine's configuration and the settings that its role wants.

Private to the collection.

A look at the host is the first thing of every run anyway. That it tells this too spares a run that changes nothing two calls.
"""

from __future__ import annotations

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.selfhost.aistack.plugins.module_utils._daemon_config import ConfigError
from ansible_collections.selfhost.aistack.plugins.module_utils._daemon_converge import (
    DaemonConfig,
    daemon_argument_spec,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._daemon_service import EngineService, ServiceError
from ansible_collections.selfhost.aistack.plugins.module_utils._docker import DockerError
from ansible_collections.selfhost.aistack.plugins.module_utils._docker_host import within_reach
from ansible_collections.selfhost.aistack.plugins.module_utils._host_settings import (
    HostSettings,
    SettingsError,
    settings_argument_spec,
)
from ansible_collections.selfhost.aistack.plugins.module_utils._host_units import UnitError


def is_settled(daemon, settings, limit, run, service=None):
    """Whether the tasks that converge both would change and note nothing. What cannot be told is left to them.

    :param daemon: the options of docker_daemon_config.
    :param settings: the options of host_settings.
    :param limit: the most open files of a container on this host.
    :param run: the run_command of an AnsibleModule.
    :param service: an EngineService, or what acts like one.
    """
    daemon = ArgumentSpecValidator(daemon_argument_spec()).validate(daemon)
    settings = ArgumentSpecValidator(settings_argument_spec()).validate(settings)
    if daemon.error_messages or settings.error_messages:
        return False
    wanted = daemon.validated_parameters
    try:
        service = service or EngineService(run, wanted["timeout"])
        config = DaemonConfig(wanted["path"], wanted["owner"], within_reach(wanted["config"], limit), service)
        parts = [config, HostSettings.of(settings.validated_parameters, run)]
        return not any(part.converge(check=True)["changed"] for part in parts) and config.remembered
    except (ConfigError, ServiceError, SettingsError, UnitError, DockerError, OSError):
        return False
