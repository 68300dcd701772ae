"""
The zygote: a warm, single-threaded parent that forks one cell per execution.

Theory of operation.  The server starts us as a program with a clean environment, one control
socket and nothing else.  We are two processes.  The outer one enters a user namespace and the
namespaces all cells share (mounts, an empty network), builds the template root, and then only
waits.  The inner one is process 1 of a pid namespace: it loads the bundle's tools, freezes its
heap, and serves SPAWN frames.  When it dies the kernel kills every cell; when the server dies the
control socket closes and PR_SET_PDEATHSIG ends both.

One thread only: a fork copies just the forking thread, and unshare(CLONE_NEWUSER) refuses a
process that has more.  Hence nothing here may import what starts threads.

Tried and dropped: multiprocessing's forkserver (pickles what comes from the child), a fresh
interpreter per call (imports every time), one zygote for all bundles (its memory is readable by
every child).
"""

from __future__ import annotations

import contextlib
import gc
import os
import socket
from typing import TYPE_CHECKING

from toolcell_worker import cell, syscalls, template, wire
from toolcell_worker.spawning import SIGKILL, Spawning
from toolcell_worker.walls import identity, namespaces, privileges, seccomp
from toolcell_worker.walls.failure import SetupFailed, building
from toolcell_worker.wire import Frame, Profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_worker.start import Start
    from toolcell_worker.wire import CellGrant

    Perform = Callable[[bytes, socket.socket, CellGrant], int]
    Load = Callable[[Start], tuple[dict[str, object], Perform]]


def run(control: socket.socket, start: Start, load: Load) -> int:
    """
    Be a zygote until the server closes the control socket.  `load` imports the bundle's tools:
    it is called in the inner process, in the template root.

    Returns:
        The exit code.
    """
    try:
        proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        built = enter(start, proc)
        inner = os.fork()
    except (SetupFailed, OSError) as failure:
        failed = failure if isinstance(failure, SetupFailed) else _failed(failure)
        wire.send_json(control, Frame.FAILED, failed.describe())
        return 1
    if inner != 0:
        control.close()
        _, status = os.waitpid(inner, 0)
        return os.waitstatus_to_exitcode(status) & 0xFF
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, SIGKILL)
    serve(control, start, built, proc, load)
    return 0


def enter(start: Start, proc: int) -> template.Template:
    """
    Enter the namespaces that all cells share, and build the template.
    """
    outside = namespaces.numbers(proc)
    further = syscalls.CLONE_NEWNS | syscalls.CLONE_NEWNET | syscalls.CLONE_NEWPID
    with building("identity"):
        identity.enter_namespace(start.identity, further)
        namespaces.verify("user", proc, outside)
    with building("network"):
        namespaces.verify("net", proc, outside)
        if socket.if_nameindex() != [(1, "lo")]:
            raise OSError(0, f"the empty network holds {socket.if_nameindex()}")
    with building("mounts"):
        paths = template.runtime_paths(start.path, start.runtime)
        binds, links = template.gather(paths)
    with building("identity"):
        identity.become_root()
        # Changing ids cleared it (prctl(2), PR_SET_PDEATHSIG).
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, SIGKILL)
    with building("mounts"):
        return template.build(binds, links, start.roots)


def serve(
    control: socket.socket, start: Start, built: template.Template, proc: int, load: Load
) -> None:
    """
    Load the tools, say which, and fork a cell for each SPAWN.
    """
    try:
        catalogue, perform = load(start)
    except Exception as exc:  # noqa: BLE001  # a bundle may fail in any way; the server must know
        failure = SetupFailed("", 0, f"{type(exc).__name__}: {exc}")
        wire.send_json(control, Frame.FAILED, failure.describe())
        return
    around = cell.Surroundings(
        template=built,
        ranged=start.identity is not None,
        proc=proc,
        outside=namespaces.numbers(proc),
        baseline_bytes=_address_space(proc),
        programs={(p, n): seccomp.program(p, network=n) for p in Profile for n in (False, True)},
        init_program=seccomp.init_program(),
        perform=perform,
    )
    privileges.drop_bounding()
    own_pids = os.open("self/ns/pid", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)
    wire.send_json(control, Frame.CATALOGUE, catalogue)
    gc.collect()
    gc.freeze()
    gc.disable()
    Spawning(control, around, own_pids).loop()


def _address_space(proc: int) -> int:
    """
    Bytes of address space that a child of ours starts with.
    """
    descriptor = os.open("self/statm", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)
    with contextlib.closing(os.fdopen(descriptor)) as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _failed(failure: OSError) -> SetupFailed:
    return SetupFailed("processes", failure.errno or 0, str(failure))
