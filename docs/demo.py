"""Draws docs/demo.png, the page of ``make demo``; wants Gradio, Playwright and Chromium (make test-browser)."""

import io
import re
import shutil
import signal
import subprocess
import sys

from PIL import Image
from playwright.sync_api import Page, sync_playwright

OUT = "docs/demo.png"
SIZE = {"width": 1280, "height": 1150}


def main() -> None:
    """The page of the demo weights after its mannequin was drawn."""
    words = [sys.executable, "-m", "imagpose", "demo", "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as served, sync_playwright() as playwright:
        address = next(found[0] for line in served.stdout or () if (found := re.search(r"http://\S+:\d+", line)))
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(viewport=SIZE, color_scheme="light")  # type: ignore[arg-type]
        page.goto(address)
        shown = Image.open(io.BytesIO(drawn(page)))
        chromium.close()
        served.send_signal(signal.SIGINT)
    # 256 colours keep it below 200 kB; the joints keep theirs.
    shown.convert("RGB").quantize(256, kmeans=3, dither=Image.Dither.NONE).save(OUT, optimize=True)
    print(f"The picture is {OUT}.")


def drawn(page: Page) -> bytes:
    """The page as a PNG file, once everything on it is there."""
    page.get_by_role("button", name="Try a mannequin").click()
    page.wait_for_selector("text=Photograph 1: Front")
    page.get_by_label("Pose 1: ").click()
    page.get_by_role("button", name="Draw", exact=True).click()
    page.wait_for_selector(".im-card a", timeout=120_000)
    page.mouse.move(0, 0)
    return page.screenshot()


if __name__ == "__main__":
    main()
