# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that cannot be used is refused in one sentence, before anything on it changes."""

from __future__ import annotations

import re

import pytest

# Only the process that looks at the host sees another system: the host itself stays what it is.
_OTHER_SYSTEM = """
mkdir -p /usr/local/lib/other-system
printf 'ID=debian\\nVERSION_ID="11"\\nVERSION_CODENAME=bullseye\\n' > /usr/local/lib/other-system/os-release
cat > /usr/local/lib/other-system/python3 <<'END'
#!/bin/sh
exec unshare --mount /bin/sh -c 'mount --bind /usr/local/lib/other-system/os-release /etc/os-release && exec /usr/bin/python3 "$@"' sh "$@"
END
chmod 755 /usr/local/lib/other-system/python3
"""

_STATE = "find /etc/docker /opt/aistack /etc/sysctl.d -printf '%p %T@\\n' | sort"


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        (
            {"docker_host_minimum_engine": "99.0"},
            r"The engine is version [0-9.]+, older than docker_host_minimum_engine \(99\.0\): upgrade it, .*\.",
        ),
        (
            {"ansible_python_interpreter": "/usr/local/lib/other-system/python3"},
            r"The operating system is debian 11, but docker_host knows only Debian 12, .*: use a host with one of these\.",
        ),
        (
            {"docker_host_source": "snap"},
            r"docker_host_source is 'snap', .*: set it to one of auto, distribution, docker\.",
        ),
        (
            {"docker_host_log_max_size": "20 MB"},
            r"docker_host_log_max_size is '20 MB', .*: set it to a number with k, m or g, such as 20m\.",
        ),
    ],
)
def test_refused(stranger, variables, sentence):
    stranger.on_host(_OTHER_SYSTEM)
    before = stranger.on_host(_STATE)
    played = stranger.play("redis.yml", **variables)
    assert (played.changed, played.failed) == (0, 1), played.output
    told = next(line for line in played.output.splitlines() if line.startswith("[ERROR]: "))
    assert re.search(sentence, told), told
    assert stranger.on_host(_STATE) == before
