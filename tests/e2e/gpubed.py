# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host of the test bed with stand-ins for GPUs: those of the integration target nvidia_host_info, which says what is a double."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [path for path in [str(ROOT / "tests" / "truth")] if path not in sys.path]

from truthbed.stand import BED  # noqa: E402

_FILES = ROOT / "tests" / "integration" / "targets" / "nvidia_host_info" / "files"
FIRST = "GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77"
SECOND = "GPU-eb87cf61-a5a7-4ee0-8f6f-2d7f7b0e4a11"
DRIVER = "580.95.05"
_PORT = 27480
_HAVE = f"""
set -eu
cd /var/lib/nvidia-doubles
export DEBIAN_FRONTEND=noninteractive
command -v apt-ftparchive > /dev/null || {{
  apt-get update --quiet=2
  apt-get install --quiet=2 --yes --no-install-recommends apt-utils gcc gnupg libc6-dev
}}
mkdir -p toolkit
tar -C toolkit -xf toolkit.tar
chmod 0755 nvidia-* *.sh
./make_libraries.sh
cp nvidia-smi /usr/bin/nvidia-smi
printf 'GPU 0: NVIDIA L4 (UUID: {FIRST})\\nGPU 1: NVIDIA L4 (UUID: {SECOND})\\n' > gpus
printf '0, Disabled\\n1, Disabled\\n' > modes
./set_driver.sh {DRIVER} {DRIVER}
cat > /etc/systemd/system/nvidia-double.service <<END
[Unit]
Description=Double of a kernel that loads the driver when it boots
Before=nvidia-cdi-refresh.service docker.service
[Service]
Type=oneshot
ExecStart=/var/lib/nvidia-doubles/set_driver.sh {DRIVER} {DRIVER}
[Install]
WantedBy=multi-user.target
END
systemctl enable nvidia-double.service
./make_packages.sh /var/lib/nvidia-doubles/repository/stable/deb/$(dpkg --print-architecture) 1.20.1-1
./make_repository.sh /var/lib/nvidia-doubles/repository
systemctl is-active --quiet nvidia-repository ||
  systemd-run --quiet --unit=nvidia-repository python3 -m http.server --bind 127.0.0.1 --directory /var/lib/nvidia-doubles/repository {_PORT}
"""
# What the inventory of a host with them says besides what a person would.
VARIABLES: dict[str, Any] = {
    "nvidia_runtime_repository_url": f"http://127.0.0.1:{_PORT}",
    # The proof that precedes docling-serve sees a double of PyTorch; docling-serve has the real one, which has no GPU.
    "docling_extra_env": {"DOCLING_DEVICE": "cpu", "PYTHONPATH": "/opt/docling/gpu-double"},
}


def give_gpus(host: str) -> None:
    """Have two stand-ins for GPUs on a host of the bed, a driver for them, and a repository with the toolkit."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path in sorted(_FILES.iterdir()):
            tar.add(path, path.name)
        toolkit = subprocess.run([BED, "toolkit"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        tar.add(toolkit, "toolkit.tar")
    _run(host, "mkdir -p /var/lib/nvidia-doubles && tar -C /var/lib/nvidia-doubles -x", packed.getvalue())
    _run(host, _HAVE, b"")


def _run(host: str, script: str, given: bytes) -> None:
    done = subprocess.run([BED, "run", host, "sh", "-c", script], input=given, capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode("utf-8", "replace")[-3000:]
