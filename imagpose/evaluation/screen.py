"""Tables on a terminal."""

from __future__ import annotations

import re
import sys

from rich import box
from rich.console import Console
from rich.table import Table as Screen

from imagpose.evaluation.tables import Table

_NAME = 24  # characters of a row's name that a screen has room for
_WIDE = 165  # characters, enough for a table


def wide_console() -> Console:
    """As wide as the terminal; wide enough for a table where the output goes to a file."""
    return Console(width=None if sys.stdout.isatty() else _WIDE)


def show(table: Table, console: Console) -> None:
    """Print a table to the screen."""
    screen = Screen(title=table.title, box=box.SIMPLE)
    for number, heading in enumerate(table.header):
        longest = max((len(row[number]) for row in table.rows), default=0)
        screen.add_column(heading, min_width=None if number else min(longest, _NAME))
    for row in table.rows:
        cells = (text.replace(" [", "\n[").replace("[", r"\[") for text in row)
        screen.add_row(*(re.sub(r"\*\*(.+?)\*\*", r"[bold]\1[/bold]", text, flags=re.DOTALL) for text in cells))
    console.print(screen)
    for note in table.notes:
        console.print(f"- {note}", highlight=False, markup=False, soft_wrap=True)
