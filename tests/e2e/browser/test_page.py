# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway's page, by keyboard, in headless Chromium."""

import secrets
from pathlib import Path

import pdf
import pytest
from browserbed.audit import audit, walk
from browserbed.page import Page
from selenium.webdriver.common.keys import Keys

WORDS = ["Headings", "lists", "and", "tables", secrets.token_hex(4)]


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """A PDF that did not exist before."""
    path = tmp_path / "Letter of today.pdf"
    path.write_bytes(pdf.make([" ".join(WORDS)]))
    return path


def test_a_pdf_becomes_markdown_by_keyboard_alone(page: Page, document: Path) -> None:
    page.sign_in()
    page.picture("choose")
    page.listen()
    page.convert(document)
    page.picture("result")

    heard = page.heard()
    assert heard[0] == "Sending the PDF."
    assert "Converting the PDF to Markdown." in heard
    assert heard[-1].startswith("Done. The Markdown of Letter of today.pdf has ")
    assert len(heard) == len(set(heard)), "nothing is said twice"

    assert page.focused() == "result-title", "the reader is taken to the result"
    markdown = page.element("markdown")
    assert all(word in markdown.text for word in WORDS)
    assert (markdown.aria_role, markdown.accessible_name) == ("region", "Markdown")

    page.press(Keys.TAB)
    assert page.focused() == "download"
    page.press(Keys.ENTER)
    saved = page.downloads / "Letter of today.md"
    page.until(saved.exists)
    assert saved.read_text(encoding="utf-8") == page.driver.execute_script(
        "return document.getElementById('markdown').textContent"
    )
    page.press(Keys.TAB, Keys.TAB)
    assert page.focused() == "markdown", "the region can be scrolled by keyboard"
    assert page.problems() == []


def test_a_reload_comes_back_to_the_document_and_another_can_follow(page: Page, document: Path) -> None:
    page.sign_in()
    page.convert(document)
    page.driver.refresh()
    page.until(lambda: page.visible("result"))
    assert WORDS[-1] in page.text("markdown")
    page.tab_to("another")
    page.press(Keys.SPACE)
    assert page.visible("convert")
    assert not page.visible("result")
    assert page.focused() == "file"
    assert page.text("status") == ""


def test_what_goes_wrong_is_said_where_it_can_be_mended(page: Page, tmp_path: Path) -> None:
    page.sign_in()
    page.tab_to("file")
    page.press(Keys.TAB, Keys.ENTER)
    assert page.text("upload-error") == "Choose a PDF file first."
    assert page.element("upload-error").aria_role == "alert"
    assert page.focused() == "file"
    assert page.element("file").get_attribute("aria-invalid") == "true"

    text = tmp_path / "notes.pdf"
    text.write_text("no PDF")
    page.convert(text)
    assert page.text("upload-error") == "The file is not a PDF: it does not begin with %PDF."
    assert page.focused() == "file"
    page.picture("error")
    assert audit(page) == []


def test_a_wrong_password_is_said_and_signing_out_ends_it(page: Page) -> None:
    page.open()
    page.tab_to("username")
    page.press(page.site.user, Keys.TAB, "not the password", Keys.ENTER)
    page.until(lambda: page.text("login-error") == "The user name or the password is wrong.")
    assert page.focused() == "password"
    assert audit(page) == []
    page.press(page.site.password, Keys.ENTER)
    page.until(lambda: page.visible("convert"))
    assert page.focused() == "title"
    assert page.text("account-name") == page.site.user
    page.tab_to("logout")
    page.press(Keys.ENTER)
    page.until(lambda: page.visible("sign-in"))
    page.driver.refresh()
    page.until(lambda: page.visible("sign-in"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_state_of_the_page_passes_the_audit(page: Page, document: Path, scheme: str) -> None:
    page.prefer(prefers_color_scheme=scheme)
    page.open()
    page.picture(f"sign-in-{scheme}")
    faults = {"sign-in": audit(page)}
    page.sign_in()
    faults["choose"] = audit(page)
    page.convert(document)
    page.picture(f"result-{scheme}")
    faults["result"] = audit(page)
    assert faults == {"sign-in": [], "choose": [], "result": []}


def test_the_way_of_the_focus_is_that_of_the_page_and_can_be_seen(page: Page, document: Path) -> None:
    page.open()
    button = "Sign in"
    assert walk(page) == (["Skip to the content", "username", "password", button], [])
    page.sign_in()
    assert walk(page) == (["Skip to the content", "logout", "file", "Convert to Markdown"], [])
    page.convert(document)
    assert walk(page) == (["Skip to the content", "logout", "download", "another", "markdown"], [])


def test_the_first_stop_leads_past_the_header(page: Page) -> None:
    page.sign_in()
    page.to_the_beginning()
    page.press(Keys.TAB)
    assert page.driver.switch_to.active_element.rect["x"] >= 0
    page.press(Keys.ENTER)
    assert page.focused() == "main"


@pytest.mark.parametrize("width", [320, 1100])
def test_nothing_must_be_scrolled_sideways(page: Page, document: Path, width: int) -> None:
    page.width(width)
    page.sign_in()
    page.convert(document)
    page.picture(f"result-{width}")
    assert page.driver.execute_script("return document.documentElement.scrollWidth") <= width


def test_who_wants_no_motion_gets_none(page: Page) -> None:
    page.prefer(prefers_reduced_motion="reduce")
    page.sign_in()
    moving = page.driver.execute_script(
        "return [...document.querySelectorAll('*')].filter((e) => {"
        " const s = getComputedStyle(e);"
        " return s.animationName !== 'none' || s.transitionDuration.split(', ').some((d) => parseFloat(d) > 0);"
        "}).length"
    )
    assert moving == 0
