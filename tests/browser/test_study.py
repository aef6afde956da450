"""A user study in a real browser: by mouse and by keyboard, three raters at once, one of them and the server killed."""

from __future__ import annotations

import pytest

from imagpose.study.choosing import Numbers
from imagpose.study.questions import VOTES, read_study
from imagpose.study.votes import Votes
from tests.study.conftest import write_study
from tests.study.process import Server

pytestmark = pytest.mark.browser


@pytest.fixture
def server(tmp_path):
    write_study(tmp_path / "study", Numbers(3, 3, 2, 1))
    one = Server(tmp_path / "study")
    one.wait()
    yield one
    one.kill()


@pytest.fixture
def rater(browser, server):
    """Opens the study in a browser's profile of its own."""
    contexts = []

    def open_(address: str = "", **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(address or server.address)
        return page

    yield open_
    for context in contexts:
        context.close()


def begin(page) -> None:
    page.get_by_role("button", name="Begin", exact=True).click()
    page.locator("#ask").wait_for()


def number(page) -> int:
    return int(page.locator("#where").inner_text().split()[0])


def answer(page, by_keyboard: bool) -> None:
    """Answer the question that is shown, and wait for the next one."""
    before = page.locator("#where").inner_text()
    single = page.locator("#one").count()
    if by_keyboard:
        page.keyboard.press("f" if single else "2")
        page.keyboard.press("Enter")
    else:
        page.locator("label").first.click()
        page.get_by_role("button", name="Next").click()
    page.wait_for_function(_GONE_ON, arg=before)


def answer_all(page, by_keyboard: bool) -> None:
    while page.locator("#ask").is_visible():
        answer(page, by_keyboard)


def test_three_raters_at_once_one_of_whom_is_killed_and_goes_on(rater, server):
    pages = [rater() for _ in range(3)]
    for page in pages:
        begin(page)
    for _ in range(5):
        for i, page in enumerate(pages):
            answer(page, by_keyboard=i == 0)
    address, reached = pages[1].url, number(pages[1])
    pages[1].context.close()  # the browser dies
    server.kill()  # and so does the server
    server.start()
    server.wait()
    pages[1] = rater(address)
    pages[1].get_by_role("button", name="Go on where you stopped").click()
    pages[1].locator("#ask").wait_for()
    assert number(pages[1]) == reached
    for i, page in enumerate(pages):
        answer_all(page, by_keyboard=i == 0)
        assert f"rater {i + 1}:" in " ".join(page.locator("#end").inner_text().split())
        assert page.complaints == []
    study, votes = read_study(server.folder), Votes(server.folder / VOTES).all()
    for i in (1, 2, 3):
        assert {vote.item for vote in votes if vote.rater == i} == {item.name for item in study.items_of(i)}
    single = {item.name for item in study.items if item.kind == "real"}
    assert {vote.choice for vote in votes if vote.rater == 1 and vote.item in single} == {"fake"}  # the key was F
    assert {vote.choice for vote in votes if vote.rater == 2 and vote.item in single} == {"real"}  # the first label


def test_an_answer_that_is_given_while_the_server_is_away_arrives_when_it_is_back(rater, server):
    page = rater()
    begin(page)
    server.kill()
    page.keyboard.press("r")
    page.keyboard.press("Enter")
    page.get_by_text("The server does not answer").wait_for()
    server.start()
    page.locator("#where", has_text="2 of").wait_for()
    assert len(Votes(server.folder / VOTES).all()) == 1


def test_another_person_at_the_same_browser_is_another_rater(rater):
    page = rater()
    begin(page)
    first = page.url
    page.goto(first.split("#")[0])
    page.reload()
    page.get_by_role("button", name="Begin as somebody else").click()
    page.locator("#ask").wait_for()
    assert page.url != first
    assert number(page) == 1


@pytest.mark.parametrize("name", ["Begin", "Begin as somebody else"])
def test_a_double_click_begins_once(name, rater, server):
    page = rater()
    if name != "Begin":
        begin(page)
        page.goto(page.url.split("#")[0])
        page.reload()
    sent = []

    def late(route):  # so the second click finds the page as the first one does
        sent.append(route.request.post_data)
        page.wait_for_timeout(300)
        route.continue_()

    page.route("**/question", late)
    page.get_by_role("button", name=name, exact=True).dblclick()
    page.locator("#ask").wait_for()
    assert len(sent) == 1
    assert f"you are rater {1 if name == 'Begin' else 2}" in page.locator("#where").inner_text()
    assert page.get_by_role("button", name="Next").is_enabled()
    assert page.complaints == []


@pytest.mark.parametrize(("methods", "told"), [(("ours", "other"), "1 or 2"), (("ours", "other", "third"), "1 to 3")])
def test_the_keys_of_the_answers_are_told(methods, told, rater, tmp_path):
    write_study(tmp_path / "few", Numbers(0, 1, 0, 0), methods=methods)
    one = Server(tmp_path / "few")
    try:
        one.wait()
        page = rater(one.address)
        page.locator("#start p", has_text="You will see 1 question, one").wait_for()
        begin(page)
        assert page.locator("#hint").inner_text() == f"or press {told}, then Enter"
    finally:
        one.kill()


def test_nothing_is_sent_without_an_answer(rater, server):
    page = rater()
    begin(page)
    page.get_by_role("button", name="Next").click()
    page.get_by_text("Choose an answer first.").wait_for()
    assert not Votes(server.folder / VOTES).all()


def test_every_picture_and_button_has_a_name_and_nothing_can_only_be_done_by_mouse(rater):
    page = rater()
    page.get_by_role("button", name="Begin", exact=True).press("Enter")
    page.locator("#ask").wait_for()
    seen = set()
    while page.locator("#ask").is_visible():
        single = page.locator("#one").count()
        seen.add(bool(single))
        for image in page.locator("#ask img").all():
            assert image.get_attribute("alt")
        names = ["Real", "Fake"] if single else ["Image 1", "Image 2", "Image 3"]
        assert [page.get_by_role("radio", name=name).count() for name in names] == [1] * len(names)
        page.keyboard.press("Tab")  # from the question into its answers
        page.keyboard.press("Space")
        page.keyboard.press("ArrowDown")  # to the second
        before = page.locator("#where").inner_text()
        assert page.get_by_role("radio", name=names[1]).is_checked()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # Next
        page.wait_for_function(_GONE_ON, arg=before)
    assert seen == {True, False}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_it_fits_the_screen_and_its_text_can_be_read(width, scheme, rater):
    page = rater(viewport={"width": width, "height": 800}, color_scheme=scheme)
    begin(page)
    seen = set()
    while page.locator("#ask").is_visible():
        seen.add(bool(page.locator("#one").count()))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if width > 400 or page.locator("#one").count():  # the button is on the screen too
            assert page.evaluate("document.querySelector('form .main').getBoundingClientRect().bottom <= innerHeight")
        for chosen in ("#text", "label", "#where", "form .main"):
            assert page.evaluate(_CONTRAST, chosen) >= 4.5, chosen
        answer(page, by_keyboard=True)
    assert seen == {True, False}


_GONE_ON = """before =>
  document.getElementById("ask").hidden || document.getElementById("where").textContent !== before"""
_CONTRAST = """selector => {
  const shown = (one) => one.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3).map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const text = document.querySelector(selector);
  let under = text;
  while (under && (shown(getComputedStyle(under).backgroundColor)[3] ?? 1) === 0) under = under.parentElement;
  const [a, b] = [light(shown(getComputedStyle(text).color)), light(shown(getComputedStyle(under).backgroundColor))];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""
