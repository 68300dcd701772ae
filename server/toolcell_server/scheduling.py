"""
The service comes before its tools: a tool that uses all it can get must not delay those who watch
it, or refuse others.

Theory of operation.  Cells have a lower priority (`walls/rlimits.py`).  Where the kernel gives each
session a share of its own (sched(7), autogroup; not inside control groups for the processor) that
says nothing: every cell is a session, and so is each of our programs.  There our own sessions are
raised, if we may.  (A service that was started outside of any session has none to raise.)
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

AUTOGROUP: Final = "/proc/{}/autogroup"
NICENESS: Final = -10  # arbitrary; one session of ours weighs as much as nine of others

_log = logging.getLogger(__name__)


def come_first(pid: int | str = "self", autogroup: str = AUTOGROUP) -> bool:
    """
    Raise the session of a process; whether that was done.
    """
    file = Path(autogroup.format(pid))
    if not file.exists():
        return False
    try:
        file.write_text(f"{NICENESS}\n")
    except OSError as exc:  # we may not, or it has ended
        _log.debug("tools can delay process %s, whose session is not raised: %s", pid, exc.strerror)
        return False
    return True
