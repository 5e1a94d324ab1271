# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AUTH_MODE=oidc against a real provider process, from the variables of the role auth to a session."""

import json
import subprocess
import sys

import pytest
from oidcbed import SITE
from sign_in import SignInFailed, sign_in
from sign_in import __file__ as sign_in_file

DOCUMENT = "/api/v1/documents/00000000-0000-0000-0000-000000000000"


def test_a_user_of_the_provider_gets_in(identity, gateway, browser):
    assert browser.get(f"{SITE}/api/v1/auth/me").status_code == 401
    assert browser.get(f"{SITE}{DOCUMENT}").status_code == 401
    me = sign_in(browser, SITE, "test", identity.user, identity.password)
    assert me == {"authenticated": True, "subject": "test:subject-of-jane", "name": "jane", "method": "session"}
    assert browser.get(f"{SITE}{DOCUMENT}").status_code != 401
    assert any(cookie.name == "reflow_session" for cookie in browser.cookies.jar)


def test_a_wrong_password_gets_nobody_in(identity, gateway, browser):
    with pytest.raises(SignInFailed, match="answer to the password: 401"):
        sign_in(browser, SITE, "test", identity.user, identity.password + "x")
    assert browser.get(f"{SITE}/api/v1/auth/me").status_code == 401


def test_a_wrong_client_secret_gets_nobody_in(identity, gateway, browser):
    with pytest.raises(SignInFailed, match="callback: 502"):
        sign_in(browser, SITE, "misled", identity.user, identity.password)
    assert browser.get(f"{SITE}/api/v1/auth/me").status_code == 401


def test_an_answer_cannot_be_used_twice_or_by_another_browser(identity, gateway, browser):
    form = browser.get(f"{SITE}/api/v1/auth/login/test")
    fields = {"username": identity.user, "password": identity.password}
    back = browser.post(form.url, data=fields, follow_redirects=False).headers["location"]
    held = browser.cookies.get("reflow_oauth_tx")
    browser.cookies.clear()
    assert browser.get(back).status_code == 400
    assert browser.get(f"{SITE}/api/v1/auth/me").status_code == 401
    browser.cookies.set("reflow_oauth_tx", held, domain="127.0.0.1", path="/")
    assert browser.get(back).status_code == 200
    assert browser.get(f"{SITE}/api/v1/auth/me").status_code == 200
    browser.cookies.clear()
    browser.cookies.set("reflow_oauth_tx", held, domain="127.0.0.1", path="/")
    assert browser.get(back).status_code == 502
    assert browser.get(f"{SITE}/api/v1/auth/me").status_code == 401


def test_no_secret_is_logged(identity, gateway, browser):
    sign_in(browser, SITE, "test", identity.user, identity.password)
    for log in (gateway.log, identity.process.log.read_text()):
        assert identity.client_secret not in log
        assert identity.password not in log


def test_the_command_says_who_is_signed_in(identity, gateway, tmp_path):
    (tmp_path / "password").write_text(identity.password)
    command = [sys.executable, sign_in_file, SITE, "--provider", "test", "--user", identity.user]
    done = subprocess.run(
        [*command, "--user-password-file", str(tmp_path / "password")], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["subject"] == "test:subject-of-jane"
