"""A browser for the tests: the system's Chromium or Chrome, else Playwright's own."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from playwright.sync_api import Browser, Error, Page, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGUMENTS = [
    # Chromium refuses to sandbox what root starts.
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NONE = (
    "no browser for the page's tests: install Chromium or Chrome (on Debian: apt-get install chromium),"
    " or run `python -m playwright install chromium`"
)

AXE = Path(__file__).parents[1] / "page/axe/axe.min.js"
# Elements beyond the window, but for those inside of something that scrolls or is cut off.
BEYOND = """() => [...document.querySelectorAll("body *")].filter((element) => {
  const box = element.getBoundingClientRect();
  if (!box.width || (box.left >= -1 && box.right <= document.documentElement.clientWidth + 1)) return false;
  for (let above = element; above; above = above.parentElement) {
    const { overflowX, clipPath } = getComputedStyle(above);
    if (overflowX !== "visible" || clipPath !== "none" || above.classList.contains("skip")) return false;
  }
  return true;
}).map((element) => element.outerHTML.slice(0, 120))"""


class NoBrowserError(RuntimeError):
    """There is none, or it does not start."""


class Watched:
    """A window whose pages come one after another, and all that the last one asked for or complained of.

    Attributes:
        page: Playwright's.
        requests: addresses.
        complaints: lines of the console and errors.
        standing: the file that is open and as it was when it was opened, or None.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.standing: Path | None = None
        # A page that is opened again would be scrolled to where it was left.
        page.add_init_script("history.scrollRestoration = 'manual'")
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, path: Path, *, width: int = 1440, height: int = 900, **media: Any) -> "Watched":
        """Open a page's file as one that was never here before; `media` are Playwright's of the window."""
        if self.page.url != "about:blank":
            self.page.evaluate("localStorage.clear()")
        self.page.mouse.move(0, 0)
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(**{"color_scheme": "light", "reduced_motion": "no-preference", **media})
        self.requests.clear()
        self.complaints.clear()
        self.standing = None
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-ready]", state="attached")
        return self


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Start one, after installing it where there is none.

    Raises:
        NoBrowserError: with one line that says what to install.
    """
    with sync_playwright() as playwright:
        # The tests' other processes wait while one installs.
        with FileLock(Path(tempfile.gettempdir()) / f"filterscope-browser-{os.geteuid()}.lock"):
            path = _executable(playwright.chromium.executable_path)
        try:
            browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        except Error as error:
            raise NoBrowserError(f"{path} does not start: {error.message.splitlines()[0]}; {NONE}") from None
        yield browser
        browser.close()


def wait_until(page: Page, expression: str, seconds: float = 15) -> None:
    """Wait for JavaScript to be true; Playwright's own way needs `eval`, which the page's policy forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"not true after {seconds} s: {expression}"
        page.wait_for_timeout(20)


def array_of(page: Page, name: str) -> Any:
    """One of the page's arrays as a NumPy array."""
    data, shape = page.evaluate(
        "(name) => [Array.from(filterscope.arrayOf(name).data), filterscope.arrayOf(name).shape]", name
    )
    return np.array(data).reshape(shape)


def scroll_through(page: Page) -> None:
    """Bring each part into sight, so that all of it is drawn."""
    for part in page.query_selector_all("main > section"):
        part.evaluate("(part) => part.scrollIntoView({behavior: 'instant'})")
        page.wait_for_timeout(120)


def beyond(page: Page) -> list[str]:
    """Elements that reach beyond the window's sides, but for those inside of something that scrolls."""
    return list(page.evaluate(BEYOND))


def violations(page: Page) -> list[str]:
    """What axe-core finds, each with the elements where."""
    page.evaluate(AXE.read_text(encoding="utf-8") + "; undefined")
    return list(
        page.evaluate("""() => axe.run().then((result) => result.violations.map((violation) =>
      violation.id + ": " + violation.nodes.map((node) => node.html.slice(0, 200) + node.failureSummary)))""")
    )


def _executable(own: str) -> str:
    """Path of the system's browser, or else of Playwright's own, which is installed where it is not."""
    if system := next(filter(None, map(shutil.which, BROWSERS)), None):
        return system
    if not Path(own).exists():
        command = [sys.executable, "-m", "playwright", "install", "chromium"]
        subprocess.run(command, capture_output=True, timeout=600)
    return own
