#!/bin/sh
# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# make_packages.sh FOLDER VERSION: doubles of the toolkit's four packages, which depend on each other as the real ones do and whose
# scripts do what those do: write config.toml, have systemd read its units anew, and make a CDI specification at once.
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
control nvidia-container-toolkit "nvidia-container-toolkit-base (= $version), libnvidia-container-tools (>= $version)"

base=$here/nvidia-container-toolkit-base
mkdir -p "$base/usr/bin" "$base/usr/lib/systemd/system" "$base/etc/nvidia-container-toolkit"
install -m 0755 /var/lib/nvidia-doubles/nvidia-ctk "$base/usr/bin/nvidia-ctk"
cat > "$base/usr/bin/nvidia-container-runtime" <<'END'
#!/bin/sh
PATH=$PATH:/usr/sbin:/sbin exec runc "$@"
END
chmod 0755 "$base/usr/bin/nvidia-container-runtime"
echo "# NVIDIA_CTK_CDI_OUTPUT_FILE_PATH=/var/run/cdi/nvidia.yaml" > "$base/etc/nvidia-container-toolkit/nvidia-cdi-refresh.env"
echo /etc/nvidia-container-toolkit/nvidia-cdi-refresh.env > "$base/DEBIAN/conffiles"
cat > "$base/usr/lib/systemd/system/nvidia-cdi-refresh.service" <<'END'
[Unit]
Description=Double of NVIDIA's service that makes the CDI specification
[Service]
Type=oneshot
Environment=NVIDIA_CTK_CDI_OUTPUT_FILE_PATH=/var/run/cdi/nvidia.yaml
EnvironmentFile=-/etc/nvidia-container-toolkit/nvidia-cdi-refresh.env
ExecStart=/usr/bin/nvidia-ctk cdi generate
RemainAfterExit=yes
[Install]
WantedBy=multi-user.target
END
cat > "$base/DEBIAN/postinst" <<'END'
#!/bin/sh
set -e
config=/etc/nvidia-container-runtime/config.toml
if [ ! -e $config ]; then
  mkdir -p /etc/nvidia-container-runtime
  printf '%s\n' '#accept-nvidia-visible-devices-as-volume-mounts = false' \
    '#accept-nvidia-visible-devices-envvar-when-unprivileged = true' 'disable-require = false' '' \
    '[nvidia-container-runtime]' 'mode = "auto"' > $config
fi
systemctl daemon-reload
systemctl enable nvidia-cdi-refresh.service
systemctl restart nvidia-cdi-refresh.service
END
chmod 0755 "$base/DEBIAN/postinst"
for name in libnvidia-container1 libnvidia-container-tools nvidia-container-toolkit-base nvidia-container-toolkit; do
  dpkg-deb --root-owner-group --build "$here/$name" "$folder/${name}_${version}_$architecture.deb" > /dev/null
done
