#!/bin/sh
# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# set_driver.sh LOADED INSTALLED: a tree of files that stands for a driver of which the kernel has loaded one version, and the libraries
# are of another or the same; "none" where there shall be none.
set -eu
loaded=$1 installed=$2
doubles=/var/lib/nvidia-doubles
libraries=/usr/lib/$(uname -m)-linux-gnu
mkdir -p $doubles
# The kernel lets nobody write there.
mountpoint -q /proc/driver || mount -t tmpfs -o mode=0555 doubles /proc/driver
rm -rf /proc/driver/nvidia "$libraries"/libnvidia-ml.so.* "$libraries"/libcuda.so.*
if [ "$loaded" != none ]; then
  mkdir /proc/driver/nvidia
  echo "NVRM version: NVIDIA UNIX Open Kernel Module for $(uname -m)  $loaded  Release Build  (double)" > /proc/driver/nvidia/version
fi
echo "$installed" > $doubles/installed
if [ "$installed" != none ]; then
  for name in libnvidia-ml libcuda; do
    echo double > "$libraries/$name.so.$installed"
    ln -s "$name.so.$installed" "$libraries/$name.so.1"
  done
fi
