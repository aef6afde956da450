"""Where weights are looked for, in which order, and what is said of a file that does not fit."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from imagpose.errors import InputError
from imagpose.models import weights

FILE = "model.safetensors"


@pytest.fixture(autouse=True)
def roots(tmp_path, monkeypatch):
    """The user's own root, and the working folder's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMAGPOSE_WEIGHTS", str(tmp_path / "own"))
    return [tmp_path / "own", Path("weights"), weights.PACKAGED]


@pytest.fixture
def saved(tmp_path):
    """Writes tensors, by name, into a file."""

    def save(**tensors) -> Path:
        save_file(tensors, tmp_path / FILE)
        return tmp_path / FILE

    return save


def test_the_user_s_own_root_is_before_the_working_folder_s_and_that_before_the_packaged(roots):
    assert weights.places("net") == [root / "net" for root in roots]
    assert weights.places("org/net/") == [root / name for root in roots for name in ("org/net", "net")]


@pytest.mark.parametrize("name", ["./net", "/there/net", "~/net"])
def test_a_path_is_looked_for_nowhere_else(name):
    assert weights.places(name) == [Path(name).expanduser()]
    assert not weights.is_hub_id(name)


def test_what_is_found_is_the_first_of_the_places_that_is_there():
    places = weights.places("org/net")
    made = [place for place in places if weights.PACKAGED not in place.parents]
    for place in reversed(made):  # each is better than all before
        place.mkdir(parents=True)
        (place / FILE).touch()
        assert weights.find("org/net") == place
        assert weights.File("org/net", (FILE,)).path() == place / FILE


def test_missing_weights_name_the_places_that_their_user_can_write(roots):
    with pytest.raises(
        InputError, match=f"^Weights 'net' were not found; put the folder in one of: {roots[0]}/net, "
    ) as told:
        weights.find("net")
    assert str(weights.PACKAGED) not in str(told.value)
    assert "download it from huggingface.co/org/net and put it at" in weights.File("org/net", (FILE,)).missing()


def test_a_folder_that_is_here_is_named_by_its_path(roots, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    assert weights.File("photos", (FILE,)).missing().endswith("write ./photos for the folder that is here")


def test_a_pickle_alone_is_refused(roots):
    (roots[0] / "net").mkdir(parents=True)
    (roots[0] / "net/model.bin").touch()
    with pytest.raises(InputError, match=r"net/model\.bin is a pickle, which can run code"):
        weights.File("net", (FILE,)).refuse_pickles()


def test_a_file_of_exactly_a_module_s_tensors_fills_it(saved):
    ours, theirs = nn.Linear(3, 2), nn.Linear(3, 2)
    path = saved(**{name: tensor.half() for name, tensor in theirs.state_dict().items()})
    weights.check(ours, path)
    assert weights.differing(ours, path) is None
    weights.load(ours, path)
    assert ours.weight.dtype == torch.float32
    assert torch.equal(ours.weight, theirs.weight.half().float())


WRONG = {
    "another width": ({"weight": torch.zeros(2, 4)}, r"weight is \(2, 4\) in it and \(2, 3\) in the architecture"),
    "one is missing": ({"bias": None}, r"bias is missing in it and \(2,\) in the architecture"),
    "one too many": ({"more": torch.zeros(1)}, r"more is \(1,\) in it and unknown in the architecture"),
    "a width says most": ({"aaa": torch.zeros(1), "weight": torch.zeros(9, 3)}, r"weight is \(9, 3\) in it"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_file_that_does_not_fit_names_the_tensor_and_changes_nothing(kind, saved):
    changed, message = WRONG[kind]
    module = nn.Linear(3, 2)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    path = saved(**{name: one for name, one in {**before, **changed}.items() if one is not None})
    for reads in (weights.check, weights.load):
        with pytest.raises(InputError, match=message) as told:
            reads(module, path)
        assert str(told.value).startswith(f"{path} does not fit Linear: ")
    assert message.startswith(weights.differing(module, path))
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_a_truncated_file_is_told(saved):
    path = saved(weight=torch.zeros(100, 100))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="is not a readable safetensors file"):
        weights.header(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_not_finite_are_refused_wherever_they_stand(value, saved):
    tensors = {name: tensor.clone() for name, tensor in nn.Linear(3, 2).state_dict().items()}
    tensors["bias"][1] = value
    with pytest.raises(InputError, match="bias has numbers that are not finite"):
        weights.load(nn.Linear(3, 2), saved(**tensors))
