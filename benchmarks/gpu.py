"""Everything that a card has to tell, in parts: steps a second, memory, latency, processes side by side.

``make bench-gpu`` (ARGS: parts by name, ``--out DIR``, ``--seconds N``) writes ``gpu_<part>_<device>.json`` for each
part: at its start with everything "not reached", then whole again after each variant, so that what was measured stays
whenever the rest is cut off. A part takes at most nine minutes, all of them 25. Random weights of the published layout
are drawn on the card; no file is read. Without a card it is all done with reduced networks, and the files say cpu.

A variant that fails is told in one sentence, and the next one follows; the exit code is then 1.
"""

from __future__ import annotations

import time

STARTED = time.monotonic()  # loading the libraries counts

import argparse  # noqa: E402
import json  # noqa: E402
import logging  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import warnings  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import torch  # noqa: E402
from diffusers.utils.logging import set_verbosity_error  # noqa: E402

from benchmarks.machine import file_name  # noqa: E402
from benchmarks.parts import estimates, processes, sampling, training  # noqa: E402
from benchmarks.parts.card import Card, NotHereError, Variant  # noqa: E402
from benchmarks.steps import free_memory  # noqa: E402
from imagpose.errors import one_line  # noqa: E402
from imagpose.output.files import write_whole  # noqa: E402
from imagpose.training.quiet import quiet  # noqa: E402

PARTS: dict[str, Callable[[Card], list[Variant]]] = {
    "train": training.train, "sampling": sampling.sampling, "large": training.large, "nccl": processes.nccl,
    "sharded": processes.sharded, "compile": training.compiled,
}  # fmt: skip
"""The most telling first; torch.compile, which takes a minute for each variant, last."""
ESTIMATES = "estimates"
LONGEST, ALTOGETHER = 9 * 60.0, 25 * 60.0
MEASURED, NOT_REACHED, FAILED = "measured", "not reached", "failed"


class OutOfTime(BaseException):
    """No Exception, so that nobody takes it for a fault."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise :class:`OutOfTime` in the block after so long, again and again where somebody swallows it."""

    def ring(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3), 5.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def measured(variant: Variant, until: float) -> dict[str, Any]:
    """The figures of one thing and its ``state``: measured, not reached, failed, or why it is not there.

    Args:
        variant: What is measured.
        until: When time is up, of ``time.monotonic``.
    """
    if until <= time.monotonic():
        return {"state": NOT_REACHED}
    try:
        with at_most(until - time.monotonic()):
            return {"state": MEASURED, **variant.measure()}
    except OutOfTime:
        return {"state": NOT_REACHED}
    except NotHereError as reason:
        return {"state": str(reason)}
    except torch.OutOfMemoryError:
        return {"state": "does not fit"}
    except Exception as error:
        return {"state": told(error)}


def told(error: Exception) -> str:
    """A fault in one sentence."""
    return one_line(f"{FAILED}: {type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}")


def measure_part(name: str, card: Card, variants: list[Variant], path: Path | None, until: float) -> list[str]:
    """All variants of a part, written down after each; returns a sentence for each that failed.

    Args:
        name: Of the part.
        card: What is measured.
        variants: In their order.
        path: The report; None writes none.
        until: When time is up.
    """
    started = time.monotonic()
    free_memory()  # of the part before
    found = [{"name": one.name, **one.settings, "state": NOT_REACHED} for one in variants]
    report = {"part": name, **card.facts(), "seconds": 0.0, "variants": found}

    def write() -> None:
        report["seconds"] = time.monotonic() - started
        if path is not None:
            write_whole(path, json.dumps(report, indent=1, ensure_ascii=False) + "\n")

    write()
    for number, variant in enumerate(variants):
        begun = time.monotonic()
        found[number] |= measured(variant, until)
        write()
        print(f"{name}, {in_words(found[number])} ({time.monotonic() - begun:.0f} s)", flush=True)
    print(f"{name}: {time.monotonic() - started:.0f} s" + (f", in {path}" if path else ""), flush=True)
    return [f"{name}, {one['name']} {one['state']}" for one in found if one["state"].startswith(FAILED)]


def in_words(figures: dict[str, Any]) -> str:
    """A variant in one line."""
    words = [] if figures["state"] == MEASURED else [figures["state"]]
    for key, form in (
        ("steps_per_second", "{:.2f} steps/s"), ("seconds", "{:.3f} s"), ("seconds_per_image", "{:.3f} s an image"),
        ("peak_gib", "{:.1f} GiB"), ("completed", "{} steps completed"),
    ):  # fmt: skip
        if figures.get(key) is not None:
            words.append(form.format(figures[key]))
    return f"{figures['name']}: {', '.join(words)}"


def main(words: list[str], card: Card | None = None) -> int:
    """Measure the parts; returns the exit code.

    Args:
        words: Of the command line.
        card: What is measured; None is this machine's.
    """
    names = [*PARTS, ESTIMATES]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description="What a card has to tell.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(names)}; all unless given")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder of the reports")
    parser.add_argument("--seconds", type=float, default=ALTOGETHER, help="for all of it, loading libraries included")
    asked = parser.parse_args(words)
    if unknown := [name for name in asked.parts if name not in names]:
        parser.error(f"there is no part {unknown[0]!r}; there are: {', '.join(names)}")
    quiet()
    warnings.filterwarnings("ignore", "You defined a `validation_step`")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    set_verbosity_error()  # diffusers warns at every cast
    card = card or Card.here()
    failures: list[str] = []
    for name in asked.parts or names:
        until = min(STARTED + asked.seconds, time.monotonic() + LONGEST)
        try:
            if name == ESTIMATES:
                failures += measure_part(name, card, estimates.estimates(card, asked.out), None, until)
            else:
                path = asked.out / f"gpu_{name}_{file_name(card.name)}.json"
                failures += measure_part(name, card, PARTS[name](card), path, until)
        except KeyboardInterrupt:
            print(f"Interrupted in {name}; what was measured is in {asked.out}.", file=sys.stderr)
            return 130
        except Exception as error:
            failures.append(f"{name} {told(error)}")
    for sentence in failures:
        print(sentence, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
