"""A browser for the tests: the system's Chromium or Chrome, else Playwright's own, else Debian's."""

import fcntl
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
    """There is none, and none can be had."""


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
        start = playwright.chromium.launch
        with _one_at_a_time():
            path = system_browser() or install(playwright.chromium.executable_path)
        try:
            browser = start(executable_path=path, args=ARGUMENTS)
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


def system_browser() -> str | None:
    """Path of the system's browser, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def install(playwrights: str) -> str:
    """Install a browser: Playwright's own, which lies at the path given, else Debian's.

    Raises:
        NoBrowserError: neither can be had.
    """
    if Path(playwrights).exists() or _succeeds(sys.executable, "-m", "playwright", "install", "chromium"):
        return playwrights
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _succeeds("apt-get", "update", "--quiet")
        _succeeds("apt-get", "install", "--quiet", "--yes", "--no-install-recommends", "chromium")
    if (path := system_browser()) is None:
        raise NoBrowserError(NONE)
    return path


def _succeeds(*command: str) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        return subprocess.run(command, env=environment, capture_output=True, timeout=600).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """The tests' other processes wait while one installs."""
    with (Path(tempfile.gettempdir()) / f"filterscope-browser-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
