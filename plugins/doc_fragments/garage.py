# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options and attributes that all modules for Garage share."""

    DOCUMENTATION = r"""
options:
  endpoint:
    description:
      - Base URL of Garage's admin API, without a path; C(http) or C(https).
      - Proxy variables of the environment are not used and redirects are not followed, so that the token goes nowhere else.
    type: str
    default: http://127.0.0.1:3903
  admin_token:
    description:
      - The C(admin_token) of Garage's configuration file, or an admin token whose scope holds the calls that the module makes.
      - A token of the configuration file must not contain a dot, because Garage takes such a token for one of its own.
      - Either this or O(admin_token_file) is needed.
    type: str
  admin_token_file:
    description:
      - Path, on the host where the module runs, of a file that holds the token.
      - A check run then uses the token that Garage has now, also where the real run would have changed it by then.
    type: path
  timeout:
    description: Seconds that one request may take.
    type: int
    default: 30
  ca_file:
    description:
      - Path, on the host where the module runs, of the PEM file with the certificate authority that signed the endpoint's certificate.
      - If unset, the host's own trusted authorities are used. Without effect for C(http).
    type: path
  assume_empty:
    description:
      - In check mode, predict as for a Garage that holds nothing, without asking one; for a host on which it is not there yet.
      - Without effect when not in check mode.
    type: bool
    default: false
attributes:
  action_group:
    description: Use C(group/selfhost.aistack.garage) in C(module_defaults) to set the shared options once.
    support: full
    membership: [selfhost.aistack.garage]
  check_mode:
    description: Can run in C(check_mode) and return the prediction without changing anything.
    support: full
  diff_mode:
    description: Returns what differs between what was there and what was asked for. Secrets appear as a digest prefix.
    support: full
notes:
  - Uses the admin API v2, which Garage 2.0 and newer have.
  - Each request costs Garage one deliberately slow check of the token, so the module makes as few requests as it can.
  - Needs nothing but Python's standard library on the host where it runs.
"""
