#!/bin/sh
# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# make_driver.sh FOLDER VERSION...: doubles of a distribution's package of the driver, in a repository that apt knows. Installed, one has
# the libraries there; the double of modprobe then has "the kernel" load the module of the same version.
set -eu
folder=$1
shift
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
mkdir -p "$folder"
for version; do
  mkdir -p "$here/$version/DEBIAN"
  cat > "$here/$version/DEBIAN/control" <<END
Package: nvidia-driver-double
Version: $version-1
Architecture: all
Maintainer: selfhost.aistack contributors
Description: a double of a driver, for tests
END
  printf '#!/bin/sh\nset -e\n/var/lib/nvidia-doubles/set_driver.sh none %s\n' "$version" > "$here/$version/DEBIAN/postinst"
  chmod 0755 "$here/$version/DEBIAN/postinst"
  dpkg-deb --root-owner-group --build "$here/$version" "$folder/nvidia-driver-double_$version.deb" > /dev/null
done
cd "$folder"
apt-ftparchive packages . > Packages
echo "deb [trusted=yes] file:$folder ./" > /etc/apt/sources.list.d/nvidia-driver-double.list
cat > /usr/local/sbin/modprobe <<'END'
#!/bin/sh
# A double, for this module alone.
[ "$1" = nvidia ] || exec /usr/sbin/modprobe "$@"
[ ! -e /proc/driver/nvidia/version ] || exit 0
version=$(cat /var/lib/nvidia-doubles/installed)
exec /var/lib/nvidia-doubles/set_driver.sh "$version" "$version"
END
chmod 0755 /usr/local/sbin/modprobe
