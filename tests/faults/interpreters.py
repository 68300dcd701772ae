"""
An interpreter for a bundle that changes something in the zygote before it begins.

What production code has no switch for, a test reaches through the `python` of a bundle: a script
that runs the real interpreter with a few more lines.
"""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from toolcell_server.program import BOOTSTRAP

if TYPE_CHECKING:
    from pathlib import Path

_LAST_IMPORT = "from toolcell_worker.__main__"
# No cell is forked before it is asked for: who waits for a fork sees the one that he caused.
WITHOUT_SPARES = "from toolcell_worker import spares; assert spares.SPARES; spares.SPARES = 0"
# No cell finds an init that was there before: who waits for two forks sees both.
WITHOUT_IDLE_ROOMS = "from toolcell_worker import rooms; assert rooms.IDLE; rooms.IDLE = 0"


def interpreter(folder: Path, change: str) -> str:
    """
    The path of an interpreter that runs the line `change` once `toolcell_worker` can be imported.
    """
    assert _LAST_IMPORT in BOOTSTRAP
    code = BOOTSTRAP.replace(_LAST_IMPORT, f"{change}; {_LAST_IMPORT}")
    script = folder / "python"
    flags = "-I -B -X utf8 -c"  # six words of ours take the place of the six that we were given
    script.write_text(
        f'#!/bin/sh\nshift 6\nexec {shlex.quote(sys.executable)} {flags} {shlex.quote(code)} "$@"\n'
    )
    script.chmod(0o755)
    return str(script)
