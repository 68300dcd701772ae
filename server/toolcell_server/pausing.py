"""
Stops the processes of a cell while somebody looks at them, and lets them go on.

Theory of operation.  SIGSTOP, because a cell without a control group has no freezer, and none with
one needs this.  Nobody but us can let them go on: whoever could send the signal is stopped too.

* Numbers of processes are used again.  A process is held by a descriptor, opened before a walk in
  which its number still belongs to the cell: what the descriptor names is the cell's, and neither
  signal can reach anybody else.
* Who forks meanwhile leaves a child that was not there to be stopped: hence one walk more, until
  one finds nobody new.  A cell that outruns the last of them is measured while it runs, no worse
  than unpaused.
* What the tool has stopped by itself is left out, and stays so.
* The init is not stopped: it runs nothing of the tool's, and reaps.
* The signals are seen: a parent gets SIGCHLD for a child that stops unless it said SA_NOCLDSTOP,
  and some calls end with EINTR after them (signal(7)).
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from toolcell_server import process_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

WALKS: Final = 4  # arbitrary; a cell needs two, and one that forks all the time never has enough
_STOPPED: Final = (b"T", b"t")  # proc_pid_stat(5)


@contextlib.contextmanager
def paused(init: int, tool: int) -> Iterator[None]:
    """
    The tool's processes do not run for as long as the context lasts.  Whoever leaves it may be
    another thread.
    """
    held: dict[int, int] = {}
    try:
        for _ in range(WALKS):
            if not _stop_more(init, tool, held):
                break
        yield
    finally:
        for descriptor in held.values():
            _send(descriptor, signal.SIGCONT)
            os.close(descriptor)


def _stop_more(init: int, tool: int, held: dict[int, int]) -> bool:
    """
    Stop who is not held yet; whether there was anybody.
    """
    found = {pid: _open(pid) for pid in _tools(init, tool) if pid not in held}
    still = set(_tools(init, tool)) if found else set()
    stopped = False
    for pid, descriptor in found.items():
        if descriptor < 0:
            continue
        if pid not in still or _is_stopped(pid) or not _send(descriptor, signal.SIGSTOP):
            os.close(descriptor)
            continue
        held[pid] = descriptor
        stopped = True
    return stopped


def _tools(init: int, tool: int) -> Iterator[int]:
    """
    The cell's processes without its init, which a bare cell does not have.
    """
    return (pid for pid in process_tree.tree(*{init, tool}) if pid != init or init == tool)


def _open(pid: int) -> int:
    """
    A descriptor of a process; -1: it has ended.
    """
    with contextlib.suppress(OSError):
        return os.pidfd_open(pid)
    return -1


def _is_stopped(pid: int) -> bool:
    with contextlib.suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        return stat.rpartition(b")")[2].split()[0] in _STOPPED
    return True


def _send(descriptor: int, number: signal.Signals) -> bool:
    with contextlib.suppress(OSError):  # it has ended
        signal.pidfd_send_signal(descriptor, number)
        return True
    return False
