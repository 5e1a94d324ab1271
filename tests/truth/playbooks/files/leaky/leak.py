# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prints what it must not, as careless programs do, and ends with an error."""

import base64
import json
import os
import shlex
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote, urlsplit

for secret in (
    os.environ["LEAKY_TOKEN"],
    unquote(urlsplit(os.environ["LEAKY_URL"]).password),
    os.environ["LEAKY_KEYS"].split(",")[0].partition(":")[2],
    Path("/run/secrets/file").read_text(encoding="utf-8"),
):
    print("plain", secret)
    print("in a header", base64.b64encode(f"user:{secret}".encode()).decode())
    print("in a URL", quote(secret, safe=""), quote_plus(secret), quote(secret))
    print("in JSON", json.dumps({"password": secret}), json.dumps(secret, ensure_ascii=False))
    print("in a shell", shlex.quote(secret), repr(secret))
print("urls", os.environ["LEAKY_URL"], flush=True)
raise SystemExit(1)
