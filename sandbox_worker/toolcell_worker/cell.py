"""
The cell: builds its own walls around itself, then runs the tool, then is gone.

Theory of operation.  The zygote forks two processes into a new pid namespace: the init (`init.py`)
and us.  What does not depend on the call is built before there is one (`prepare`), so that a call
does not wait for it; then we wait for the grant.  Nothing that a caller controls is interpreted
before the last wall is up: the grant is a fixed binary frame of the server's, and the arguments
are read after seccomp.  READY is the last frame that is ours alone; whatever follows it on the
cell channel is the word of the tool.

`enclose` is the list of walls, outermost first.  There is no path on which one is skipped: a wall
that cannot be built is reported on the cell channel and the process exits.  Whatever happens, it
never returns into code of the zygote: it ends by `os._exit`, after one call.
"""

from __future__ import annotations

import gc
import io
import os
import random
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Self

from toolcell_worker import wire
from toolcell_worker.template import DEVICES
from toolcell_worker.walls import (
    descriptors,
    environment,
    identity,
    landlock,
    mounts,
    namespaces,
    privileges,
    rlimits,
    seccomp,
)
from toolcell_worker.walls.failure import SetupFailed, building
from toolcell_worker.wire import Access, CellGrant, Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from toolcell_worker.template import Template

HOSTNAME = "cell"
FIXED = 3  # descriptors that come with every SPAWN
CHANNEL = 3  # where the cell channel lies, beside the three standard descriptors
SETUP_FAILED_EXIT = 126  # arbitrary; the SETUP_FAILED frame says why
CRASHED_EXIT = 125  # arbitrary; no RESULT and no RAISED could be sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """
    What a cell inherits from its zygote.  `proc` is a descriptor of a /proc in which the cell is
    visible; `outside` the inodes of the zygote's namespaces; `baseline_bytes` the address space of
    the zygote; `perform` runs the tool: `(arguments, channel, grant) -> exit code`.
    """

    template: Template
    ranged: bool
    proc: int
    outside: dict[str, int]
    baseline_bytes: int
    programs: dict[tuple[wire.Profile, bool], bytes]
    init_program: bytes
    perform: Callable[[bytes, socket.socket, CellGrant], int]


@dataclass(frozen=True, slots=True)
class Channels:
    """
    Descriptors that came with a SPAWN, in its order.
    """

    cell: int
    stdout: int
    stderr: int
    trees: Sequence[int]

    @classmethod
    def of(cls, given: Sequence[int]) -> Self:
        """
        Raises:
            ValueError: fewer came than every cell has.
        """
        if len(given) < FIXED:
            raise ValueError(f"{len(given)} descriptors came with a SPAWN")
        cell, stdout, stderr = given[:FIXED]
        return cls(cell, stdout, stderr, given[FIXED:])


def live(handoff: socket.socket, around: Surroundings) -> NoReturn:
    """
    Be one cell, from its first wall to its end.  The descriptors come over `handoff`, the grant
    over the cell channel: what passes through the zygote's memory, every later cell inherits.
    """
    code = SETUP_FAILED_EXIT
    try:
        failure = _prepared(around)
        message = wire.receive(handoff)
        channels = Channels.of(message.descriptors)
        channel = socket.socket(fileno=channels.cell)
        try:
            if failure is not None:
                raise failure
            grant = CellGrant.unpack(wire.receive(channel).payload)
            channel = enclose(grant, channels, around, channel)
        except SetupFailed as failed:
            wire.send_json(channel, Frame.SETUP_FAILED, failed.describe())
        else:
            code = CRASHED_EXIT
            wire.send(channel, Frame.READY)
            arguments = wire.receive(channel, grant.arguments_bytes).payload
            code = around.perform(arguments, channel, grant)
    finally:
        os._exit(code)


def _prepared(around: Surroundings) -> SetupFailed | None:
    """
    A failure of `prepare` waits for the call that it ends.
    """
    try:
        prepare(around)
    except SetupFailed as failure:
        return failure
    return None


def prepare(around: Surroundings) -> None:
    """
    The walls that are the same for every call.
    """
    proc, outside = around.proc, around.outside
    with building("processes"):
        namespaces.verify("pid", proc, outside)
        os.setsid()
    with building("mounts"):
        namespaces.enter("mnt", proc, outside)
        mounts.prepare(around.template)
    with building("ipc"):
        namespaces.enter("ipc", proc, outside)
    with building("hostname"):
        namespaces.enter("uts", proc, outside)
        socket.sethostname(HOSTNAME)
    with building("environment"):
        _refresh_interpreter()


def enclose(
    grant: CellGrant, channels: Channels, around: Surroundings, channel: socket.socket
) -> socket.socket:
    """
    The walls that depend on the call, outermost first.  None is skipped.

    Returns:
        The cell channel, at its final descriptor.
    """
    with building("mounts"):
        # In the zygote's namespace: a slot's own id, or the only id there is.
        owner = identity.cell_id(grant.slot) if around.ranged else 0
        mounts.build(grant, channels.trees, around.template, owner)
        _hand_out_staging(grant, channel)
    with building("identity"):
        identity.assume(grant.slot, ranged=around.ranged, proc=around.proc)
    with building("privileges"):
        if not around.ranged:
            privileges.drop_bounding()
        privileges.drop()
    with building("landlock"):
        landlock.restrict(landlock_rules(grant, around.template))
    with building("environment"):
        environment.declare(dict(grant.environment))
        os.chdir("/tmp")  # noqa: S108  # private to this cell
    with building("descriptors"):
        channel = _place_descriptors(channels, channel)
    with building("rlimits"):
        rlimits.set_for(grant, around.baseline_bytes)
    with building("seccomp"):
        seccomp.load(around.programs[grant.profile, grant.network])
    return channel


def landlock_rules(grant: CellGrant, template: Template) -> list[tuple[str, landlock.Access]]:
    """
    The second lock on what the mounts wall shows: runtime to read and run, scratch to write,
    grants as granted.
    """
    rules = [(path, landlock.RUNTIME) for path in template.runtime if not path.startswith("/etc/")]
    rules += [(path, landlock.DEVICE) for path in DEVICES]
    rules += [("/etc", landlock.READ), ("/tmp", landlock.SCRATCH), ("/dev/shm", landlock.SCRATCH)]  # noqa: S108  # private to this cell
    for mount in grant.mounts:
        # One that was removed after admission is not there (walls/mounts.py).
        there = mount.given and os.path.lexists(mount.path)
        if there and mount.access is not Access.STAGED:
            write = mount.access is Access.WRITE
            rules.append((mount.path, landlock.WRITE if write else landlock.READ))
    rules += [(folder, landlock.SCRATCH) for folder in mounts.staging_folders(grant)]
    return rules


def _hand_out_staging(grant: CellGrant, channel: socket.socket) -> None:
    """
    Give the server the folders in which files are staged: when the cell is dead, it looks there.
    """
    folders = mounts.staging_folders(grant)
    if not folders:
        return
    opened = tuple(os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in folders)
    wire.send_json(channel, Frame.STAGING, {"folders": folders}, opened)
    for descriptor in opened:
        os.close(descriptor)


def _place_descriptors(channels: Channels, channel: socket.socket) -> socket.socket:
    null = os.open("/dev/null", os.O_RDONLY)
    channel.detach()
    descriptors.place({0: null, 1: channels.stdout, 2: channels.stderr, CHANNEL: channels.cell})
    return socket.socket(fileno=CHANNEL)


def _refresh_interpreter() -> None:
    """
    What a fork leaves stale: the collector is off in the zygote, seeds are shared, and the
    standard streams buffer as if nobody were watching.
    """
    gc.enable()
    random.seed()
    if numpy_random := sys.modules.get("numpy.random"):
        numpy_random.seed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
