# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the visible page that need no person: names, structure, contrast, size of targets, the mark of the focus."""

from pathlib import Path

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from browserbed.page import Page

SCRIPT = (Path(__file__).parent / "audit.js").read_text(encoding="utf-8")
CONTROLS = "a[href], button, input, select, textarea, progress, [role], [tabindex]"
ROLES_WITH_NAMES = {
    "button", "link", "textbox", "checkbox", "combobox", "progressbar", "region", "navigation", "form",
}  # fmt: skip


def audit(page: Page) -> list[str]:
    """Every fault that is found, one sentence each."""
    return [*page.driver.execute_script(SCRIPT), *_names(page)]


def _names(page: Page) -> list[str]:
    """Roles and names as the browser itself gives them to assistive technology."""
    faults = []
    for element in page.driver.find_elements(By.CSS_SELECTOR, CONTROLS):
        if element.is_displayed() and element.aria_role in ROLES_WITH_NAMES and not element.accessible_name.strip():
            faults.append(f"A {element.aria_role} has no name: {element.get_attribute('outerHTML')[:120]}")
    return faults


def walk(page: Page) -> tuple[list[str], list[str]]:
    """Go once through the page by tabulator. Returns where one came by, and every place whose focus cannot be seen."""
    page.to_the_beginning()
    stops, faults = [], []
    for _unused in range(30):
        page.press(Keys.TAB)
        stop = page.focused()
        if stop in stops or page.driver.execute_script("return document.activeElement === document.body"):
            break
        stops.append(stop)
        outline = page.driver.execute_script(
            "const s = getComputedStyle(document.activeElement);"
            "return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2"
        )
        if not outline:
            faults.append(f"The focus on {stop} cannot be seen.")
    return stops, faults
