# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the gateway: `python -m reference_gateway [--host ADDRESS] [--port NUMBER]`."""

import argparse
import sys

import uvicorn

from reference_gateway import logs
from reference_gateway.app import create_app
from reference_gateway.settings import BootError, load

# sysexits.h: something is wrong in the configuration.
EX_CONFIG = 78
GRACE_SECONDS = 30


def main() -> int:
    """Check the environment, then serve until told to stop. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="reference_gateway", description="The reference gateway; settings are environment variables."
    )
    everywhere = "0.0.0.0"  # noqa: S104  (inside the container; who reaches it is decided by what is published)
    parser.add_argument("--host", default=everywhere, help=f"address to listen on (default: {everywhere})")
    parser.add_argument("--port", type=int, default=8080, help="port to listen on (default: 8080)")
    arguments = parser.parse_args()
    try:
        settings = load()
    except BootError as error:
        print(error, file=sys.stderr)
        return EX_CONFIG
    logs.set_up(settings)
    uvicorn.run(
        create_app(settings),
        host=arguments.host,
        port=arguments.port,
        workers=1,
        log_config=None,
        # access.py logs requests without their query; forwarded.py reads what the edge says of the caller.
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
