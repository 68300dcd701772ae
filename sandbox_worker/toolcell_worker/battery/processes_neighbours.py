"""
Attacks on other processes: to look into them, to take what they hold, to change what they may use.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
from typing import Any

from toolcell_worker.battery.overstaying import LIBC, child, say
from toolcell_worker.syscalls.door import call

PTRACE_ATTACH, PTRACE_DETACH, PTRACE_SEIZE = 16, 17, 0x4206  # linux/ptrace.h
READ_BYTES = 2**20
LOWERED = 17  # arbitrary; a limit that nobody has by chance


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def read_the_memory_of_the_neighbour(plan: dict[str, Any]) -> Any:
    """
    Its stack, where its arguments and its environment lie, by process_vm_readv.
    """
    buffer = ctypes.create_string_buffer(plan["length"])
    ours = _Vector(ctypes.addressof(buffer), plan["length"])
    theirs = _Vector(plan["address"], plan["length"])
    call("process_vm_readv", plan["sibling"], ours, 1, theirs, 1, 0)
    return buffer.raw.decode(errors="replace")


def open_the_memory_of_the_neighbour(plan: dict[str, Any]) -> Any:
    """
    The same as a file, and what else /proc tells of a process.
    """
    found = []
    for pid in (plan["sibling"], 1, os.getppid()):
        for name in ("mem", "environ", "cmdline", "auxv", "maps"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/{name}", "rb") as file:
                if name == "mem":
                    file.seek(plan["address"])
                    found.append(file.read(plan["length"]).decode(errors="replace"))
                else:
                    found.append(file.read(READ_BYTES).decode(errors="replace"))
    return found


def take_a_descriptor_of_the_neighbour(plan: dict[str, Any]) -> Any:
    """
    An open file of another process is open for us too, whatever its mode says.
    """
    taken = call("pidfd_getfd", os.pidfd_open(plan["sibling"]), plan["descriptor"], 0)
    return os.pread(taken, READ_BYTES, 0).decode(errors="replace")


def trace_the_neighbour(plan: dict[str, Any]) -> Any:
    """
    A tracer reads, writes and stops whom it traces.
    """
    ended: list[str] = []
    for request in (PTRACE_SEIZE, PTRACE_ATTACH):
        if LIBC.ptrace(request, plan["sibling"], None, None) == 0:
            say("reached: the neighbour is traced")
            with contextlib.suppress(OSError):
                LIBC.ptrace(PTRACE_DETACH, plan["sibling"], None, None)
            break
        ended.append(os.strerror(ctypes.get_errno()))
    return ended


def trace_its_own_child(_plan: dict[str, Any]) -> Any:
    """
    A child can be made to issue system calls that the filter has already let pass.
    """

    def be_traced() -> None:
        if LIBC.ptrace(0, 0, None, None) == 0:  # PTRACE_TRACEME
            say("reached: a child lets itself be traced")

    os.waitpid(child(be_traced), 0)


def limit_the_neighbour(plan: dict[str, Any]) -> Any:
    """
    Whoever may open no file any more answers nobody.
    """
    pid = plan["sibling"]
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (LOWERED, hard))
    return resource.prlimit(pid, resource.RLIMIT_NOFILE)


def raise_its_limits(plan: dict[str, Any]) -> Any:
    """
    A soft limit below the hard one is none, and with a privilege the hard one is none either.
    """
    for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC, resource.RLIMIT_AS):
        soft, hard = resource.getrlimit(kind)
        for wanted in (resource.RLIM_INFINITY, 2**20, hard):
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(kind, (wanted, max(wanted, hard)))
                soft = wanted
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (soft, resource.RLIM_INFINITY))
    return _open_as_many_as_possible(plan["descriptors"])


def _open_as_many_as_possible(wanted: int) -> int:
    held: list[int] = []
    with contextlib.suppress(OSError):
        while len(held) < wanted:
            held.append(os.open("/dev/null", os.O_RDONLY))
    for descriptor in held:
        os.close(descriptor)
    if len(held) == wanted:
        say(f"reached: {wanted} descriptors at once")
    return len(held)
