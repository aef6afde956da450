"""A real browser: Debian's Chromium, or another that is installed, driven by Playwright."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.demo_page import ended, started

if TYPE_CHECKING:  # collecting the tests needs none of it
    from playwright.sync_api import Browser, Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make test-browser.")
    if CHROMIUM is None:
        pytest.skip("No Chromium is installed: apt install chromium.")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        yield context.new_page()


@pytest.fixture(scope="session")
def scratch(tmp_path_factory) -> Path:
    """Where the demo's command keeps its temporary files."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="session")
def address(scratch) -> Iterator[str]:
    """Of the demo's page, while the command runs; at its end nothing is left of it."""
    process, place = started(scratch)
    yield place
    assert ended(process, signal.SIGINT) == (130, "Interrupted; the page is closed, and nothing of it is kept.\n")
    assert list(scratch.iterdir()) == []


@pytest.fixture
def opened(page, address) -> Iterator[Page]:
    """The demo's page, which asks nobody but its server for anything."""
    page.set_default_timeout(30_000)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.wait_for_selector(".im-stage svg")
    yield page
    assert [url for url in asked if not url.startswith((f"{address}/", "data:", "blob:"))] == []
