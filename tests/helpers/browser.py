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

from playwright.sync_api import Browser, Error, Page, sync_playwright

from pipeline.commands.doctor import system_browser

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


class NoBrowserError(RuntimeError):
    """There is none, and none can be had."""


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
