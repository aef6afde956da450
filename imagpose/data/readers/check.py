"""``check``: read every list and decode every image of a dataset once, and say what is wrong, each with its place."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from json import dumps
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from imagpose.data.readers.findings import REFUSED, Finding, Kind
from imagpose.data.readers.index import SPLITS, ImageRecord, Index
from imagpose.data.readers.inspection import inspect
from imagpose.data.readers.layouts import LayoutName, open_index
from imagpose.data.workers import spread
from imagpose.errors import InputError
from imagpose.output.files import drop_unfinished, whole_file
from imagpose.output.progress import track

_CHUNK = 64  # images that a process takes at a time
_SHOWN = 10  # findings of each kind on the screen


def check(root: Path, layout: LayoutName | None = None, json: Path | None = None, workers: int | None = None) -> int:
    """Read every list and decode every image of a dataset once, and say what is wrong.

    Args:
        root: The dataset folder.
        layout: The folder's layout; unless given, the folders in it tell.
        json: Write all findings into this file too.
        workers: Processes that decode; as many as there are cores unless given.

    Returns:
        The exit code: 0 where nothing is wrong, else 1.

    Raises:
        InputError: A list cannot be read at all, so that nothing more can be said.
    """
    if workers is not None and workers < 1:
        raise InputError(f"--workers is {workers}; at least one is needed.")
    index = open_index(root, layout)
    index.scenarios(skip_unknown=True)  # refuses malformed ones
    findings = [*index.findings, *(finding for split in SPLITS for finding in index.pair_findings(split))]
    without_file = {finding.name for finding in findings if finding.kind == Kind.NO_FILE}
    records = [record for record in index.records.values() if record.name not in without_file]
    findings += _image_findings(index, records, workers or os.cpu_count() or 1)
    for note in index.notes:
        print(note)
    _print(index, findings)
    if json is not None:
        _write(index, findings, json)
    return 1 if findings else 0


def _image_findings(index: Index, records: Sequence[ImageRecord], workers: int) -> list[Finding]:
    seen = spread(inspect, [record.file for record in records], min(workers, -(-len(records) // _CHUNK)), _CHUNK)
    results = list(track(seen, "Decoding", len(records), "images"))
    sizes = Counter(result.size for result in results if result.size is not None)
    usual = sizes.most_common(1)[0][0] if sizes else None
    findings = []
    for record, result in zip(records, results, strict=True):
        file = os.path.relpath(record.file, index.root)
        if result.kind is not None:
            findings.append(Finding(result.kind, file, None, record.name, result.detail))
        elif result.size is not None and usual is not None and result.size != usual:
            detail = f"{_times(result.size)}, and {_times(usual)} is usual"
            findings.append(Finding(Kind.ODD_SIZE, file, None, record.name, detail))
    return findings


def _times(size: tuple[int, int]) -> str:
    return f"{size[0]}×{size[1]}"


def _print(index: Index, findings: Sequence[Finding]) -> None:
    images = ", ".join(f"{len(index.splits[split])} {split}" for split in SPLITS)
    table = Table("What", "How many", "Training", title=f"{escape(str(index.root))}: {images} images")
    for kind in Kind:
        found = [finding for finding in findings if finding.kind == kind]
        table.add_row(kind, str(len(found)), "refuses" if kind in REFUSED else "does not look")
        for finding in found[:_SHOWN]:
            print(finding)
        if len(found) > _SHOWN:
            print(f"… and {len(found) - _SHOWN} more: {kind}; --json FILE lists all.")
    Console().print(table)
    print(f"{len(findings)} fault(s)." if findings else "Nothing is wrong.")


def _write(index: Index, findings: Sequence[Finding], path: Path) -> None:
    report = {
        "root": str(index.root),
        "layout": type(index).__name__,
        "images": {split: len(index.splits[split]) for split in SPLITS},
        "counts": dict(Counter(finding.kind.value for finding in findings)),
        "findings": [finding._asdict() for finding in findings],
    }
    try:
        drop_unfinished(path.parent)
        with whole_file(path) as unfinished:
            unfinished.write_text(dumps(report, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); name another file for --json.") from error
