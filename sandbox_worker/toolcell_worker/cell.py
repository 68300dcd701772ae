"""
The cell: builds its own walls around itself, then runs the tool, then is gone.

Theory of operation.  The zygote forks two processes into a new pid namespace: the init (`init.py`)
and us.  What does not depend on the call is built before there is one (`prepare`), so that a call
does not wait for it; then we wait for the grant.  Nothing that a caller controls is interpreted
before the last wall is up: the grant is a fixed binary frame of the server's, and the arguments
are read after seccomp.  READY is the last frame that is ours alone; whatever follows it on the
cell channel is the word of the tool.

Which walls there are, and in which order, `enclosing.py` says.  One that cannot be built is
reported on the cell channel and the process exits.  Whatever happens, it never returns into code
of the zygote: it ends by `os._exit`, after one call.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, NoReturn

from toolcell_worker import enclosing, wire
from toolcell_worker.surroundings import Channels
from toolcell_worker.walls.failure import SetupFailed
from toolcell_worker.wire import CellGrant, Frame

if TYPE_CHECKING:
    from toolcell_worker.surroundings import Surroundings

SETUP_FAILED_EXIT = 126  # arbitrary; the SETUP_FAILED frame says why
CRASHED_EXIT = 125  # arbitrary; no RESULT and no RAISED could be sent


def live(handoff: socket.socket, around: Surroundings) -> NoReturn:
    """
    Be one cell, from its first wall to its end.  The descriptors come over `handoff`, the grant
    over the cell channel: what passes through the zygote's memory, every later cell inherits.
    """
    code = SETUP_FAILED_EXIT
    try:
        if not around.make.namespaces:
            # Not a part of `prepare`, whose failures wait for a grant: an orphan would wait for
            # ever, because it holds both ends of its handoff.
            enclosing.bind_to(around.zygote)
        failure = _prepared(around)
        message = wire.receive(handoff)
        channels = Channels.of(message.descriptors)
        channel = socket.socket(fileno=channels.cell)
        try:
            if failure is not None:
                raise failure
            grant = CellGrant.unpack(wire.receive(channel).payload)
            channel = enclosing.enclose(grant, channels, around, channel)
        except SetupFailed as failed:
            wire.send_json(_open_channel(channel), Frame.SETUP_FAILED, failed.describe())
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
        enclosing.prepare(around)
    except SetupFailed as failure:
        return failure
    return None


def _open_channel(channel: socket.socket) -> socket.socket:
    """
    The cell channel, wherever it lies by now: a wall that fails late is named, too.
    """
    return channel if channel.fileno() >= 0 else socket.socket(fileno=enclosing.CHANNEL)
