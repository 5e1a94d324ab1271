# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test bed of selfhost.aistack: real hosts, a registry and images on one machine. See README.md beside this file."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - whoever starts it with an older one is to read why it fails
    sys.exit(
        "bed: Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; run it with a newer python3."
    )

sys.dont_write_bytecode = True

from bedlib.cli import main  # noqa: E402 - the version is checked before anything newer is parsed

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
