#!/bin/sh
# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# make_packages.sh FOLDER VERSION: doubles of the toolkit's four packages, which depend on each other as the real ones do. Whatever their
# version, they hold NVIDIA's programs, units and scripts in the version that the test bed builds. The two of libnvidia-container, which
# is another project, have nothing but a double of the program that gives containers their GPUs in the old way: it gives nothing.
# NVIDIA's packages are built by debhelper, which adds what starts the units.
set -eu
folder=$1 version=$2
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
mkdir -p "$folder"
architecture=$(dpkg --print-architecture)

control() { # NAME DEPENDS
  mkdir -p "$here/$1/DEBIAN"
  cat > "$here/$1/DEBIAN/control" <<END
Package: $1
Version: $version
Architecture: $architecture
Maintainer: selfhost.aistack contributors
Depends: $2
Description: a double of NVIDIA's package, for tests
END
}
control libnvidia-container1 libc6
control libnvidia-container-tools "libnvidia-container1 (= $version)"
control nvidia-container-toolkit-base libc6
control nvidia-container-toolkit "nvidia-container-toolkit-base (= $version), libnvidia-container-tools (= $version)"

mkdir -p "$here/libnvidia-container-tools/usr/bin"
printf '#!/bin/sh\n' > "$here/libnvidia-container-tools/usr/bin/nvidia-container-cli"
chmod 0755 "$here/libnvidia-container-tools/usr/bin/nvidia-container-cli"

toolkit=/var/lib/nvidia-doubles/toolkit
base=$here/nvidia-container-toolkit-base
install -D -m 0755 -t "$base/usr/bin" $toolkit/bin/nvidia-ctk $toolkit/bin/nvidia-cdi-hook $toolkit/bin/nvidia-container-runtime
install -D -m 0644 -t "$base/usr/lib/systemd/system" $toolkit/systemd/nvidia-cdi-refresh.service $toolkit/systemd/nvidia-cdi-refresh.path
install -D -m 0644 -t "$base/usr/lib/systemd/system/nvidia-cdi-refresh.service.d" $toolkit/systemd/10-container-engines.conf
install -D -m 0644 -t "$base/etc/nvidia-container-toolkit" $toolkit/systemd/nvidia-cdi-refresh.env
echo /etc/nvidia-container-toolkit/nvidia-cdi-refresh.env > "$base/DEBIAN/conffiles"
units="nvidia-cdi-refresh.path nvidia-cdi-refresh.service"
started="systemctl daemon-reload; systemctl enable $units; systemctl restart $units || true"
sed "s/^#DEBHELPER#\$/$started/" $toolkit/debian/nvidia-container-toolkit-base.postinst > "$base/DEBIAN/postinst"
chmod 0755 "$base/DEBIAN/postinst"

hook=$here/nvidia-container-toolkit
install -D -m 0755 -t "$hook/usr/bin" $toolkit/bin/nvidia-container-runtime-hook
for script in postinst postrm; do
  install -m 0755 $toolkit/debian/nvidia-container-toolkit.$script "$hook/DEBIAN/$script"
done

for name in libnvidia-container1 libnvidia-container-tools nvidia-container-toolkit-base nvidia-container-toolkit; do
  dpkg-deb --root-owner-group -Zzstd -z1 --build "$here/$name" "$folder/${name}_${version}_$architecture.deb" > /dev/null
done
