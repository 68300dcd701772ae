"""
The cell: builds its own walls around itself, then runs the tool, then is gone.

Theory of operation.  The zygote forks us into a room (`rooms.py`): a pid namespace with an init
(`init.py`).  Nothing that a caller controls is interpreted before the last wall is up: the grant is
a fixed binary frame of the server's, and the call with its arguments is read after seccomp.  READY,
said then, is the last frame that is ours alone; whatever follows it on the cell channel is the word
of the tool.

There are two lives.  A *spare* builds what does not depend on the call (`prepare`), and waits for
the grant: what a call was granted is behind two walls, mounts and Landlock, which only stand once
it is known.  Where nothing in the grant is one call's own, a cell is *whole* before there is a
call: it has its grant from the beginning, builds every wall, and waits for the call alone.

Which walls there are, and in which order, `enclosing.py` says.  One that cannot be built is
reported on the cell channel and the process exits.  Whatever happens, it never returns into code
of the zygote: it ends by `os._exit`, after one call.
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING, NoReturn

from toolcell_worker import enclosing, wire
from toolcell_worker.surroundings import Channels
from toolcell_worker.walls.failure import SetupFailed, building
from toolcell_worker.wire import Call, CellGrant, Frame

if TYPE_CHECKING:
    from toolcell_worker.surroundings import Surroundings
    from toolcell_worker.whole import WholeWalls

SETUP_FAILED_EXIT = 126  # arbitrary; the SETUP_FAILED frame says why
CRASHED_EXIT = 125  # arbitrary; no RESULT and no RAISED could be sent
READY = wire.HEADER.pack(Frame.READY, 0)
# Of a call: names, ids and what a carrier is told, all of which the server has bounded.
BESIDE_ARGUMENTS = 192 * 1024


def wait_for_grant(
    control: socket.socket, handoff: socket.socket, around: Surroundings
) -> NoReturn:
    """
    Be one spare, from its first wall to its end.  The descriptors come over `handoff`, the grant
    over the cell channel: what passes through the zygote's memory, every later cell inherits.
    """
    code = SETUP_FAILED_EXIT
    try:
        # First of all: who holds the zygote's control socket can ask for cells.
        control.close()
        if not around.make.namespaces:
            # Not a part of `prepare`, whose failures wait for a grant: an orphan would wait for
            # ever, because it holds both ends of its handoff.
            enclosing.bind_to(around.zygote)
        failure = _prepared(around)
        message = wire.receive(handoff)
        _, slot = wire.SPAWNING.unpack(message.payload)
        channels = Channels.of(slot, message.descriptors)
        channel = socket.socket(fileno=channels.cell)
        if failure is None:
            grant = CellGrant.unpack(wire.receive(channel).payload)
            code = _serve(grant, channels, around, channel)
        else:
            wire.send_json(channel, Frame.SETUP_FAILED, failure.describe())
    finally:
        os._exit(code)


def wait_for_call(walls: WholeWalls, around: Surroundings) -> NoReturn:
    """
    Be one whole cell, from its first wall to its end.  The zygote's descriptors are closed among
    the walls.
    """
    grant = walls.grant
    code = SETUP_FAILED_EXIT
    try:
        try:
            with building("environment"):
                enclosing.become_another()  # by descriptors that the walls then close
            if around.group is not None or grant.network:
                _prepare_alone(grant, walls.channel, around)
            walls.build()
        except SetupFailed as failed:
            descriptor = enclosing.CHANNEL if walls.placed else walls.channel
            channel = socket.socket(fileno=descriptor)
            wire.send_json(channel, Frame.SETUP_FAILED, failed.describe())
        else:
            code = CRASHED_EXIT
            _rehearse(walls.rehearsing, around)
            code = _perform(grant, enclosing.CHANNEL, enclosing.CHANNEL, around)
    finally:
        os._exit(code)


def _prepare_alone(grant: CellGrant, descriptor: int, around: Surroundings) -> None:
    """
    What no steps are prepared for.
    """
    if around.group is not None:
        with building("resources"):
            around.group.join()
            around.group.limit(grant)
    if grant.network:
        with building("network"), socket.socket(fileno=os.dup(descriptor)) as channel:
            enclosing.prepare_network(grant, around, channel)


def _serve(
    grant: CellGrant, channels: Channels, around: Surroundings, channel: socket.socket
) -> int:
    """
    The exit code.  Whoever serves nobody, because its server has let go of it, just ends.
    """
    try:
        channel = enclosing.enclose(grant, channels, around, channel)
    except SetupFailed as failed:
        wire.send_json(_open_channel(channel), Frame.SETUP_FAILED, failed.describe())
        return SETUP_FAILED_EXIT
    code = CRASHED_EXIT
    try:
        code = _perform(grant, channel.fileno(), channel.fileno(), around)
    finally:
        os._exit(code)


def _perform(grant: CellGrant, source: int, sink: int, around: Surroundings) -> int:
    """
    READY is said when a call comes: before, an ending of ours cannot have been the tool's, and
    another cell can serve the call; from then on it is the call that there may be no memory for.
    """
    begun = os.read(source, wire.HEADER.size)
    if begun:
        os.write(sink, READY)
    payload = wire.read(source, Frame.CALL, grant.arguments_bytes + BESIDE_ARGUMENTS, begun)
    return around.perform(Call.unpack(payload), sink, grant)


def _rehearse(grant: CellGrant, around: Surroundings) -> None:
    """
    Do once what we shall do when there is a call (`rehearsal.py`).
    """
    try:
        source, sink = os.pipe()
    except OSError:  # so few descriptors that a call may do without
        return
    try:
        with contextlib.suppress(Exception):  # so little memory that a call may do without
            os.write(sink, around.rehearsed)
            _perform(grant, source, sink, around)
    finally:
        os.close(source)
        os.close(sink)


def _prepared(around: Surroundings) -> SetupFailed | None:
    """
    A failure of `prepare` waits for whom it concerns.
    """
    try:
        enclosing.prepare(around)
    except SetupFailed as failure:
        return failure
    return None


def _open_channel(channel: socket.socket) -> socket.socket:
    """
    The cell channel, wherever it lies by now: a wall that fails late is named, too.
    """
    return channel if channel.fileno() >= 0 else socket.socket(fileno=enclosing.CHANNEL)
