"""
The service comes before its tools: a tool that uses all it can get must not delay those who watch
it, or refuse others.

Theory of operation.  Cells have a lower priority (`walls/rlimits.py`).  Where the kernel gives each
session a share of its own (sched(7), autogroup; not inside control groups for the processor) that
says nothing: every cell is a session, and a few cells take as much as the service and all its
zygotes together.  There the session that we are in is raised, if we may.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

AUTOGROUP: Final = Path("/proc/self/autogroup")
NICENESS: Final = -10  # arbitrary; one session of ours weighs as much as nine of others

_log = logging.getLogger(__name__)


def come_first(autogroup: Path = AUTOGROUP) -> bool:
    """
    Raise our session; whether that was done.
    """
    if not autogroup.exists():
        return False
    try:
        autogroup.write_text(f"{NICENESS}\n")
    except OSError as exc:
        _log.debug("tools can delay the service, whose session cannot be raised: %s", exc.strerror)
        return False
    return True
