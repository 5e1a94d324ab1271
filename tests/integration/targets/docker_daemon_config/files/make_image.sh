#!/usr/bin/env bash
# Makes the image daemon-config-test:1, which holds sleep and its libraries and nothing else: no registry is needed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp --parents --dereference /bin/sleep "$folder"
ldd /bin/sleep | grep --only-matching '/[^ ]*' | xargs -I{} cp --parents --dereference {} "$folder"
tar --directory "$folder" --create . | docker import - daemon-config-test:1
