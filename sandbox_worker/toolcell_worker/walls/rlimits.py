"""
The rlimits wall: what each process of a cell may use (getrlimit(2)), hard equal to soft.

They bound each process alone; the sum is the watchdog's, or a control group's.  RLIMIT_NPROC is
the exception: it counts all processes of a user, which is why each cell has an id, or a user
namespace, of its own; and it is not enforced for the host's root, which is why no cell has that id.
RLIMIT_CPU ends process 1 of a pid namespace only where soft and hard meet: it ignores SIGXCPU.

A cell has a lower priority than whoever made it, and can have no higher one again: a tool that
burns all it can get must not keep the server from ending it.
"""

from __future__ import annotations

import ctypes
import math
import os
import resource
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolcell_worker.steps import Steps
    from toolcell_worker.wire import CellGrant

# RLIMIT_NPROC counts threads too.  A library's thread pool is no fork bomb: the watchdog counts
# processes, and this is the ceiling for both.
THREADS_BESIDE_PROCESSES = 256
STACK_BYTES = 8 * 2**20  # the customary default; an unlimited one would change the memory layout
NICENESS = 5  # arbitrary; beyond the zygote's; two thirds less when both would run (sched(7))
MOST_NICE = 19
PENDING_SIGNALS = 1024  # arbitrary; queued signals and timers are kernel memory


def set_for(grant: CellGrant, baseline_bytes: int, *, alone: bool = True) -> None:
    """
    Set every limit but that on open descriptors.  `baseline_bytes` is the address space that the
    process starts with: the memory limit is what it may add.  `alone`: nobody else has this user
    id, so that the kernel's count of its processes is a cell's own.

    Raises:
        OSError, ValueError: a limit cannot be set.
    """
    for kind, value in _limits(grant, baseline_bytes, alone=alone):
        _set(kind, value)
    # What is under way in sockets counts for all processes of a user together, and whoever has a
    # lower limit than that cannot send a descriptor: another cell must not keep us from it.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.nice(NICENESS)


def _limits(grant: CellGrant, baseline_bytes: int, *, alone: bool) -> list[tuple[int, int]]:
    return [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_RTPRIO, 0),
        (resource.RLIMIT_NICE, 0),
        (resource.RLIMIT_SIGPENDING, PENDING_SIGNALS),
        (resource.RLIMIT_STACK, STACK_BYTES),
        (resource.RLIMIT_FSIZE, grant.file_size_bytes),
        (resource.RLIMIT_AS, baseline_bytes + grant.memory_bytes),
        # A backstop one second late, so that the watchdog names the limit first.
        (resource.RLIMIT_CPU, math.ceil(grant.cpu_seconds) + 1),
        *([(resource.RLIMIT_NPROC, grant.processes + THREADS_BESIDE_PROCESSES)] if alone else []),
    ]


def set_open_files(count: int) -> None:
    """
    Set the limit on open descriptors, last of all: what comes before sends descriptors.

    Raises:
        OSError, ValueError: it cannot be set.
    """
    _set(resource.RLIMIT_NOFILE, count)


def add_steps(steps: Steps, grant: CellGrant, baseline_bytes: int) -> None:
    """
    As `set_for`, as steps of a cell that is alone with its user id.
    """
    for kind, value in _limits(grant, baseline_bytes, alone=True):
        _add(steps, kind, _lowered(kind, value))
    _add(steps, resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    niceness = min(os.getpriority(os.PRIO_PROCESS, 0) + NICENESS, MOST_NICE)
    steps.call("setpriority", os.PRIO_PROCESS, 0, niceness)


def add_open_files(steps: Steps, count: int) -> None:
    """
    As `set_open_files`, as a step.
    """
    _add(steps, resource.RLIMIT_NOFILE, _lowered(resource.RLIMIT_NOFILE, count))


def _add(steps: Steps, kind: int, value: int) -> None:
    both = (ctypes.c_uint64 * 2)(value % 2**64, value % 2**64)  # struct rlimit64; -1 is no limit
    steps.call("prlimit64", 0, kind, both, None, what=f"limit {kind} to {value}")


def _set(kind: int, value: int) -> None:
    lowered = _lowered(kind, value)
    resource.setrlimit(kind, (lowered, lowered))


def _lowered(kind: int, value: int) -> int:
    """
    What the service itself was given is the ceiling; only root could raise it.
    """
    _, hard = resource.getrlimit(kind)
    return value if hard == resource.RLIM_INFINITY else min(value, hard)
