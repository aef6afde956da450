"""The command ``imagpose demo``, and what is done on its page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conftest import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

STEPS = 4


def started(scratch: Path, port: int = 0) -> tuple[subprocess.Popen[str], str]:
    """The running command, which keeps its temporary files in a folder, and the address of its page."""
    words = [sys.executable, "-m", "imagpose", "demo", "--port", str(port)]
    environment = {**os.environ, "TMPDIR": str(scratch), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if found := re.search(r"http://\S+:\d+", line):
            return process, found[0]
    raise AssertionError(process.stderr.read())


def ended(process: subprocess.Popen[str], number: int) -> tuple[int, str]:
    """The exit code of the command after a signal, and everything that it said after the page's address."""
    process.send_signal(number)
    said = "".join(process.communicate(timeout=60))
    return process.returncode, said


def give(page: Page, *paths: Path, role: int = 0) -> None:
    page.locator("#uploads input[type=file]").nth(role).set_input_files(list(paths))


def button(page: Page, name: str):
    return page.get_by_role("button", name=name, exact=True)


def takes_steps(page: Page, steps: int | str) -> None:
    page.get_by_label("number input for Denoising steps").fill(str(steps))
    page.keyboard.press("Tab")


def draw(page: Page) -> None:
    takes_steps(page, STEPS)
    button(page, "Draw").click()
    page.wait_for_selector(".im-card a")
