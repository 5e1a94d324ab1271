#!/bin/sh
# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# set_driver.sh LOADED INSTALLED: files and devices that stand for a driver of which the kernel has loaded one version, and the libraries
# are of another or the same; "none" where there shall be none. Each device is /dev/null under another name.
set -eu
loaded=$1 installed=$2
doubles=/var/lib/nvidia-doubles
libraries=/usr/lib/$(uname -m)-linux-gnu
modules=/lib/modules/$(uname -r)
mkdir -p $doubles
# The kernel lets nobody write there.
mountpoint -q /proc/driver || mount -t tmpfs -o mode=0555 doubles /proc/driver
rm -rf /proc/driver/nvidia /proc/driver/nvidia-caps "$libraries"/libnvidia-ml.so.* "$libraries"/libcuda.so.* /dev/nvidia*
if [ "$loaded" != none ]; then
  mkdir /proc/driver/nvidia /proc/driver/nvidia-caps /dev/nvidia-caps
  echo "NVRM version: NVIDIA UNIX Open Kernel Module for $(uname -m)  $loaded  Release Build  (double)" > /proc/driver/nvidia/version
  # Where a MIG device's two capabilities are: those of the first one that GPU 1 can have.
  printf '%s\n' 'config 1' 'monitor 2' 'gpu1/gi7/access 66' 'gpu1/gi7/ci0/access 67' > /proc/driver/nvidia-caps/mig-minors
  for name in nvidia0 nvidia1 nvidiactl nvidia-uvm nvidia-uvm-tools nvidia-caps/nvidia-cap66 nvidia-caps/nvidia-cap67; do
    mknod -m 0666 /dev/$name c 1 3
  done
fi
echo "$installed" > $doubles/installed
if [ "$installed" = none ]; then
  rm -f "$modules/modules.dep"
else
  # NVIDIA's service makes the specification only where this names a driver, and whenever it changes. A driver that takes the place of
  # another leaves it as it is here, lest that service comes before the role.
  mkdir -p "$modules"
  [ -e "$modules/modules.dep" ] || echo kernel/nvidia.ko: > "$modules/modules.dep"
  for name in libnvidia-ml libcuda; do
    cp "$doubles/$name.so" "$libraries/$name.so.$installed"
    ln -s "$name.so.$installed" "$libraries/$name.so.1"
  done
fi
