import numpy as np
import pytest
from PIL import Image

from imagpose.errors import InputError
from imagpose.evaluation.matching import common_size, match, read

A, B = "fashionWOMENTees_Tanksid0000000101_3back.jpg", "fashionWOMENTees_Tanksid0000000101_2side.jpg"
M, N = "0002_c1s1_000451_03.jpg", "0002_c2s1_000451_02.jpg"
a, b, m, n = (name.removesuffix(".jpg") for name in (A, B, M, N))


def touch(folder, *names, size=(4, 6)):
    for name in names:
        Image.new("RGB", size, (10, 20, 30)).save(folder / name)


@pytest.mark.parametrize(
    "name",
    [
        f"{A}___{B}_vis.png", f"{a}_2_{b}_vis.png", f"{a}_2_{b}_vis.jpg", f"_{a}_to_{b}.png", f"{A}_2_{B}.png",
        f"{a}_2_{b}_vis_0.png",
    ],
)  # fmt: skip
def test_every_methods_names_are_known(tmp_path, name):
    touch(tmp_path, name)
    assert match(tmp_path, [(A, B), (B, A)]).outputs == {(A, B): (tmp_path / name,)}


X, Y = "fashionMENTees_Tanksid0000730104_2side.jpg", "fashionMENTees_Tanksid0000730104_7additional.jpg"
X_FPDM, Y_FPDM = "MENTees_Tanksid_0000730104_2_side", "MENTees_Tanksid_0000730104_7_additional"
X_PATH, Y_PATH = "MEN-Tees_Tanks-id_00007301-04_2_side", "MEN-Tees_Tanks-id_00007301-04_7_additional"


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        (f"{X_FPDM}.jpg_2_{Y_FPDM}.jpg.png", (X, Y)), (f"{Y_FPDM}.jpg_2_{X_FPDM}.jpg.png", (Y, X)),
        (f"{X_PATH}_2_{Y_PATH}_vis.png", (X, Y)), (f"{Y_PATH}_2_{X_PATH}_vis_2.png", (Y, X)),
        (f"_{X_PATH}_to_{Y_PATH}.png", (X, Y)),
    ],
)  # fmt: skip
def test_the_separator_is_the_one_between_two_whole_names(tmp_path, name, pair):
    touch(tmp_path, name, f"{X_FPDM}.png")
    matches = match(tmp_path, [(X, Y), (Y, X)])
    assert matches.outputs == {pair: (tmp_path / name,)}
    assert matches.extra == (tmp_path / f"{X_FPDM}.png",)


@pytest.mark.parametrize("name", [f"{m}.jpg.jpg_2_{n}_vis.jpg", f"{m}_2_{n}.jpg_vis.png", f"{M}.jpg___{N}_vis.png"])
@pytest.mark.parametrize("pair", [(M, N), (f"{M}.jpg", N), (M, f"{N}.jpg")])
def test_a_doubled_suffix_is_another_spelling(tmp_path, name, pair):
    touch(tmp_path, name)
    assert match(tmp_path, [pair]).outputs == {pair: (tmp_path / name,)}


@pytest.mark.parametrize("name", [f"{m}_2_{n}_vis.jpg", f"{M}___{N}_vis.png", f"0{m}_to_{n}.png"])
def test_market_names_ending_in_numbers_are_no_samples(tmp_path, name):
    touch(tmp_path, name)
    assert match(tmp_path, [(M, N)]).outputs == {(M, N): (tmp_path / name,)}


def test_missing_and_extra_are_told(tmp_path):
    touch(tmp_path, f"{a}_2_{b}_vis.png", f"{a}_2_{a}_vis.png", "grid.png")
    (tmp_path / "metrics.npz").write_bytes(b"")
    matches = match(tmp_path, [(A, B), (B, A), (A, B)])
    assert matches.missing == ((B, A),)
    assert {path.name for path in matches.extra} == {f"{a}_2_{a}_vis.png", "grid.png"}


def test_numbered_samples_are_in_order(tmp_path):
    touch(tmp_path, *(f"{a}_2_{b}_vis_{i}.png" for i in (10, 2, 0)))
    (samples,) = match(tmp_path, [(A, B)]).outputs.values()
    assert [path.stem.rpartition("_")[2] for path in samples] == ["0", "2", "10"]


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ((f"{a}_2_{b}_vis.png", f"{a}_2_{b}_vis.jpg"), "both show"),
        ((f"{a}_2_{b}_vis.png", f"x{a}_to_{b}.png"), "both show"),
        ((f"{a}_2_{b}_vis.png", f"{a}_2_{b}_vis_1.png"), "beside numbered samples"),
        ((), "holds no .png"),
    ],
)
def test_what_cannot_be_matched_is_one_sentence(tmp_path, names, sentence):
    touch(tmp_path, *names)
    with pytest.raises(InputError, match=sentence):
        match(tmp_path, [(A, B)])


def test_no_folder_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="is no folder"):
        match(tmp_path / "nowhere", [(A, B)])


def test_of_a_strip_the_last_panel_is_read(tmp_path):
    panels = np.arange(5, dtype=np.uint8)[:, None, None].repeat(6, 1).repeat(3, 2).reshape(1, 30, 3).repeat(8, 0)
    path = tmp_path / f"{A}___{B}_vis.png"
    Image.fromarray(panels).save(path)
    assert np.array_equal(read(path), np.full((8, 6, 3), 4))
    assert common_size([path]) == (8, 6)
    Image.fromarray(panels[:, :-1]).save(path)
    with pytest.raises(InputError, match="PATN strip, but is 29 wide"):
        read(path)


def test_sizes_must_agree_and_images_be_images(tmp_path):
    touch(tmp_path, "a.png")
    touch(tmp_path, "b.png", size=(5, 6))
    with pytest.raises(InputError, match=r"b\.png is 6×5, but a\.png is 6×4"):
        common_size([tmp_path / "a.png", tmp_path / "b.png"])
    (tmp_path / "c.png").write_text("no image")
    with pytest.raises(InputError, match=r"c\.png is not a readable image"):
        common_size([tmp_path / "c.png"])
