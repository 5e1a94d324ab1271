# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway with two users: ada with the password `pass:word;1`, grace with `second`."""

from argon2 import PasswordHasher

SECRET_KEY = "0123456789abcdef0123456789abcdef"
# The cheapest that argon2 allows: what is tested is the rule, not the time.
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
BASIC = {
    "AUTH_MODE": "basic",
    "AUTH_SECRET_KEY": SECRET_KEY,
    "AUTH_BASIC_USERS": f"ada:{CHEAP.hash('pass:word;1')};grace:{CHEAP.hash('second')}",
}
