"""
The cell's init: process 1 of its pid namespace, and nothing more.

Process 1 is special (pid_namespaces(7)): it ignores signals that it has no handler for, orphans
become its children, and when it dies the kernel kills every process of the namespace.  The tool
must therefore be another process, or its own SIGTERM, abort or stack overflow would be misreported;
and the server ends a cell, whatever runs in it, by killing its init.

The init runs none of the tool's code, holds no descriptor, and has another identity than the tool.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, NoReturn

from toolcell_worker import syscalls
from toolcell_worker.walls import privileges, seccomp

if TYPE_CHECKING:
    from toolcell_worker.walls.resources import Group


def live(program: bytes, group: Group | None = None) -> NoReturn:
    """
    Reap orphans until we are killed.  `program` is the init's own seccomp filter, `group` the
    cell's control group.
    """
    try:
        if group is not None:
            group.join()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        os.setsid()
        syscalls.close_range(0)
        privileges.drop()
        seccomp.load(program)
        while True:
            _reap()
            signal.sigwait({signal.SIGCHLD})
    finally:
        # Without us there is no cell: the kernel kills the tool, and the server is told.
        os._exit(1)


def _reap() -> None:
    """
    Reap who has ended; their usage counts as the cell's only if somebody waits for them.
    """
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        return
