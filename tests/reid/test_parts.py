"""Parts of the training pictures, what is drawn from them, and that nothing from outside gets in."""

import itertools
import shutil

import pytest

from imagpose.__main__ import main
from imagpose.data.readers.market1501 import Sighting, sightings
from imagpose.data.readers.pairs import read_pairs
from imagpose.errors import InputError
from imagpose.reid.additions import read_added
from imagpose.reid.generator import PartDataModule
from imagpose.reid.parts import check_part, draw_pairs, part_of, posed, write_part
from imagpose.reid.pictures import DONE
from imagpose.reid.plan import SIZES, Plan, _of_others, chosen
from imagpose.reid.sampling import steps_of
from imagpose.reid.subsets import subset_of
from imagpose.reid.table4 import METHODS, PERCENTAGES, STANDARD, WHOLE
from imagpose.reproduction.jobs import experiment_words
from imagpose.reproduction.slurm import resources
from imagpose.training.experiment import read_options
from tests.reid.test_protocol import published_names


def test_parts_keep_every_person_and_are_in_the_larger_ones():
    pictures = [Sighting.parse(name) for name in published_names()["bounding_box_train"]]
    parts = [subset_of(pictures, percentage) for percentage in (1, 20, 40, 60, 80, 100)]
    assert [len(part) for part in parts] == [751, 2587, 5174, 7762, 10349, 12936]
    assert all({one.person for one in part} == {one.person for one in pictures} for part in parts)
    assert all(set(smaller) <= set(larger) for smaller, larger in itertools.pairwise(parts))
    assert subset_of(pictures[::-1], 20) == parts[1]
    alone = sum(1 for person in {one.person for one in parts[1]} if [one.person for one in parts[1]].count(person) == 1)
    assert 0 < alone < 200  # drawn at random, and not so many of each


def test_pairs_are_of_one_person_within_the_part_and_take_poses_in_turn(market):
    part = list(part_of(market, 60))
    pairs = draw_pairs(part, posed(market), 2 * len(part))
    names, people = {one.name for one in part}, {one.name: one.person for one in part}
    assert len(set(pairs)) == len(pairs) == 2 * len(part)
    assert all(source != target and people[source] == people[target] for source, target in pairs)
    assert {name for pair in pairs for name in pair} <= names
    counts = [sum(target == name for _, target in pairs) for name in {target for _, target in pairs}]
    assert max(counts) - min(counts) <= 1
    assert draw_pairs(part, posed(market), 9) == draw_pairs(part[::-1], posed(market), 9)
    unposed = posed(market) - {part[0].name}
    assert part[0].name not in {name for pair in draw_pairs(part, unposed, 10_000) for name in pair}


@pytest.fixture
def plan(market, tmp_path):
    return Plan("tiny", market, False, (40, WHOLE), tuple(METHODS.values()), (0, 1), 1.0, tmp_path / "runs", tmp_path)


def test_every_row_adds_as_many_pictures_of_the_right_people(plan, market):
    plan.prepare()
    part = part_of(market, 40)
    person = {one.name: one.person for one in part}
    file_of = {path.resolve(): one for one, path in part.items()}
    added = {key: read_added(plan.place(40) / f"added/{key}.csv", set(person.values())) for key in METHODS
             if key != "standard"}  # fmt: skip
    assert {len(of) for of in added.values()} == {len(part)}
    for key in ("again", "augmented", "copied"):
        assert all(file_of[one.file].person == one.person for one in added[key])
    assert len({one.file for one in added["again"]}) >= len(part) - 1  # each pose in turn
    for key in ("again", "augmented", "copied", "imagpose_all"):
        assert [one.person for one in added[key]] == [one.person for one in added["imagpose"]]
    assert {key for key, of in added.items() if any(one.more for one in of)} == {"augmented"}
    for key, folder in (("imagpose", "pictures_own"), ("imagpose_all", "pictures_all"), ("wrong", "pictures_own")):
        for one, own in zip(added[key], added["copied"], strict=True):
            assert one.file.resolve().parent == (plan.place(40) / folder / "images").resolve()
            assert one.file.name.startswith(f"{own.file.stem}_2_")
            assert (one.person == own.person) == (key != "wrong")
    assert sorted(one.person for one in added["wrong"]) == sorted(one.person for one in added["imagpose"])


def test_wrong_people_are_nobody_s_own():
    people = [3, 3, 5, 5, 5, 9, 9, 1]
    others = _of_others(people)
    assert sorted(others) == sorted(people)
    assert all(one != other for one, other in zip(people, others, strict=True))


def test_work_is_shared(plan, monkeypatch):
    monkeypatch.setattr("imagpose.reid.plan.steps_of", lambda labels, epochs, seed: len(labels))  # there are six people
    plan.prepare()
    assert [job.name for job in plan.generators()] == ["reid_tiny_generator_40", "reid_tiny_generator_100"]
    assert [job.name for job in plan.drawings()] == ["reid_tiny_pictures_own_40", "reid_tiny_pictures_all_40"]
    rows = plan.rows()
    assert len(rows) == 2 * (len(METHODS) + 1)
    assert len({job.row for job in rows}) == len(rows)
    needs = {job.name: [path.parent.name for path in job.needs] for job in rows if "seed" not in job.name}
    assert {name.removeprefix("reid_tiny_"): need for name, need in needs.items() if need} == {
        "imagpose_40": ["pictures_own"], "wrong_40": ["pictures_own"], "imagpose_all_40": ["pictures_all"],
    }  # fmt: skip
    steps = {job.name: job.commands[-1][job.commands[-1].index("--trainer.max_steps") + 1] for job in rows}
    added = {int(steps[f"reid_tiny_{key}_40"]) for key in METHODS if key != "standard"}
    assert added == {2 * int(steps["reid_tiny_standard_40"])}
    only = Plan(**{**vars(plan), "methods": chosen(["standard", "again"])})
    assert (only.generators(), only.drawings()) == ([], [])


def test_every_job_says_what_a_node_must_have(plan, monkeypatch):
    monkeypatch.setattr("imagpose.reid.plan.steps_of", lambda labels, epochs, seed: len(labels))
    plan.prepare()
    for job in (plan.generators()[0], plan.drawings()[0], plan.rows()[1]):
        asked = resources(read_options(experiment_words(job)))
        assert (asked["nodes"], asked["tasks_per_node"]) == (1, 1)


def test_a_generators_own_options_do_not_change_what_it_sees(plan, tmp_path):
    (tmp_path / "wider.yaml").write_text("data:\n  init_args: {root: elsewhere, of: elsewhere, percentage: 100}\n")
    wider = Plan(**{**vars(plan), "generator_options": ("-c", str(tmp_path / "wider.yaml"))})
    data = read_options(experiment_words(wider.generators()[0])).data.init_args
    assert (data.percentage, data.root, data.of) == (40, plan.place(40) / "data", plan.root)


def test_a_larger_ratio_draws_what_is_not_drawn_yet(plan):
    plan.prepare()
    place, count = plan.pictures(40, "own"), len(read_pairs(plan.place(40) / "pairs.csv"))
    place.mkdir()
    for drawn, stays in ((count, True), (count - 1, False)):
        (place / DONE).write_text(f'{{"pictures": {drawn}}}')
        plan.prepare()
        assert (place / DONE).exists() == stays


def test_the_epochs_of_a_scale_are_those_of_its_experiment():
    for size in SIZES.values():
        options = read_options([word for file in size.bot for word in ("-c", file)])
        assert options.model.init_args.epochs == size.epochs
    labels = [Sighting.parse(name).person for name in published_names()["bounding_box_train"]]
    assert steps_of(labels, 1, 0) == pytest.approx(len(labels) / 64, rel=0.1)
    assert read_options(["-c", "reid/bot"]).trainer.max_steps == pytest.approx(120 * len(labels) / 64, rel=0.1)


# Leaks --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def part(market, tmp_path):
    folder = tmp_path / "part"
    write_part(folder, market, 40)
    return folder


def outside(market) -> list[Sighting]:
    chosen = set(part_of(market, 40))
    return [one for one in sightings(market, "bounding_box_train") if one not in chosen]


def set_up(part, market, percentage=40) -> PartDataModule:
    data = PartDataModule(of=market, percentage=percentage, root=part, validation_identities=1, validation_pairs=1,
                          layout="market1501", num_workers=0)  # fmt: skip
    data.setup("fit")
    return data


def test_a_generator_sees_its_part_and_nothing_else(part, market):
    names = {one.name for one in part_of(market, 40)}
    data = set_up(part, market)
    assert {view.name for views in data.train for view in views} <= names
    assert data.test == []
    assert {path.name for path in part.rglob("*.jpg")} == names
    assert set_up(part, market).index.splits["train"] == data.index.splits["train"]


def test_a_picture_that_leaks_in_is_refused(part, market):
    leaked = outside(market)[0]
    shutil.copy(market / "bounding_box_train" / leaked.name, part / "bounding_box_train")
    for look in (lambda: set_up(part, market), lambda: write_part(part, market, 40)):
        with pytest.raises(InputError, match=f"{leaked.name}.* is not in the part that a generator may see"):
            look()


def test_a_person_of_the_test_that_leaks_in_is_refused(part, market):
    query = next(iter(sightings(market, "query")))
    (part / "query").mkdir()
    shutil.copy(market / "query" / query.name, part / "query")
    with pytest.raises(InputError, match=f"{query.name}.* is not in the part"):
        set_up(part, market)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_pose_that_leaks_in_is_refused(part, market, split):
    source = (market / f"market-annotation-{'train' if split == 'train' else 'test'}.csv").read_text().splitlines()
    names = {one.name for one in part_of(market, 40)}
    row = next(row for row in source[1:] if row.partition(":")[0] not in names)
    with open(part / f"market-annotation-{split}.csv", "a") as file:
        file.write(row + "\n")
    with pytest.raises(InputError, match=rf"market-annotation-{split}.csv, row \d+ names .* not in the part"):
        set_up(part, market)


def test_a_link_and_a_larger_part_are_refused(part, market):
    (part / "more").symlink_to(market)
    with pytest.raises(InputError, match="names 'more', which is not in the part"):
        set_up(part, market)
    (part / "more").unlink()
    with pytest.raises(InputError, match="which is not in the part"):
        set_up(part, market, percentage=20)


def test_a_pair_that_leaks_in_is_refused_before_anything_is_drawn(part, market, tmp_path, capsys):
    names = [one.name for one in part_of(market, 40)]
    pairs = tmp_path / "pairs.csv"
    pairs.write_text(f"from,to\n{names[0]},{names[1]}\n{names[0]},{outside(market)[0].name}\n")
    words = ["--of", str(market), "--percentage", "40", "--pairs", str(pairs), "--run", "nowhere", "--out", "new"]
    assert main(["reid", "pictures", str(part), *words]) == 2
    assert f"pairs.csv, row 3 names '{outside(market)[0].name}', which is not in the part" in capsys.readouterr().err
    pairs.write_text(f"from,to\n{names[0]},{names[1]}\n")
    check_part(part, set(names), pairs)


def test_a_plan_refuses_a_part_that_something_leaked_into(plan, market):
    plan.prepare()
    leaked = outside(market)[0]
    shutil.copy(market / "bounding_box_train" / leaked.name, plan.place(40) / "data/bounding_box_train")
    with pytest.raises(InputError, match="is not in the part that a generator may see"):
        plan.prepare()


def test_percentages_are_the_paper_s():
    assert PERCENTAGES == (20, 40, 60, 80)
    assert STANDARD.generator is None
