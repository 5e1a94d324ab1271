#!/bin/sh
# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# make_repository.sh FOLDER: turns FOLDER/stable/deb/ARCHITECTURE with packages into an apt repository that is signed with a key of its
# own, laid out as NVIDIA's is.
set -eu
folder=$1
export GNUPGHOME=/var/lib/nvidia-doubles/gnupg
if [ ! -d $GNUPGHOME ]; then
  install -d -m 0700 $GNUPGHOME
  gpg --batch --quiet --passphrase '' --quick-generate-key 'doubles <doubles@example.org>' rsa3072 sign never
fi
gpg --batch --quiet --armor --yes --output "$folder/gpgkey" --export
cd "$folder/stable/deb/$(dpkg --print-architecture)"
apt-ftparchive packages . > Packages
apt-ftparchive release . > /var/lib/nvidia-doubles/Release
gpg --batch --quiet --yes --clearsign --output InRelease /var/lib/nvidia-doubles/Release
