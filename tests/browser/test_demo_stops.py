"""The server of the demo's page is stopped in the middle of a drawing, and started again."""

from __future__ import annotations

import signal
from urllib.parse import urlsplit

import pytest

from tests.browser.demo_page import button, draw, ended, started, takes_steps

pytest.importorskip("gradio", reason="Gradio is not installed: make demo.")
pytestmark = pytest.mark.browser


def test_a_server_that_is_stopped_ends_in_one_line_and_its_page_goes_on_with_the_next(page, tmp_path):
    process, address = started(tmp_path)
    page.set_default_timeout(30_000)
    page.goto(address)
    button(page, "Try a mannequin").click()
    page.wait_for_selector("text=Photograph 1: ")
    takes_steps(page, 100)
    button(page, "Draw").click()
    page.wait_for_selector("progress[value]")
    assert ended(process, signal.SIGTERM) == (143, "Terminated; the page is closed, and nothing of it is kept.\n")
    told = page.locator(".im-alive")
    page.wait_for_selector("text=The server has stopped; start it again, and this page can be used again.")
    assert page.locator("progress").is_hidden()

    process, _ = started(tmp_path, urlsplit(address).port)
    try:
        page.wait_for_selector("text=The server was started again and has no photographs; add them again.")
        assert page.get_by_label("Photograph 1: ").count() == 0
        assert button(page, "Draw").is_enabled()
        button(page, "Try a mannequin").click()
        page.wait_for_selector("text=Photograph 1: ")
        assert told.is_hidden()
        draw(page)
    finally:
        assert ended(process, signal.SIGINT) == (130, "Interrupted; the page is closed, and nothing of it is kept.\n")
    assert list(tmp_path.iterdir()) == []
