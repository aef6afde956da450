"""Two at once, killed and interrupted: real processes of the command line."""

import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from imagpose.data.mannequins.folder import MannequinSet, write
from imagpose.generation.pictures import save
from imagpose.output.files import write_whole
from tests.conftest import ROOT

FEW = MannequinSet(identities=3, views=4, test_identities=1, test_pairs=2, size=(16, 11))
WORDS = (
    "--spec.identities", "3", "--spec.views", "4", "--spec.test_identities", "1", "--spec.test_pairs", "2",
    "--spec.size", "[16,11]",
)  # fmt: skip
MANY = ("--spec.identities", "2000")  # drawn for minutes
ENSURE = "import sys; from pathlib import Path; from tests.test_races import FEW; from imagpose.data.mannequins.folder "
ENSURE += "import ensure; ensure(Path(sys.argv[1]), FEW)"


def start(*words, code=None, **environment):
    return subprocess.Popen(
        [sys.executable, *(("-c", code) if code else ("-m", "imagpose")), *map(str, words)], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **environment}, start_new_session=True,
    )  # fmt: skip


def ends(*processes):
    """Exit codes and what was told, one a process; none shows a stack trace."""
    found = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert "Traceback" not in err, err
        found.append((process.returncode, out, err))
    return found


def content(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def left_over(folder):
    return [path for path in folder.rglob("*.unfinished")]


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    root = tmp_path_factory.mktemp("few") / "few"
    write(root, FEW)
    return root


def race_of_mannequins(place, few, code=None):
    both = [start("mannequins", place, *WORDS), start(place, code=code) if code else start("mannequins", place, *WORDS)]
    found = ends(*both)
    assert [code for code, _, _ in found] == [0, 0], found
    assert content(place) == content(few)
    assert not left_over(place.parent)


def test_two_draw_mannequins(tmp_path, few):
    race_of_mannequins(tmp_path / "few", few)


@pytest.mark.slow
@pytest.mark.parametrize("code", [None, ENSURE])
def test_ten_times_two_draw_mannequins(tmp_path, few, code):
    for number in range(10):
        race_of_mannequins(tmp_path / str(number), few, code)


@pytest.mark.slow
def test_who_comes_second_says_that_it_waits(tmp_path, few):
    from imagpose.output.files import alone

    with alone(tmp_path / "few", "drawing"):
        second = start("mannequins", tmp_path / "few", *WORDS)
        assert "waiting for it" in second.stderr.readline()
        shutil.copytree(few, tmp_path / "few")
    (code, out, _) = ends(second)[0]
    assert code == 0
    assert "Drawing" not in out


def workers_of(process):
    told = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True).stdout
    return [int(pid) for pid in told.split()]


def drawing(place):
    process = start("mannequins", place, *MANY)
    deadline = time.time() + 60
    while not list(place.parent.glob(".*.unfinished/img_highres/*/*/*/*.jpg")):
        assert process.poll() is None, process.communicate()
        assert time.time() < deadline
        time.sleep(0.05)
    return process, workers_of(process)


def gone(processes):
    deadline = time.time() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in processes) and time.time() < deadline:
        time.sleep(0.05)
    return not any(Path(f"/proc/{pid}").exists() for pid in processes)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_drawing_that_is_ended_leaves_no_process(tmp_path, number, code):
    process, workers = drawing(tmp_path / "many")
    assert workers
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    ((status, _, err),) = ends(process)
    assert status == code
    assert gone(workers)
    assert not (tmp_path / "many").exists()
    if code > 0:
        assert err.count("\n") == 1
        assert "nothing was written, and the same command starts again" in err
        assert not left_over(tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_check_s_processes_end_with_it(mannequin_root, tmp_path):
    copy = shutil.copytree(mannequin_root, tmp_path / "copy")
    (picture, *_), names = copy.rglob("*.jpg"), (copy / "train.lst").read_text().split()
    Image.new("RGB", (5000, 5000)).save(picture)
    for path in copy.rglob("*.jpg"):
        if path != picture:
            shutil.copy(picture, path)
    (copy / "train.lst").write_text("\n".join(names) + "\n")
    code = (
        "import imagpose.data.readers.check as c, sys; c._CHUNK = 4\n"
        "if __name__ == '__main__':\n from imagpose.__main__ import main; main(sys.argv[1:])"
    )
    process = start("check", copy, "--workers", "2", code=code)
    deadline = time.time() + 60
    while len(workers := workers_of(process)) < 3:  # the resource tracker is one
        assert process.poll() is None, process.communicate()
        assert time.time() < deadline
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert gone(workers)


def generation(few, out):
    pairs = few / "fashion-pairs-test.csv"
    words = ("--limit", "2", "--steps", "1", "--device", "cpu", "--out", out)
    return ("generate", "--data", few, "--pairs", pairs, *words)


def race_of_generation(few, out):
    found = ends(*(start(*generation(few, out)) for _ in range(2)))
    assert [code for code, _, _ in found] == [0, 0], found
    assert not left_over(out)
    return content(out)


@pytest.mark.slow
def test_two_generate_into_one_folder(few, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / f"images/.{2**22 + 1}@{os.uname().nodename}.{'0' * 32}.unfinished").write_text("of a killed process")
    assert len(race_of_generation(few, tmp_path)) == 4


@pytest.mark.slow
def test_ten_times_two_generate_into_one_folder(few, tmp_path):
    pictures = [race_of_generation(few, tmp_path / str(number)) for number in range(10)]
    assert all(len(of) == 4 for of in pictures)
    assert len({tuple(v for k, v in sorted(of.items()) if "images" in k) for of in pictures}) == 1


@pytest.mark.slow
def test_ten_times_two_fill_one_cache(mannequin_root, tmp_path):
    names = ("experiments/_base.yaml", "experiments/tiny.yaml", "tests/quick.yaml")
    files = [word for name in names for word in ("-c", name)]
    words = ["cache", *files, "--data.init_args.root", mannequin_root, "--trainer.accelerator", "cpu"]
    for number in range(10):
        place = tmp_path / str(number)
        found = ends(*(start(*words, "--data.init_args.cache", place) for _ in range(2)))
        assert [code for code, _, _ in found] == [0, 0], found
        assert not left_over(place)
        assert len(list(place.rglob("*.safetensors"))) == 1


EXPORT = """
import sys
from pathlib import Path
from imagpose.generation import export
from imagpose.output.files import write_whole
from imagpose.pipeline import ImagposePipeline
ImagposePipeline.from_run = lambda run, trust=(): ImagposePipeline.from_pretrained("mannequin-demo")
runs.from_folder = lambda run: type("Run", (), {"complete": True})
export._card = lambda *args: "card"
from imagpose.__main__ import main
sys.exit(main(["export", "--run", "run", "--out", sys.argv[1], "--overwrite", sys.argv[2]]))
"""


def race_of_exports(out, overwrite):
    from imagpose.pipeline import ImagposePipeline

    found = ends(*(start(out, overwrite, code=EXPORT) for _ in range(2)))
    assert sorted(code for code, _, _ in found) == ([0, 0] if overwrite == "true" else [0, 2]), found
    assert not left_over(out.parent)
    assert ImagposePipeline.from_pretrained(out)
    assert (out / "README.md").read_text() == "card"


@pytest.mark.slow
def test_two_export_to_one_folder(tmp_path):
    race_of_exports(tmp_path / "out", "false")


@pytest.mark.slow
def test_ten_times_two_export_to_one_folder(tmp_path):
    for number in range(10):
        race_of_exports(tmp_path / str(number // 2), "true")


def test_ten_threads_write_one_picture(tmp_path):
    pictures = [Image.new("RGB", (99, 99), (number, 0, 0)) for number in range(10)]
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda picture: save(picture, tmp_path / "one.png", {"seed": 0}), pictures * 5))
    with Image.open(tmp_path / "one.png") as image:
        assert image.convert("RGB").getpixel((98, 98))[0] in range(10)
    assert len(list(tmp_path.iterdir())) == 1


def test_ten_threads_write_one_file(tmp_path):
    texts = [str(number) * 100_000 for number in range(10)]
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda text: write_whole(tmp_path / "one", text), texts * 5))
    assert (tmp_path / "one").read_text() in texts
    assert len(list(tmp_path.iterdir())) == 1
