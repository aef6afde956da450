"""Who judges which method: raters take turns, whatever happens between two beginnings."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.testclient import TestClient

from imagpose.__main__ import main
from imagpose.study.choosing import Numbers
from imagpose.study.questions import VOTES
from imagpose.study.server import application
from imagpose.study.votes import Votes
from tests.study.conftest import METHODS, write_study
from tests.study.process import token

OF_BEFORE = """
CREATE TABLE raters (number INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL UNIQUE);
CREATE TABLE votes (
    rater INTEGER NOT NULL REFERENCES raters, item TEXT NOT NULL, choice TEXT NOT NULL, PRIMARY KEY (rater, item)
) WITHOUT ROWID;
"""


class Shared:
    """A study whose raters share three methods out, and what they do."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.study, self.key = write_study(folder, Numbers(2, 1, 0, 0), judged=METHODS)

    def serve(self) -> None:
        self.client = TestClient(application(self.folder))

    def post(self, path, **sent) -> dict:
        found = self.client.post(path, content=json.dumps(sent))
        assert found.status_code == 200
        return found.json()

    def begin(self, number: int) -> dict:
        return self.post("/question", token=token(number))

    def finish(self, number: int) -> None:
        question = self.begin(number)
        while not question.get("done"):
            choice = "fake" if question["kind"] == "real" else question["pictures"][0]
            question = self.post("/vote", token=token(number), item=question["item"], choice=choice)

    def judges(self, question: dict) -> str:
        """The method whose pictures a rater judges, by their first question."""
        return METHODS[next(item.group for item in self.study.items if item.name == question["item"])]


@pytest.fixture
def shared(tmp_path):
    one = Shared(tmp_path / "study")
    one.serve()
    return one


def test_raters_who_finish_one_after_the_other_take_turns_and_are_counted_from_1(shared, capsys):
    begun = []
    for number in range(6):
        begun.append(shared.begin(number))
        shared.finish(number)
    assert [question["rater"] for question in begun] == [1, 2, 3, 4, 5, 6]
    assert [shared.judges(question) for question in begun] == [*METHODS, *METHODS]
    assert main(["study", "report", str(shared.folder)]) == 0
    with open(shared.folder / "report.csv") as file:
        votes = {tuple(line.split(",")[:2]): line.strip().split(",")[-1] for line in file}
    assert {method: votes[method, "G2R"] for method in METHODS} == dict.fromkeys(METHODS, "4")  # 2 raters, 2 pictures
    assert main(["study", "export", str(shared.folder)]) == 0
    assert "6 raters gave 30 votes" in " ".join(capsys.readouterr().out.split())
    assert len((shared.folder / "votes.csv").read_text().splitlines()) == 1 + 30


def test_raters_who_begin_at_once_and_twice_are_shared_out_evenly(shared):
    shared.finish(0)
    with ThreadPoolExecutor(8) as pool:
        begun = list(pool.map(shared.begin, [number for number in range(1, 12) for _ in range(3)]))
    assert begun[::3] == begun[1::3] == begun[2::3]
    assert sorted(question["rater"] for question in begun[::3]) == list(range(2, 13))
    judged = Counter(shared.judges(question) for question in begun[::3])
    assert judged == {"ours": 3, "other": 4, "third": 4}  # the first rater's was ours


@pytest.mark.parametrize("idle", [1, 2])
def test_who_begins_and_never_votes_takes_no_methods_votes_away(idle, shared):
    judged = Counter()
    for number in range(0, 12 * (1 + idle), 1 + idle):
        judged[shared.judges(shared.begin(number))] += 1
        shared.finish(number)
        for other in range(idle):
            shared.begin(number + other + 1)
    assert min(judged[method] for method in METHODS) >= 3, judged  # of 12


def test_the_turn_of_whoever_withdraws_is_taken_again(shared):
    for number in range(6):
        shared.finish(number)
    assert main(["study", "delete", str(shared.folder), "--rater", "2"]) == 0
    question = shared.begin(6)
    assert (question["rater"], shared.judges(question)) == (7, "other")


def test_a_study_of_before_goes_on_with_the_questions_that_its_raters_know(tmp_path, capsys):
    shared = Shared(tmp_path / "study")
    with sqlite3.connect(shared.folder / VOTES) as database:
        database.executescript(OF_BEFORE)
        for number in (1, 22, 44):  # as votes used numbers up
            database.execute("INSERT INTO raters VALUES (?, ?)", (number, token(number)))
            items = shared.study.items_of(number)
            database.executemany(
                "INSERT INTO votes VALUES (?, ?, ?)", [(number, one.name, one.choices[0]) for one in items[:3]]
            )
    database.close()
    before = (shared.folder / VOTES).read_bytes()
    assert main(["study", "report", str(shared.folder)]) == 0
    assert "3 raters gave 9 votes" in " ".join(capsys.readouterr().out.split())
    assert (shared.folder / VOTES).read_bytes() == before
    shared.serve()
    for number in (1, 22, 44):
        question = shared.begin(number)
        assert question["rater"] == number
        assert question["item"] == shared.study.items_of(number)[3].name
    begun = [shared.begin(100 + number) for number in range(3)]
    assert [question["rater"] for question in begun] == [45, 46, 47]
    assert [shared.judges(question) for question in begun] == ["third", "third", "other"]
    shared.finish(100)
    assert {vote.item for vote in Votes(shared.folder / VOTES).all() if vote.rater == 45} == {
        item.name for item in shared.study.items_of(45, 2)
    }
    shared.serve()  # a second time
    assert main(["study", "delete", str(shared.folder), "--rater", "22"]) == 0
