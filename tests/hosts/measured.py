"""
What the ablation measured: which walls stop an attack each by itself (docs/ablation.md).
"""

from __future__ import annotations

from pathlib import Path

TABLE = Path(__file__).parents[2] / "docs" / "ablation.md"


def alone_against() -> dict[tuple[str, str], set[str]]:
    """
    By id and name of the attack: the walls that hold it alone; "the service" is no wall.
    """
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in TABLE.read_text().splitlines()
        if line.startswith("| ") and line.count("|") == 6
    ]
    return {
        (number, name): {wall for wall in walls.split(", ") if wall and wall != "the service"}
        for number, name, _, _, walls in rows
        if number != "Id"
    }
