#!/usr/bin/env bash
# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes the image nvidia-test:1, which holds a shell, stat and sleep with their libraries and nothing else: no registry is needed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for program in /bin/sh /bin/sleep /usr/bin/stat; do
  cp --parents --dereference "$program" "$folder"
  ldd "$program" | grep --only-matching '/[^ ]*' | xargs -I{} cp --parents --dereference {} "$folder"
done
tar --directory "$folder" --create . | docker import - nvidia-test:1
