"""What the demo's page says: refused in its own words, taken back in time, and dark or light enough to be read."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.browser.demo_page import button, draw, give
from tests.conftest import ROOT

pytest.importorskip("gradio", reason="Gradio is not installed: make demo.")
pytestmark = pytest.mark.browser


def test_a_number_that_cannot_be_is_one_sentence_and_the_page_goes_on(opened):
    button(opened, "Try a mannequin").click()
    opened.wait_for_selector("text=Photograph 1: ")
    seed, steps = opened.get_by_label("Seed"), opened.get_by_label("number input for Denoising steps")
    for field, value, start in (
        (seed, "-3.5", "The seed is −3.5; it must be a whole number from 0 to 4,294,967,295."),
        (seed, "1e30", "The seed is 1e+30; it must be"),
        (seed, "2.7", "The seed is 2.7; it must be"),
        (seed, "", "The seed is empty; it must be"),
        (seed, "0", None),
        (steps, "2.7", "The number of denoising steps is 2.7; it must be a whole number from 1 to 1,000."),
    ):
        field.fill(value)
        if start:
            button(opened, "Draw").click()
            opened.locator("#results .im-refused", has_text=start).wait_for()
            opened.wait_for_function("!document.querySelector('#draw').disabled")
    draw(opened)


def test_a_sentence_goes_when_it_is_no_longer_so(opened, tmp_path):
    Image.new("RGB", (40, 40)).save(tmp_path / "grey.png")
    notes, status = opened.locator(".im-notes li"), opened.locator("#editor .im-status")
    refused = opened.locator("#results .im-refused:not([hidden]):not(.im-alive)")
    give(opened, tmp_path / "grey.png")
    notes.get_by_text("Nobody was found in grey.png").wait_for()
    button(opened, "Remove").click()
    assert notes.count() == 0
    assert status.inner_text() == "Photograph 1: grey.png is removed; Undo brings it back."
    button(opened, "Draw").click()
    refused.get_by_text("There is no photograph to draw from").wait_for()
    assert status.inner_text()  # nothing was done

    give(opened, *[tmp_path / "grey.png"] * 4)
    sent = opened.locator("#uploads .im-status")
    sent.get_by_text("There are 4 files").wait_for()
    give(opened, ROOT / "examples/source.jpg")
    opened.wait_for_selector("text=Photograph 1: source.jpg")
    sent.get_by_text("Found 1 person in source.jpg.").wait_for()
    assert status.inner_text() == ""
    assert (refused.count(), notes.count()) == (0, 0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read(opened, scheme):
    opened.emulate_media(color_scheme=scheme)
    opened.reload()
    button(opened, "Try a mannequin").click()
    opened.wait_for_selector("text=Photograph 1: ")
    draw(opened)
    opened.mouse.move(0, 0)  # off the button, which has another colour then
    opened.wait_for_timeout(300)  # in which it fades
    told = opened.evaluate(_CONTRASTS)
    assert len(told) > 30
    assert {"Draw", "Choose 1 to 3 photographs of a person", "Results", "pose", "or drop them here"} <= {
        one[0] for one in told
    }
    assert [one for one in told if one[1] < 4.5] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_tick_can_be_seen(opened, scheme):
    opened.emulate_media(color_scheme=scheme)
    opened.locator("#editor summary").click()
    seen = opened.get_by_label("right wrist", exact=True)
    assert seen.is_checked()
    inside = np.asarray(Image.open(io.BytesIO(seen.screenshot())).convert("L"), np.float64)[3:-3, 3:-3] / 255
    light = np.where(inside <= 0.04045, inside / 12.92, ((inside + 0.055) / 1.055) ** 2.4)
    assert (light.max() + 0.05) / (light.min() + 0.05) >= 4.5  # a tick and its ground


# [text, its contrast with what is under it] of every text that is seen, but that of what is switched off.
_CONTRASTS = """() => {
  const shown = (colour) => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d");
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => top.slice(0, 3).map((v, i) => v * top[3] + under[i] * (1 - top[3]));
  const light = (rgb) => rgb.map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => node
    ? over(shown(getComputedStyle(node).backgroundColor), ground(node.parentElement)) : [255, 255, 255];
  const told = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].filter((one) => one.nodeType === 3).map((one) => one.data.trim()).join("");
    const box = node.getBoundingClientRect();
    if (!own || !node.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || box.width < 2) continue;
    if (node.closest("svg, script, style, :disabled, option, .im-unseen")) continue;
    const under = ground(node);
    const [a, b] = [light(over(shown(getComputedStyle(node).color), under)), light(under)];
    told.push([own, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]);
  }
  return told;
}"""
