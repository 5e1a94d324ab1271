# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs in to a gateway by way of provider.py, as a browser would, and prints whom the gateway takes it for.

sign_in.py https://site --provider test --user jane --user-password-file password [--ca-file root.crt]
"""

from __future__ import annotations

import argparse
import json
import ssl
import sys
from pathlib import Path

import httpx


class SignInFailed(Exception):
    """Some step was answered with something else than a sign-in needs; the text has the step and the answer."""


def sign_in(browser: httpx.Client, site: str, provider: str, user: str, password: str) -> dict[str, object]:
    """Go through the code flow with this user's password; return what /api/v1/auth/me says then."""
    form = _step("the sign-in page of the provider", browser.get(f"{site}/api/v1/auth/login/{provider}"), 200)
    fields = {"username": user, "password": password}
    answer = browser.post(form.url, data=fields, follow_redirects=False)
    back = _step("the provider's answer to the password", answer, 302).headers["location"]
    _step("the gateway's callback", browser.get(back), 200)
    return _step("the question who is signed in", browser.get(f"{site}/api/v1/auth/me"), 200).json()


def _step(what: str, answer: httpx.Response, status: int) -> httpx.Response:
    if answer.status_code != status:
        raise SignInFailed(f"{what}: {answer.status_code} instead of {status} from {answer.url.copy_with(query=None)}")
    return answer


def main() -> int:
    """Returns 0 when somebody is signed in."""
    parser = argparse.ArgumentParser(description="Sign in to a gateway by way of provider.py.")
    parser.add_argument("site", help="URL of the gateway, without a closing slash")
    parser.add_argument("--provider", required=True, help="id of the provider in AUTH_OIDC_PROVIDERS")
    parser.add_argument("--user", required=True)
    parser.add_argument("--user-password-file", type=Path, required=True)
    parser.add_argument("--ca-file", help="certificate of the authority that signed the site's")
    given = parser.parse_args()
    verify = ssl.create_default_context(cafile=given.ca_file)
    with httpx.Client(follow_redirects=True, verify=verify, timeout=30, trust_env=False) as browser:
        password = given.user_password_file.read_text().strip()
        try:
            me = sign_in(browser, given.site, given.provider, given.user, password)
        except (SignInFailed, httpx.HTTPError) as error:
            print(error, file=sys.stderr)
            return 1
    print(json.dumps(me))
    return 0


if __name__ == "__main__":
    sys.exit(main())
