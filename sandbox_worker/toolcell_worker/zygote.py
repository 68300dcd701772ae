"""
The zygote: a warm, single-threaded parent that forks one cell per execution.

Theory of operation.  The server starts us as a program with a clean environment, one control
socket and nothing else.  We are two processes.  The outer one enters a user namespace and the
namespaces all cells share (mounts, an empty network), builds the template root, and then only
waits.  The inner one is process 1 of a pid namespace: it loads the bundle's tools, freezes its
heap, and serves SPAWN frames.  When it dies the kernel kills every cell; when the server dies the
control socket closes and PR_SET_PDEATHSIG ends both.

Where the host refuses namespaces, and the operator accepts that, we are one process in the host's
tree, and cells are *bare* (`start.Make`).  Started by root we keep what we need to give each cell
an id of its own, and no more.

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

from toolcell_worker import enclosing, syscalls, template, wire
from toolcell_worker.forking import Forking
from toolcell_worker.rooms import SIGKILL, Rooms
from toolcell_worker.spawning import Spawning
from toolcell_worker.surroundings import Surroundings
from toolcell_worker.walls import identity, landlock, listening, namespaces, privileges, seccomp
from toolcell_worker.walls.failure import SetupFailed, building
from toolcell_worker.wire import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_worker.start import Start
    from toolcell_worker.wire import Call, CellGrant

    Perform = Callable[[Call, int, CellGrant], int]
    Load = Callable[[Start], tuple[dict[str, object], Perform, bytes]]


# linux/capability.h: CAP_SETGID, CAP_SETUID and CAP_SETPCAP give a cell its id and empty its
# bounding set; CAP_DAC_READ_SEARCH loads tools from where only root may read.
IDENTITY_CAPABILITIES = 1 << 6 | 1 << 7 | 1 << 8
CAP_DAC_READ_SEARCH = 1 << 2


def run(control: socket.socket, start: Start, load: Load) -> int:
    """
    Be a zygote until the server closes the control socket.  `load` imports the bundle's tools:
    it is called in the inner process, in the template root.

    Returns:
        The exit code.
    """
    try:
        proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        built = enter(start, proc) if start.make.namespaces else stay(start)
        inner = os.fork() if start.make.namespaces else 0
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
        # Only Landlock could let a tool read it and not write.
        devices = [
            path for path in template.DEVICES if start.make.landlock or path != template.ZERO
        ]
        binds, links = template.gather(paths, tuple(devices))
    with building("identity"):
        identity.become_root()
        # Changing ids cleared it (prctl(2), PR_SET_PDEATHSIG).
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, SIGKILL)
    with building("mounts"):
        return template.build(binds, links, start.roots)


def stay(start: Start) -> template.Template:
    """
    Remain in the host's namespaces: nothing is built, and the template is the host's own paths.
    """
    paths = template.runtime_paths(start.path, start.runtime)
    if start.identity is not None:
        with building("privileges"):
            privileges.keep(IDENTITY_CAPABILITIES | CAP_DAC_READ_SEARCH, start.identity.first)
    return template.Template(runtime=tuple(paths), roots=start.roots)


def serve(
    control: socket.socket, start: Start, built: template.Template, proc: int, load: Load
) -> None:
    """
    Load the tools, say which, and fork a cell for each SPAWN.
    """
    try:
        catalogue, perform, rehearsed = load(start)
        around = _surroundings(start, built, proc, perform, rehearsed)
        host = _host(start, around)
    except SetupFailed as failure:
        wire.send_json(control, Frame.FAILED, failure.describe())
        return
    except Exception as exc:  # noqa: BLE001  # a bundle may fail in any way; the server must know
        failed = SetupFailed("", 0, f"{type(exc).__name__}: {exc}")
        wire.send_json(control, Frame.FAILED, failed.describe())
        return
    own_pids = os.open("self/ns/pid", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)
    wire.send_json(control, Frame.CATALOGUE, {**catalogue, "host": host})
    enclosing.get_ready_to_fork()
    gc.collect()
    # What is frozen is never looked at again, so that the collector, which tools need, can stay on.
    gc.freeze()
    rooms = Rooms(own_pids, proc, around.init_program)
    Spawning(control, Forking(control, around, rooms)).loop()


def _surroundings(
    start: Start, built: template.Template, proc: int, perform: Perform, rehearsed: bytes
) -> Surroundings:
    """
    What cells begin with; from here on we have no more privileges than forking them needs.
    """
    around = Surroundings(
        make=start.make,
        identity=start.identity,
        template=built,
        zygote=os.getpid(),
        groups=start.groups,
        proc=proc,
        outside=namespaces.numbers(proc),
        baseline_bytes=_address_space(proc),
        observed=start.observed and listening.available(),
        init_program=seccomp.init_program(),
        perform=perform,
        rehearsed=rehearsed,
    )
    seccomp.compile_all(bare=not start.make.namespaces, observed=around.observed)
    with building("seccomp"):
        seccomp.try_out(around.init_program)
    with building("privileges"):
        if start.make.namespaces or start.identity is not None:
            privileges.drop_bounding()
        if start.identity is not None and not start.make.namespaces:
            privileges.keep(IDENTITY_CAPABILITIES, start.identity.first)
    return around


def _host(start: Start, around: Surroundings) -> dict[str, object]:
    """
    What cells of ours cannot find out themselves, because their walls are in the way.

    Raises:
        SetupFailed: there is no Landlock.
    """
    with building("landlock"):
        abi = landlock.abi() if start.make.landlock else 0
    return {"landlock_abi": abi, "observed": around.observed}


def _address_space(proc: int) -> int:
    """
    Bytes of address space that a child of ours starts with.
    """
    descriptor = os.open("self/statm", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)
    with contextlib.closing(os.fdopen(descriptor)) as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _failed(failure: OSError) -> SetupFailed:
    return SetupFailed("processes", failure.errno or 0, str(failure))
