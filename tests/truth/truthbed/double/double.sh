#!/bin/sh
# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A double of a service that has a fault. As the first process of its container it does nothing, until it is told to end.
# Under the name of the program that the service's healthcheck calls it says that all is well, and has the first process exit
# a moment later.
if [ "$1" = validate ]; then
    exit 0
fi
if [ "$$" != 1 ]; then
    echo "PONG, or HTTP 404"
    kill -USR1 1
    exit 0
fi
trap 'exit 0' TERM
trap 'sleep 1.5; echo "the double exits"; exit 3' USR1
echo "the double of a service is here"
while :; do
    sleep 60 &
    wait $!
done
