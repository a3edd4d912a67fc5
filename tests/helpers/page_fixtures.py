"""What the page's tests share: one browser a process, and pages of runs that needed no training."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import NoBrowserError, Watched, running_browser
from made_run import CLASSES, network_of, remake_page, write_run
from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    try:
        with running_browser() as running:
            yield running
    except NoBrowserError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def make_page(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a run with random weights, and its page; returns the page's path."""

    def make(network: Any, *overrides: str, classes: list[str] = CLASSES) -> Path:
        folder = tmp_path_factory.mktemp("run")
        write_run(folder, network, classes)
        return remake_page(folder, *overrides)

    return make


@pytest.fixture(scope="session")
def default_page(make_page: Callable[..., Path]) -> Path:
    """The page of the default network with random weights."""
    return make_page(network_of())


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Watched]]:
    """Open a page's file in a window of its own; `options` are Playwright's for the window."""
    contexts = []

    def open_page(path: Path, *, width: int = 1440, height: int = 900, **options: Any) -> Watched:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        watched = Watched(context.new_page())
        watched.page.goto(path.as_uri())
        watched.page.wait_for_selector("html[data-ready]", state="attached")
        return watched

    yield open_page
    for context in contexts:
        context.close()
