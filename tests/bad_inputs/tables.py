"""``table``."""

from tests.bad_inputs.case import INSTEAD, JSON, Command
from tests.bad_inputs.training import EXPERIMENT_OPTIONS

ROW = "results/variants/rows/tiny_sd15_clipb-seed0.json"
TABLE = Command({"": "variants", "--no_run": (), "--runs": "runs", "--results": "results"})
RUNS = {"--no_run": None, "--rows": "tiny_sd15_clipb"}
_ROW = b'{"experiment": "x", "seed": 0, "scores": %s, "pairs": %s, "samples": 1, "data": "d", "drawn": true}'


def _table():
    yield from (
        case for case in TABLE.grammar() if "value" not in case.name or case.name.startswith(("--runs", "--results"))
    )
    yield TABLE.case("no table", {"": None}, "table")
    yield TABLE.case("no such table", {"": "nope"}, "nope")
    yield TABLE.case("an empty table", {"": ""}, "table")
    yield TABLE.case("two tables", {"": ("variants", "ablations")}, "ablations")
    yield from TABLE.choice("--scale")
    yield from TABLE.choice("--launcher")
    yield from TABLE.choice("--protocol")
    yield from TABLE.values("--seeds", ("9" * 30, "x", "-1", "[x]"))
    yield from TABLE.values("--seeds", ("", "1.5", "nan", "1e3", "9" * 5000, "½", "[[1]]", "0x10"), slow=True)
    yield from TABLE.whole_number("--jobs", "0")
    yield from TABLE.values("--rows", ("nope", "", "../x", "a\0b", "x" * 3000, "☃"), "row", "--rows", some=2)
    yield from TABLE.values("--slurm", ("nope", "=", "a=", "=b", ""), some=2)
    yield from TABLE.flag("--no_cache")
    yield from TABLE.flag("--no_run")
    yield from TABLE.written("--results", slow=False)
    yield TABLE.case("--results a file", {"--results": "odd/file"}, "odd/file")
    yield from TABLE.contents(
        ROW,
        {
            **JSON,
            "scores of no kind": _ROW % (b"3", b"{}"),
            "a text for a score": _ROW % (b'{"strict": {"ssim": "x"}}', b"{}"),
            "pairs of no kind": _ROW % (b"{}", b"3"),
            "an unknown part of the pairs": _ROW % (b"{}", b'{"nope": 1}'),
            "texts for scores": _ROW % (b'{"strict": {"ssim": {"value": "high"}}}', b"{}"),
            "no scores": _ROW % (b"{}", b"{}"),
            "names of no kind": _ROW % (b"{}", b'{"names": 3}'),
        },
        some=3,
    )
    yield from TABLE.instead(ROW, kinds=[kind for kind in INSTEAD if kind != "missing"])  # --no-run prints without
    yield TABLE.case("a seed of all rows", {}, "--seeds", further=("--seed_everything", "1"))
    yield TABLE.case(
        "slurm where there is none",
        {**RUNS, "--launcher": "slurm"},
        "sbatch",
        "not submitted",
        slow=True,
    )
    yield TABLE.case(
        "a parameter that slurm has not",
        {**RUNS, "--launcher": "slurm", "--slurm": "nope=1"},
        "nope",
        "sbatch",
        slow=True,
    )
    for option, value in list(EXPERIMENT_OPTIONS.items())[::6]:  # they go to fit, where all are tried
        yield TABLE.case(f"{option} for every row", {}, option.rsplit(".", 1)[-1], further=(option, value), slow=True)
    yield TABLE.case("no such base for every row", {"--model.init_args.base": "nowhere"}, "nowhere", slow=True)
    yield TABLE.case("an overlay that is not there", {}, "nope", further=("-c", "experiments/overlays/nope.yaml"))
    yield TABLE.case("an overlay of text", {}, "odd/file", further=("-c", "odd/file"), slow=True)
    yield TABLE.case("runs below a file", {**RUNS, "--runs": "odd/file/x"}, "odd/file", slow=True)


CASES = {"table": list(_table())}
