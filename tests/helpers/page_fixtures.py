"""What the page's tests share: one browser a process, and pages of runs that needed no training."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import NoBrowserError, Watched, running_browser
from conftest import made_once
from made_run import CLASSES, network_of, remake_page, write_run
from playwright.sync_api import Browser, Page


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    try:
        with running_browser() as running:
            yield running
    except NoBrowserError as error:
        pytest.fail(str(error), pytrace=False)


def write_page(folder: Path, network: Any, *overrides: str, classes: list[str] = CLASSES) -> Path:
    """Make a run with random weights in a folder, and its page; returns the page's path."""
    write_run(folder, network, classes)
    return remake_page(folder, *overrides)


@pytest.fixture(scope="session")
def make_page(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a run and its page in a folder of its own: arguments as for `write_page`."""
    return lambda *arguments, **classes: write_page(tmp_path_factory.mktemp("run"), *arguments, **classes)


@pytest.fixture(scope="session")
def default_page(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The page of the default network with random weights; for reading only."""
    made = made_once(tmp_path_factory, worker_id, "default", lambda folder: write_page(folder, network_of()))
    return made / "reports/index.html"


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Watched]:
    """The one window of a module's tests."""
    context = browser.new_context()
    yield Watched(context.new_page())
    context.close()


@pytest.fixture
def opened(window: Watched) -> Callable[..., Watched]:
    """Open a page's file in the window: arguments as for `Watched.open`."""
    return window.open


@pytest.fixture
def standing(window: Watched, default_page: Path) -> Page:
    """The default network's page for tests that leave it as it is, opened anew only after others."""
    if window.standing != default_page:
        window.open(default_page).standing = default_page
    return window.page
