"""Processes side by side: DDP over NCCL where there are two cards, a step each of FSDP and DeepSpeed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import yaml
from lightning.pytorch.strategies import FSDPStrategy

from benchmarks.parts.card import Card, NotHereError, Variant
from benchmarks.steps import Steps, canvases, measure

ROOT = Path(__file__).parents[2]


def nccl(card: Card) -> list[Variant]:
    """Steps a second of one process and of two."""

    def found(processes: int) -> dict[str, Any]:
        if (cards := torch.cuda.device_count()) < 2:
            raise NotHereError("one card" if cards else "no card")
        return together("ddp", processes, card.steps)

    return [_variant(card, "ddp", count, partial(found, count)) for count in (1, 2)]


def sharded(card: Card) -> list[Variant]:
    """A step in shards, over all cards that there are."""

    def found(strategy: str) -> dict[str, Any]:
        if not torch.cuda.is_available():
            raise NotHereError("no card, and shards need one")
        if strategy == "deepspeed" and find_spec("deepspeed") is None:
            raise NotHereError("DeepSpeed is not installed")
        return together(strategy, cards, Steps(1, 1))

    cards = max(1, torch.cuda.device_count())
    return [_variant(card, one, cards, partial(found, one)) for one in ("fsdp", "deepspeed")]


def _variant(card: Card, strategy: str, processes: int, found: Callable[[], Any]) -> Variant:
    settings = {
        "size": list(card.size), "panels": card.panels, "batch": card.batches[0], "checkpointing": False,
        "cached": False, "frozen_dtype": "float32", "compile": False, "strategy": strategy, "processes": processes,
    }  # fmt: skip
    return Variant(f"{strategy}, {processes} process{'es' * (processes > 1)}", settings, found)


def together(strategy: str, processes: int, steps: Steps) -> dict[str, Any]:
    """Start the processes, wait for them, and return what the first of them measured.

    Args:
        strategy: ``ddp``, ``fsdp`` or ``deepspeed``.
        processes: How many, each with a card of its own where there are cards.
        steps: Of training.

    Raises:
        RuntimeError: One of them failed; its last words are the message.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with TemporaryDirectory() as folder:
        out = Path(folder) / "found.json"
        words = [sys.executable, "-m", "benchmarks.parts.processes", strategy, str(processes), str(out)]
        shared = {**os.environ, "NODE_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        workers: list[subprocess.Popen[bytes]] = []
        logs = [Path(folder) / f"{rank}.log" for rank in range(processes)]
        try:
            for rank, log in enumerate(logs):
                with open(log, "wb") as file:
                    workers.append(
                        subprocess.Popen(
                            [*words, *map(str, steps)], cwd=ROOT, env={**shared, "LOCAL_RANK": str(rank)},
                            stdout=file, stderr=subprocess.STDOUT,
                        )
                    )  # fmt: skip
            while any(worker.poll() is None for worker in workers):
                if any(worker.poll() for worker in workers):  # the others would wait for the one that failed
                    break
                time.sleep(0.2)
        finally:
            ended = [worker.poll() for worker in workers]
            for worker in workers:
                worker.kill()
                worker.wait()
        for code, log in zip(ended, logs, strict=True):
            if code:
                said = log.read_text(errors="replace").strip().splitlines() or [f"exit code {code}"]
                raise RuntimeError(said[-1])
        return json.loads(out.read_text())


def _strategy(name: str) -> Any:
    """As the experiments' overlays have it."""
    if name == "ddp":
        return "ddp"
    said = yaml.safe_load((ROOT / "experiments/overlays" / f"{name}.yaml").read_text())["trainer"]["strategy"]
    return FSDPStrategy(**said["init_args"]) if name == "fsdp" else said


def main(words: list[str]) -> None:
    """One of the processes."""
    strategy, processes, out, warm_up, timed = words
    card = Card.here()
    if card.device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    module = card.build(ema_decay=None)  # which cannot follow shards
    found = measure(
        module, canvases(module, card.size, card.panels, card.batches[0]), card.precision,
        Steps(int(warm_up), int(timed)), strategy=_strategy(strategy), devices=int(processes),
        gradient_clip_val=None if strategy == "fsdp" else 1.0,
    )  # fmt: skip
    if os.environ["LOCAL_RANK"] == "0":
        Path(out).write_text(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
