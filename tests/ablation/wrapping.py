"""
Writes the script that stands in for a bundle's interpreter: it takes walls away, then does what it
was told.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

REMOVING = Path(__file__).parent / "removing.py"
# Where in the server's bootstrap code the worker's package can be imported, and has not begun.
BEFORE = "from toolcell_worker.__main__ import main; "
SCRIPT = """#!{python} -I
import os, sys
given = sys.argv[1:]
place = given.index("-c") + 1
first = {first!r}
assert given[place].count({before!r}) == 1, given[place]
given[place] = given[place].replace({before!r}, first + {before!r})
os.execv({python!r}, [{python!r}, *given])
"""


def write(folder: Path, walls: Iterable[str]) -> str:
    """
    The path of an interpreter for a zygote without these walls.
    """
    first = f"import runpy; runpy.run_path({str(REMOVING)!r})['remove']({tuple(walls)!r}); "
    script = folder / "python"
    script.write_text(SCRIPT.format(python=sys.executable, first=first, before=BEFORE))
    script.chmod(0o755)
    return str(script)
