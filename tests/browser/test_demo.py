"""The page of ``imagpose demo`` in a real browser: what is seen, pressed, dragged and saved."""

from __future__ import annotations

import json
import re
import shlex
import zipfile

import numpy as np
import pytest
from PIL import Image

from imagpose.data.body_pose import BodyPose
from tests.browser.demo_page import STEPS, draw, give
from tests.conftest import ROOT
from tests.demo.test_uploads import bomb

pytest.importorskip("gradio", reason="Gradio is not installed: make demo.")
pytestmark = pytest.mark.browser


def joints(page) -> dict[str, tuple[int, int]]:
    """Where the joints of the chosen figure are, as they are read out: from the left and from the top, in pixels."""
    labels = page.locator(".im-stage [data-joint]").evaluate_all("nodes => nodes.map(node => node.ariaLabel)")
    found = [re.fullmatch(r"(.*), at (\d+) from the left and (\d+) from the top", label) for label in labels]
    return {one[1]: (int(one[2]), int(one[3])) for one in found}


def test_a_photograph_is_drawn_in_a_pose_that_was_dragged(opened, tmp_path):
    give(opened, ROOT / "examples/source.jpg")
    opened.wait_for_selector("text=Photograph 1: source.jpg")
    found, truth = joints(opened), BodyPose.read(ROOT / "examples/source.json")
    for name, number in (("right wrist", 4), ("left ankle", 13), ("neck", 1)):
        assert np.abs(np.subtract(found[name], truth.keypoints[number])).max() <= 4, name

    opened.get_by_label("Pose 1: Half left").click()
    before = joints(opened)
    joint = opened.locator(".im-stage [data-joint='4'] .im-reach")
    box, stage = joint.bounding_box(), opened.locator(".im-stage svg").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    opened.mouse.move(x, y)
    opened.mouse.down()
    for part in (0.3, 0.7, 1):
        opened.mouse.move(x - part * stage["width"] * 4 / 44, y - part * stage["height"] * 16 / 64)
    opened.mouse.up()
    assert opened.locator(".im-stage svg").bounding_box() == stage  # what was said went, and its line stayed
    after = joints(opened)
    assert np.abs(np.subtract(after["right wrist"], before["right wrist"]) - (-4, -16)).max() <= 1
    assert {**after, "right wrist": None} == {**before, "right wrist": None}

    draw(opened)
    with opened.expect_download() as saved:
        opened.get_by_role("link", name="Save picture 1").click()
    saved.value.save_as(tmp_path / "one.png")
    picture = Image.open(tmp_path / "one.png")
    record = json.loads(picture.text["imagpose"])
    assert (picture.size, record["steps"], record["model"]) == ((44, 64), STEPS, "mannequin-demo")

    with opened.expect_download() as saved:
        opened.get_by_role("button", name="Save all (zip)").click()
    saved.value.save_as(tmp_path / "all.zip")
    zipfile.ZipFile(tmp_path / "all.zip").extractall(tmp_path)
    pose = BodyPose.read(tmp_path / "imagpose-drawing/pose_1.json")
    assert np.abs(pose.keypoints[4] - after["right wrist"]).max() <= 0.5
    words = shlex.split(opened.locator(".im-command").inner_text())
    assert {f"imagpose-drawing/{name}" for name in ("source_1.jpg", "source_1.json", "pose_1.json")} < set(words)


def test_a_mannequin_s_truths_are_shown_until_a_pose_is_changed(opened):
    opened.get_by_role("button", name="Try a mannequin").click()
    opened.get_by_label("Pose 2: ").click()
    opened.locator(".im-stage [data-joint='9']").focus()
    opened.keyboard.press("ArrowLeft")
    draw(opened)
    assert opened.locator(".im-card").count() == 3
    assert [card.get_by_text("truth").count() for card in opened.locator(".im-card").all()] == [1, 0, 1]


def test_everything_is_done_from_the_keyboard(opened):
    seen = joints(opened)
    opened.locator(".im-stage [data-joint='10']").focus()
    opened.keyboard.press("Shift+ArrowUp")
    moved = joints(opened)
    assert moved["right ankle"][1] == pytest.approx(seen["right ankle"][1] - 3, abs=1)
    assert opened.evaluate("document.activeElement.dataset.joint") == "10"
    opened.keyboard.press("Delete")
    assert "right ankle" not in joints(opened)
    assert opened.evaluate("document.activeElement.dataset.joint") == "11"
    opened.locator("#editor summary").press("Enter")
    opened.get_by_label("right ankle").press("Space")
    assert "right ankle" in joints(opened)
    for _ in range(3):
        opened.keyboard.press("Control+z")
    assert joints(opened) == seen

    opened.get_by_role("button", name="Mirror").press("Enter")
    assert joints(opened)["left wrist"][0] == pytest.approx(43 - seen["right wrist"][0], abs=1)
    opened.get_by_label("Add a pose").select_option("Walking")
    assert opened.locator(".im-title").inner_text() == "Pose 2: Walking"
    opened.get_by_role("button", name="Duplicate").press("Enter")
    opened.get_by_role("button", name="Remove").press("Enter")
    opened.get_by_role("button", name="Undo").press("Enter")
    assert opened.locator(".im-title").inner_text() == "Pose 3: Walking"
    unnamed = opened.evaluate(
        """() => [...document.querySelectorAll('button, input, select, a[href]')]
          .filter(node => node.checkVisibility())
          .filter(node => !(node.ariaLabel || node.innerText?.trim() || node.labels?.length || node.title))
          .map(node => node.outerHTML)"""
    )
    assert unnamed == []


def test_what_is_no_photograph_is_one_sentence_and_its_name_is_text(opened, tmp_path):
    (tmp_path / "notes.jpg").write_text("no picture")
    marked = tmp_path / "<img src=x onerror=document.title=1>.png"
    Image.new("RGB", (40, 40)).save(marked)
    notes = opened.locator(".im-notes li")
    for path, sentence in (
        (tmp_path / "notes.jpg", "notes.jpg is not a readable image; remove or replace it"),
        (bomb(tmp_path / "bomb.png"), "bomb.png is too large a picture: more than 50,331,648 pixels; make it smaller."),
        (marked, "Nobody was found in "),
    ):
        give(opened, path)
        opened.wait_for_function(
            "start => document.querySelector('.im-notes')?.textContent.startsWith(start)", arg=sentence
        )
        assert notes.count() == 1
    assert opened.locator("img[src=x]").count() == 0
    assert opened.title() == "IMAGPose"

    many = []
    for number in range(50):
        many.append(tmp_path / f"{number}.png")
        Image.new("RGB", (8, 8)).save(many[-1])
    give(opened, *many)
    opened.wait_for_selector("text=There are 50 files; a person is drawn from 3 photographs at most, so choose fewer.")


def test_a_drawing_is_cancelled(opened):
    opened.get_by_role("button", name="Try a mannequin").click()
    opened.wait_for_selector("text=Photograph 1: ")
    opened.get_by_label("number input for Denoising steps").fill("100")
    opened.keyboard.press("Tab")
    opened.get_by_role("button", name="Draw", exact=True).click()
    opened.wait_for_selector("progress[value]")
    assert opened.get_by_role("button", name="Draw", exact=True).is_disabled()
    opened.get_by_role("button", name="Cancel").click()
    assert re.search(r"Stopped after \d+ of 100 steps\.", opened.wait_for_selector("text=Stopped after").inner_text())
    assert opened.locator(".im-card").count() == 0
    draw(opened)


def test_what_is_chosen_while_another_is_looked_at_is_not_lost(opened):
    give(opened, ROOT / "examples/source.jpg")
    give(opened, ROOT / "examples/source.jpg", role=1)
    opened.wait_for_selector("text=Pose 2: source.jpg")
    opened.get_by_label("Photograph 1: source.jpg").wait_for()
    draw(opened)
    assert opened.locator(".im-card").count() == 2
    assert opened.get_by_role("button", name="Draw", exact=True).is_enabled()


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_narrow_and_wide_in_light_and_dark(opened, width, scheme):
    opened.set_viewport_size({"width": width, "height": 800})
    opened.emulate_media(color_scheme=scheme)
    opened.reload()
    opened.wait_for_selector(".im-stage svg")
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    red = opened.evaluate("Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])")
    assert (red > 128) == (scheme == "light")


def test_nothing_is_kept_of_a_page_that_is_closed(browser, address, scratch):
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector(".im-stage svg")
        give(page, ROOT / "examples/source.jpg")
        page.wait_for_selector("text=Photograph 1: source.jpg")
    assert [path for path in scratch.rglob("*") if path.is_file()] == []
