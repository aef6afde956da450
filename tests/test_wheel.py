"""What pip installs: one package, which generates and trains outside of the checkout."""

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow
EXAMPLE = [f"--source={ROOT}/examples/source.jpg", f"--source-pose={ROOT}/examples/source.json",
           f"--target-pose={ROOT}/examples/pose_1.json"]  # fmt: skip


def run(words, **options):
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """The project's files in a folder that bears the package's name, as a clone does; building writes beside them."""
    folder = tmp_path_factory.mktemp("beside") / "imagpose"
    for part in ("imagpose", "callbacks", "experiments"):
        shutil.copytree(ROOT / part, folder / part, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / part, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(["-m", "pip", "wheel", str(source), "--no-deps", "--no-build-isolation", "--quiet", "-w", str(folder)])
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def outside(wheel, tmp_path_factory):
    """Calls the installed command from a working folder of its own."""
    target, work = tmp_path_factory.mktemp("target"), tmp_path_factory.mktemp("work")
    run(["-m", "pip", "install", str(wheel), "--no-deps", "--no-index", "--quiet", "--target", str(target)])
    clean = {name: value for name, value in os.environ.items() if not name.startswith("IMAGPOSE_")}
    environment = {**clean, "PYTHONPATH": str(target)}

    def call(*words):
        return run(words, cwd=work, env=environment)

    call.work, call.target = work, target
    return call


def test_the_wheel_holds_one_package_and_all_that_it_needs(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"imagpose"}
    for part in ("py.typed", "experiments/tiny.yaml", "experiments/overlays/fp16.yaml", "experiments/embedded/vae.yaml",
                 "experiments/encoders/dinov2g.yaml", "callbacks/evaluation.py", "evaluation/printed.csv",
                 "demo/static/editor.js",
                 "weights/mannequin-demo/network/diffusion_pytorch_model.safetensors"):  # fmt: skip
        assert f"imagpose/{part}" in names
    assert sum(name.endswith(".yaml") for name in names) == len(list((ROOT / "experiments").rglob("*.yaml")))


def test_what_is_installed_generates_outside_of_the_checkout(outside):
    where = outside("-c", "import imagpose; print(imagpose.__file__)").strip()
    assert Path(where).is_relative_to(outside.target)
    outside("-m", "imagpose", "generate", *EXAMPLE, "--steps=2", "--out=drawn")
    assert list((outside.work / "drawn").rglob("*.png"))


def test_what_is_installed_trains_outside_of_the_checkout_by_an_experiment_s_name(outside, mannequin_root):
    shutil.copy(ROOT / "tests/quick.yaml", outside.work)
    words = ["--exp", "tiny", "--with", "low_memory", "-c", "quick.yaml", "--max_steps=2", "--data", mannequin_root,
             "--trainer.val_check_interval=2", "--data.init_args.num_workers=0"]  # fmt: skip
    outside("-m", "imagpose", "fit", *map(str, words))
    assert (outside.work / "runs/quick/version_0/metrics.json").exists()


def test_an_import_beside_the_clone_finds_the_package_and_not_the_clone_s_folder(source, tmp_path):
    """An editable install is a path; the package found on it wins over a folder without ``__init__.py``."""
    made = "import sys; from setuptools.build_meta import build_editable as b; print(b(sys.argv[1]))"
    run(["-c", made, str(tmp_path)], cwd=source)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        paths = [wheel.read(name).decode().strip() for name in wheel.namelist() if name.endswith(".pth")]
        assert paths == [str(source)]
        assert not any(name.endswith("finder.py") for name in wheel.namelist())
    found = PathFinder.find_spec("imagpose", [str(source.parent), paths[0]])
    assert found.origin == str(source / "imagpose/__init__.py")
