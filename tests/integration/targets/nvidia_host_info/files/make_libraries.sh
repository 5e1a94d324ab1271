#!/bin/sh
# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# make_libraries.sh: the doubles of the driver's libraries, one of which is built against NVIDIA's header and the other one empty.
set -eu
cd /var/lib/nvidia-doubles
gcc -Wall -Wextra -Werror -shared -fPIC -Wl,-soname,libnvidia-ml.so.1 -I toolkit -o libnvidia-ml.so libnvidia_ml_double.c
gcc -shared -Wl,-soname,libcuda.so.1 -o libcuda.so -x c /dev/null
