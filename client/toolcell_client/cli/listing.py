"""
Prints lists and records on stdout: for people on a terminal, as JSON otherwise.
"""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

from toolcell_client.cli.neutral import neutral, neutral_line

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = "  "


def for_people(options: Any) -> bool:
    """
    Whether stdout is read by a person: a terminal, and no --json.
    """
    return sys.stdout.isatty() and not options.json


def print_json(value: Any) -> None:
    """
    One JSON value on one line.
    """
    sys.stdout.write(json.dumps(value, ensure_ascii=True) + "\n")


def print_text(text: str) -> None:
    """
    Text for a terminal, made harmless.
    """
    sys.stdout.write(neutral(text) + "\n")


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """
    Columns as wide as their longest cell; the last is cut at the terminal's edge.
    """
    cells = [list(headings), *([neutral_line(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    edge = shutil.get_terminal_size().columns
    for row in cells:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        line = GAP.join(padded).rstrip()
        sys.stdout.write((line if len(line) <= edge else line[: edge - 1] + "…") + "\n")
