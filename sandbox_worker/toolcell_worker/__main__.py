"""
The programs of this room: `python -I -m toolcell_worker zygote | keeper DESCRIPTOR`, and for
people `… run` (one tool in one real cell) and `… doctor`.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import sys

from toolcell_worker import syscalls, wire
from toolcell_worker.start import Start
from toolcell_worker.wire import Frame

SIGKILL = 9


def main(arguments: list[str]) -> int:
    """
    Run one program; its exit code.
    """
    match arguments:
        case ["zygote" | "keeper" as program, descriptor]:
            return _serve(program, int(descriptor))
        case _:
            sys.stderr.write("usage: python -m toolcell_worker zygote|keeper DESCRIPTOR\n")
            return 2


def _serve(program: str, descriptor: int) -> int:
    # The server must not outlive us, nor we it; it may have died before this took effect, and
    # then the channel is closed.
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to handle: it drains
    os.umask(0o022)
    channel = socket.socket(fileno=descriptor)
    try:
        message = wire.receive(channel)
        if message.kind != Frame.START:
            raise wire.ProtocolError(f"frame {message.kind} came before START")
        start = Start.parse(message.json())
        if message.descriptors:
            start = dataclasses.replace(start, groups=message.descriptors[0])
    except wire.PeerClosed:
        return 0
    if program == "keeper":
        from toolcell_worker import keeper  # the zygote has no use for it

        return keeper.run(channel, start)
    from toolcell_worker import loading, zygote  # the keeper has no use for them

    return zygote.run(channel, start, loading.load)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
