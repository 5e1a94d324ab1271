#!/usr/bin/python
# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: health_wait
version_added: 0.1.0
short_description: Wait until many services are ready, all at once
description:
  - Waits for any number of targets in one call, all at the same time, and says for each how long it took.
  - The targets are asked from the host that the task runs on, with Python's standard library alone. No proxy is used.
  - Between two attempts at a target it pauses for 0.02 s at first and for 0.07 s at most, so that readiness is noticed
    within 0.1 s plus the time that one attempt takes. A target that swallows connections instead of refusing them is
    noticed when the attempt that is under way ends, which is 1 s for connecting and O(targets[].attempt_timeout) for
    an answer.
  - A target that cannot become ready by waiting (a container that has exited, a program that does not exist) ends the
    wait at once.
  - Messages name hosts, paths and what was answered, never passwords, keys, header values, arguments of commands or the
    query of a URL.
author: selfhost.aistack contributors (@selfhost-aistack)
attributes:
  check_mode:
    support: full
    description: >-
      Makes one attempt at each target and reports which are ready. Does not wait, and does not fail, because what the
      play would start may not run yet. Writes no marker into a bucket and runs no command.
  diff_mode:
    support: none
    description: Changes nothing that a diff could show.
options:
  targets:
    description:
      - What to wait for.
      - An option that the kind of a target does not use is an error.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the target in messages and in the result; each target needs its own.
        type: str
        required: true
      kind:
        description:
          - V(http) is ready when O(targets[].url) answers with a wanted status and wanted JSON values.
          - V(tcp) is ready when the port accepts a connection and keeps it open for 0.02 s. (A port that Docker
            publishes accepts, and closes at once, while nothing in the container listens.)
          - V(redis) is ready when the server lets the client in, answers PING, and has the wanted role. Valkey too.
          - V(s3) is ready when a marker object C(health-wait/...) can be written, read back and deleted with these
            keys. Requests are path style and signed with Signature Version 4.
          - V(container) is ready when the container is healthy, or runs where it has no health check; of several all
            must be. One that has exited fails the task at once, with its last log lines.
          - V(command) is ready when the program ends with 0.
        type: str
        required: true
        choices: [http, tcp, redis, s3, container, command]
      timeout:
        description: Deadline of this target in seconds, counted from the start of the task. Defaults to O(timeout).
        type: float
      attempt_timeout:
        description: >-
          Longest wait for one answer in one attempt, in seconds; 5 if unset. Raise it for a target that is slow even
          when ready. Connecting is given 1 s at most.
        type: float
      url:
        description: V(http) only, and needed there. What to ask for, as C(http://) or C(https://) URL.
        type: str
      status:
        description: V(http) only. Status code or codes that mean ready; 200 if unset.
        type: list
        elements: int
      json:
        description:
          - V(http) only. Values that the JSON of the answer must have, by dotted path, such as C(checks.redis). A
            number in the path steps into a list.
          - A value given as text also matches a number or truth value that is spelled so in JSON.
        type: dict
      method:
        description: V(http) only. Request method; GET if unset.
        type: str
        choices: [GET, HEAD, POST, OPTIONS]
      headers:
        description: V(http) only. Further request headers. Not sent on to another host by a redirect.
        type: dict
      follow_redirects:
        description: >-
          V(http) only. Follow up to 5 redirects; if unset, a redirect is an answer like any other. A redirect to the
          name given as O(targets[].host) is asked for at the address in O(targets[].url).
        type: bool
      host:
        description:
          - V(http), the name to send as Host header and in TLS (SNI), and to expect in the certificate, so that
            C(https://127.0.0.1) can be asked for a site. The name in O(targets[].url) if unset.
          - V(tcp) and V(redis), the host name or address to connect to; C(127.0.0.1) if unset.
        type: str
      port:
        description: V(tcp), where it is needed, and V(redis), 6379 if unset. The port to connect to.
        type: int
      username:
        description: V(redis) only. ACL user to log in as; the default user if unset.
        type: str
      password:
        description: V(redis) only. Password to log in with; no login if unset.
        type: str
      role:
        description: V(redis) only. Role that the server must have; any if unset.
        type: str
        choices: [master, slave]
      tls:
        description: V(redis) only. Speak TLS; plain if unset.
        type: bool
      ca_file:
        description: >-
          V(http), V(redis) and V(s3). File on the host, PEM, with the authorities to trust; the system's if unset. A
          file that does not exist yet is waited for.
        type: path
      endpoint:
        description: V(s3) only, and needed there. URL of the server, such as C(http://127.0.0.1:3900).
        type: str
      region:
        description: V(s3) only, and needed there. Region to sign for, such as C(garage).
        type: str
      bucket:
        description: V(s3) only, and needed there. Bucket to use.
        type: str
      access_key:
        description: V(s3) only, and needed there. Access key ID.
        type: str
      secret_key:
        description: V(s3) only, and needed there. Secret access key.
        type: str
      session_token:
        description: V(s3) only. Session token of temporary keys; none if unset.
        type: str
      write:
        description: >-
          V(s3) only. V(false) lists the bucket instead of writing a marker, for keys that may only read, or for a
          bucket with versions, which would keep every marker. V(true) if unset.
        type: bool
      container:
        description: V(container) only. Name or ID of the container. Excludes O(targets[].project).
        type: str
      project:
        description: V(container) only. Compose project whose containers are meant.
        type: str
      service:
        description: V(container) only. Compose service within O(targets[].project); all services if unset.
        type: str
      docker_socket:
        description: V(container) only. Socket of the Docker engine; C(/var/run/docker.sock) if unset.
        type: path
      argv:
        description: >-
          V(command) only, and needed there. Program and arguments, run without a shell. Arguments can be seen by every
          user of the host, so they must not carry a secret.
        type: list
        elements: str
  timeout:
    description: >-
      Deadline in seconds of every target that has none of its own. A target is tried at least once.
    type: float
    default: 120
  attach:
    description: A wait to follow; used by the action of the same name and not for use in a task.
    type: path
"""

EXAMPLES = r"""
- name: Wait for the gateway and all it stands on
  selfhost.aistack.health_wait:
    timeout: 60
    targets:
      - {name: gateway, kind: http, url: "http://127.0.0.1:8080/health/ready", json: {status: ready}}
      - {name: docling, kind: container, project: aistack_docling, timeout: 600}
      - name: redis
        kind: container
        container: aistack_redis-redis-1

- name: Wait for a site by its name, on this host, before its DNS record exists
  selfhost.aistack.health_wait:
    targets:
      - name: site
        kind: http
        url: https://127.0.0.1/health
        host: reflow.example.org
        ca_file: /opt/aistack/caddy/ca/root.crt

- name: Wait until the results bucket can be used with the application's keys
  selfhost.aistack.health_wait:
    targets:
      - name: results
        kind: s3
        endpoint: http://127.0.0.1:3900
        region: garage
        bucket: reflow-results
        access_key: "{{ gateway_s3_access_key }}"
        secret_key: "{{ gateway_s3_secret_key }}"
"""

RETURN = r"""
ready:
  description: Whether every target is ready.
  returned: always
  type: bool
  sample: true
targets:
  description: What is known about each target, by its name.
  returned: always
  type: dict
  contains:
    ready:
      description: Whether the target is ready; null for a command in check mode, which is not run.
      type: bool
    seconds:
      description: Seconds until the target was ready, or until the last attempt ended if it is not.
      type: float
    tries:
      description: Number of attempts.
      type: int
    last_error:
      description: Why the last attempt failed; null if it did not.
      type: str
  sample:
    docling: {ready: true, seconds: 41.307, tries: 486, last_error: null}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import remove_values

from ansible_collections.selfhost.aistack.plugins.module_utils import _job
from ansible_collections.selfhost.aistack.plugins.module_utils._health import (
    failure,
    look,
    problems,
    target_spec,
    wait,
)


def outcome(module, reports):
    """The module's result, without any value that is marked as a secret."""
    result = {
        "changed": False,
        "ready": all(report.ready for report in reports),
        "targets": {report.target["name"]: report.result() for report in reports},
    }
    if not module.check_mode and not result["ready"]:
        result.update(failed=True, msg=failure(reports))
    return remove_values(result, module.no_log_values)


def main():
    module = AnsibleModule(
        argument_spec={
            "targets": {"type": "list", "elements": "dict", "required": True, "options": target_spec()},
            "timeout": {"type": "float", "default": 120},
            "attach": {"type": "path"},
        },
        supports_check_mode=True,
    )
    targets, timeout, job = (module.params[name] for name in ("targets", "timeout", "attach"))
    wrong = problems(targets, timeout)
    if wrong:
        module.fail_json(msg=" ".join(wrong), ready=False, targets={})
    if module.check_mode:
        module.exit_json(**outcome(module, look(targets)))
    left = [] if job else _job.dead("health_wait")
    for folder in left:
        module.warn(f"{folder} was left by a wait that was killed, and is removed.")
    _job.clear(left)
    try:
        # Secrets are taken out where the options are known: a call that only follows does not know them.
        job = job or _job.begin(
            "health_wait",
            lambda say: outcome(module, wait(targets, timeout, lambda t: say(remove_values(t, module.no_log_values)))),
        )
        result, doing = _job.follow(job)
    except _job.Lost as exc:
        module.fail_json(msg=str(exc), ready=False, targets={})
    if result is None:
        module.exit_json(changed=False, job=job, doing=doing)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
