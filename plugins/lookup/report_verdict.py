# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: report_verdict
version_added: 0.1.0
short_description: End the run with exit status 1 where a report could not be made
description:
  - Returns its terms as they are when the report of M(selfhost.aistack.drift_report) or M(selfhost.aistack.gpu_report) has no error, and is
    an error otherwise, also when there is no report.
  - Where a playbook's own keywords are worked out, such an error ends C(ansible-playbook) with status 1. A failed task would end it with
    2, which the playbooks C(selfhost.aistack.drift) and C(selfhost.aistack.gpu_report) mean to say "found something" with.
  - It is of no use elsewhere. It says nothing while a playbook is only listed or its syntax is checked.
author: selfhost.aistack contributors (@selfhost-aistack)
options:
  _terms:
    description: What to return.
    type: list
    elements: str
  report:
    description: Name of the variable that the report was registered in.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Exit status 1 if something could not be looked at
  hosts: localhost
  vars_files: ["{{ lookup('selfhost.aistack.report_verdict', 'vars/access.yml', report='__drift_report') }}"]
"""

RETURN = r"""
_raw:
  description: The terms.
  type: list
  elements: str
"""

from typing import Any

from ansible import context
from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

_ONLY_READING = ("syntax", "listhosts", "listtasks", "listtags")


class LookupModule(LookupBase):
    """The lookup report_verdict."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        if not any(context.CLIARGS.get(option) for option in _ONLY_READING):
            report = self._report(variables or {})
            if report is None:
                raise AnsibleLookupError(
                    "Nothing was looked at: the inventory has no host in a group of this collection, or --limit or --tags left out all."
                )
            if report["outcome"] == "error":
                raise AnsibleLookupError(report["msg"])
        return terms

    def _report(self, variables: dict[str, Any]) -> Any:
        """The report, which every host of its play has."""
        hostvars = variables.get("hostvars") or {}
        reports = (hostvars[host].get(self.get_option("report")) for host in hostvars)
        return next((report for report in reports if report and "outcome" in report), None)
