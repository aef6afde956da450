"""What is counted of votes: shares with intervals that cover, Luce's strengths, raters who fail, and no person."""

from __future__ import annotations

import csv
import shutil
import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from imagpose.__main__ import main
from imagpose.errors import InputError
from imagpose.study.choosing import Numbers
from imagpose.study.counting import count
from imagpose.study.export import HEADER
from imagpose.study.questions import REAL, VOTES
from imagpose.study.votes import Vote, Votes
from tests.study.conftest import METHODS, write_study
from tests.study.simulated import G2R, R2G, jab, votes

RATERS = 12


@pytest.fixture(scope="module")
def voted(tmp_path_factory):
    """A study of the paper's size with the votes of 12 raters, the last of whom answers at random."""
    folder = tmp_path_factory.mktemp("voted") / "study"
    study, key = write_study(folder, Numbers(40, 40, 10, 2))
    rng = np.random.default_rng(0)
    cast = votes(study, key, range(1, RATERS), rng) + votes(study, key, range(RATERS, RATERS + 1), rng, guessing=True)
    kept = Votes(folder / VOTES, make=True)
    for rater in range(1, RATERS + 1):
        assert kept.rater(f"{rater:022}").number == rater
    with sqlite3.connect(folder / VOTES) as database:
        database.executemany("INSERT INTO votes VALUES (?, ?, ?)", cast)
    return folder, study, key, cast


def test_shares_are_those_of_the_votes(voted):
    _, study, key, cast = voted
    counted = count(study, key, cast)
    items = {item.name: item for item in study.items}
    counting = [vote for vote in cast if items[vote.item].counts]
    real = [vote.choice for vote in counting if key.of[items[vote.item].pictures[0]] == REAL]
    assert counted.r2g["ours"].value == pytest.approx(100 * real.count("fake") / len(real))
    assert counted.r2g["ours"].n == len(real) == RATERS * 40
    best = [key.of[vote.choice] for vote in counting if items[vote.item].kind == "best"]
    for method in METHODS:
        assert counted.jab[method].value == pytest.approx(100 * best.count(method) / len(best))
    assert sum(score.value for score in counted.jab.values()) == pytest.approx(100)


def test_practice_and_second_answers_do_not_count(voted):
    _, study, key, cast = voted
    other = {item.name for item in study.items if not item.counts and item.kind == "real"}
    turned = [vote._replace(choice="fake") if vote.item in other else vote for vote in cast]
    assert turned != cast
    assert count(study, key, turned).g2r == count(study, key, cast).g2r


def test_luces_strengths_are_the_odds_of_the_shares(voted):
    """Of one chosen among all of them, the most likely strengths are the logarithms of the shares."""
    _, study, key, cast = voted
    counted = count(study, key, cast)
    logs = {method: np.log(counted.jab[method].value) for method in METHODS}
    for method, score in counted.strength.items():
        assert score.value == pytest.approx(logs[method] - np.mean(list(logs.values())), abs=0.001)
        assert score.low < score.value < score.high


def test_who_answers_at_random_fails_and_can_be_left_out(voted):
    _, study, key, cast = voted
    counted = count(study, key, cast)
    assert counted.failing == [RATERS]
    assert counted.agreement[1].asked == 20
    kept = count(study, key, cast, drop_failed=True)
    without = count(study, key, [vote for vote in cast if vote.rater != RATERS])
    assert kept.g2r == without.g2r
    assert kept.jab == without.jab
    assert kept.failing == [RATERS]


def test_a_single_rater_has_shares_without_intervals(voted):
    _, study, key, cast = voted
    counted = count(study, key, [vote for vote in cast if vote.rater == 1])
    assert counted.g2r["ours"].value is not None
    assert counted.g2r["ours"].low is None
    assert "two of each" in counted.g2r["ours"].reason


def of_first_raters(folder, study, tmp_path, which) -> str:
    """A copy of the study with the votes of raters 1 and 2 on the items that each is given."""
    copied = tmp_path / "study"
    shutil.copytree(folder, copied, ignore=shutil.ignore_patterns("votes.sqlite*"))
    votes = Votes(copied / VOTES, make=True)
    for rater in (1, 2):
        assert votes.rater(f"{rater:022}").number == rater
        for place, item in enumerate(which(study, rater)):
            votes.cast(Vote(rater, item.name, item.choices[place % 2]))
    return str(copied)


def test_raters_who_share_no_picture_have_a_report_without_intervals(voted, tmp_path, capsys):
    def which(study, rater):
        items = [item for item in study.items if item.counts and voted[2].of[item.pictures[0]] == "ours"]
        return [item for item in items if item.kind == "real"][10 * (rater - 1) :][:10]

    folder = of_first_raters(*voted[:2], tmp_path, which)
    assert main(["study", "report", folder]) == 0
    assert "No interval: no two votes" in " ".join(capsys.readouterr().out.split())
    assert main(["study", "power", "--study", folder]) == 2
    assert "too few votes" in capsys.readouterr().err


def test_practice_alone_is_no_report_and_nothing_is_written(voted, tmp_path, capsys):
    folder = of_first_raters(*voted[:2], tmp_path, lambda study, _: [item for item in study.items if item.practice])
    before = set(tmp_path.rglob("*"))
    assert main(["study", "report", folder]) == 2
    assert "no vote that counts: all are practice" in capsys.readouterr().err
    assert set(tmp_path.rglob("*")) == before


def test_a_vote_of_another_study_is_refused(voted):
    _, study, key, cast = voted
    with pytest.raises(InputError, match="does not ask"):
        count(study, key, [*cast, Vote(3, "0" * 12, "real")])
    other = replace(study, items=study.items[:-1])
    with pytest.raises(InputError, match="does not ask"):
        count(other, key, cast)


def test_the_report_has_the_papers_numbers_beside(voted, tmp_path, capsys):
    folder = tmp_path / "study"
    shutil.copytree(voted[0], folder)
    assert main(["study", "report", str(folder)]) == 0
    shown = capsys.readouterr().out
    for text in ("58.5", "42.3", "R2G", "G2R", "Jab", "12 raters gave 1,728 votes", "Rater 12 (", "Jab of ours less"):
        assert text in shown
    assert {path.name for path in folder.iterdir()} >= {
        "report.md", "report.tex", "report.csv", "raters.csv", "figure.png",
    }  # fmt: skip
    assert "IMAGPose as printed | – | 58.5 | 42.3 | –" in (folder / "report.md").read_text()
    with open(folder / "raters.csv", newline="") as file:
        raters = list(csv.DictReader(file))
    assert [row["rater"] for row in raters if row["fails"] == "yes"] == ["12"]


def test_exported_votes_have_nothing_about_a_person_but_a_number(voted, tmp_path, capsys):
    folder, study, key, cast = voted
    out = tmp_path / "votes.csv"
    assert main(["study", "export", str(folder), "--out", str(out)]) == 0
    assert "1,728 votes" in capsys.readouterr().out
    with open(out, newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == HEADER
    assert len(rows) == len(cast)
    assert {row["rater"] for row in rows} == {str(rater) for rater in range(1, RATERS + 1)}
    assert f"{1:022}" not in out.read_text()  # the token
    best = [row for row in rows if row["kind"] == "best" and row["counts"] == "yes"]
    assert len(best) == RATERS * 40
    assert all(row["choice"] in row["shown"].split(" | ") and len(row["shown"].split(" | ")) == 3 for row in best)
    counted = count(study, key, cast)
    assert sum(row["choice"] == "ours" for row in best) / len(best) * 100 == pytest.approx(counted.jab["ours"].value)


def test_who_withdraws_is_forgotten_and_the_number_with_them(voted, tmp_path, capsys):
    folder = tmp_path / "study"
    shutil.copytree(voted[0], folder)
    votes = Votes(folder / VOTES)
    others = [vote for vote in votes.all() if vote.rater != RATERS]
    assert main(["study", "delete", str(folder), "--rater", str(RATERS)]) == 0
    assert "144 votes" in capsys.readouterr().out
    assert votes.all() == others
    assert votes.rater(f"{RATERS:022}").number == RATERS + 1  # who comes back is somebody new
    assert main(["study", "delete", str(folder), "--rater", str(RATERS)]) == 2
    assert f"knows no rater {RATERS}" in capsys.readouterr().err
    assert votes.all() == others


def test_one_of_a_thing_is_told_as_one(voted, tmp_path, capsys):
    def which(study, rater):
        return [item for item in study.items if item.counts][: rater == 1]

    folder = of_first_raters(*voted[:2], tmp_path, which)
    for words in (["report", folder], ["export", folder], ["delete", folder, "--rater", "1"]):
        assert main(["study", *words]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for told in ("1 rater gave 1 vote; 0 answered", "1 vote is in", "and 1 vote with them"):
        assert told in said


@pytest.mark.slow
def test_the_reports_intervals_cover_the_truth_in_93_to_97_percent_of_1000_studies(tmp_path):
    study, key = write_study(tmp_path / "study", Numbers(40, 40, 0, 0))
    truth = {("r2g", "ours"): R2G, ("g2r", "ours"): G2R, **{("jab", one): of for one, of in jab(METHODS).items()}}
    strength = np.log([truth["jab", method] for method in METHODS])
    truth |= {("strength", one): of for one, of in zip(METHODS, strength - strength.mean(), strict=True)}
    truth |= {("ahead", one): truth["jab", "ours"] - truth["jab", one] for one in METHODS[1:]}
    hit = dict.fromkeys(truth, 0)
    for number in range(1000):
        counted = count(study, key, votes(study, key, range(1, 13), np.random.default_rng([7, number])))
        for (figure, method), value in truth.items():
            score, scale = getattr(counted, figure)[method], 1 if figure == "strength" else 100
            hit[figure, method] += score.low <= scale * value <= score.high
    assert {name: count for name, count in hit.items() if not 930 <= count <= 970} == {}
