# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page as a person with a keyboard uses it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from browserbed.site import Site

OUTPUT = Path(__file__).resolve().parents[3] / "output" / "browser"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1100,900",
]
CONVERSION_SECONDS = 300


def program(name: str) -> str:
    """The path of a Debian package's program."""
    found = shutil.which(name)
    assert found, f"There is no {name} to test with: install the Debian packages chromium and chromium-driver."
    return found


class Page:
    """One browser window with a profile of its own."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site, self.downloads = site, folder / "downloads"
        self.downloads.mkdir(parents=True)
        options = webdriver.ChromeOptions()
        options.binary_location = program("chromium")
        for flag in [*FLAGS, f"--user-data-dir={folder / 'profile'}", *site.chromium_flags]:
            options.add_argument(flag)
        options.add_experimental_option("prefs", {"download.default_directory": str(self.downloads)})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        # The driver is on this machine; a proxy for the internet must not come between.
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
        service = webdriver.ChromeService(program("chromedriver"), log_output=str(folder / "driver.log"))
        self.driver = webdriver.Chrome(options, service)

    def close(self) -> None:
        self.driver.quit()

    def open(self, path: str = "/") -> None:
        """Load the page and wait until it has decided what to show."""
        self.driver.get(self.site.url + path)
        self.until(lambda: self.visible("sign-in") or self.visible("convert") or self.visible("progress"))

    def until(self, condition: Callable[[], Any], seconds: float = 20) -> Any:
        """Wait until something holds."""
        return WebDriverWait(self.driver, seconds, 0.05).until(lambda unused: condition())

    def element(self, identifier: str) -> WebElement:
        return self.driver.find_element(By.ID, identifier)

    def visible(self, identifier: str) -> bool:
        return self.element(identifier).is_displayed()

    def text(self, identifier: str) -> str:
        return self.element(identifier).text

    def focused(self) -> str:
        """The id of the element that has the focus, or its text."""
        active = self.driver.switch_to.active_element
        return active.get_attribute("id") or active.text

    def press(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def to_the_beginning(self) -> None:
        """Put the focus before everything, as after loading."""
        self.driver.execute_script(
            "const top = document.documentElement; top.tabIndex = -1; top.focus(); top.removeAttribute('tabindex')"
        )

    def tab_to(self, identifier: str, most: int = 15) -> None:
        """Go to an element with the tabulator alone."""
        for _unused in range(most):
            if self.focused() == identifier:
                return
            self.press(Keys.TAB)
        raise AssertionError(f"{identifier} cannot be reached with the tabulator; the focus is on {self.focused()}")

    def sign_in(self) -> None:
        """Sign in by keyboard."""
        self.open()
        self.tab_to("username")
        self.press(self.site.user, Keys.TAB, self.site.password, Keys.ENTER)
        self.until(lambda: self.visible("convert"))

    def choose(self, pdf: Path) -> None:
        """Choose a file. The system's own dialog is beyond any driver; that the field is reached by keyboard is seen here."""
        self.tab_to("file")
        self.element("file").send_keys(str(pdf))

    def convert(self, pdf: Path) -> None:
        """Submit a file by keyboard and wait for its end."""
        self.choose(pdf)
        self.press(Keys.TAB, Keys.ENTER)
        self.until(lambda: self.visible("result") or self.text("upload-error"), CONVERSION_SECONDS)

    def listen(self) -> None:
        """Keep what the live region says from now on, as a screen reader would hear it."""
        self.driver.execute_script(
            "window.heard = []; new MutationObserver(() => window.heard.push(document.getElementById('status').textContent))"
            ".observe(document.getElementById('status'), {childList: true, characterData: true, subtree: true})"
        )

    def heard(self) -> list[str]:
        return [text for text in self.driver.execute_script("return window.heard") if text]

    def prefer(self, **features: str) -> None:
        """What the person has set in the system, as media features with underscores for hyphens."""
        listed = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": listed})

    def width(self, pixels: int) -> None:
        """Make the viewport this wide, as on a small screen or with a large zoom."""
        metrics = {"width": pixels, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def problems(self) -> list[str]:
        """What the browser complained about: refused scripts, failed requests. That nobody is signed in yet is no complaint."""
        said = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        return [message for message in said if "/api/v1/auth/me - Failed to load resource" not in message]

    def picture(self, name: str) -> None:
        """Keep a picture of the window below tests/output/browser."""
        OUTPUT.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(OUTPUT / f"{name}.png"))
