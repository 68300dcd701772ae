"""
The server's part in a cell's life, for tests that have no server: takes what the cell says, and
answers what its filter asks.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
from typing import TYPE_CHECKING, Self

from cells import SECONDS, drain
from toolcell_server.called import NAMES
from toolcell_worker.wire import Frame, notices

if TYPE_CHECKING:
    import socket

    from toolcell_worker.wire import Message


class Answering:
    """
    Reads the frames of one cell to their end, in a thread; every call that is asked about is
    refused.
    """

    def __init__(self, channel: socket.socket) -> None:
        self.frames: list[Message] = []
        self._channel = channel
        self._threads = [threading.Thread(target=self._read)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join(SECONDS)

    def _read(self) -> None:
        for message in drain(self._channel):
            self.frames.append(message)
            if message.kind == Frame.LISTENER:
                self._threads.append(threading.Thread(target=_refuse, args=message.descriptors))
                self._threads[-1].start()
                continue
            for descriptor in message.descriptors:
                os.close(descriptor)


def _refuse(listener: int) -> None:
    """
    Until every process of the filter is dead.
    """
    poller = select.poll()
    poller.register(listener, select.POLLIN)
    try:
        while all(event & select.POLLIN for _, event in poller.poll()):
            with contextlib.suppress(FileNotFoundError):  # it died while it waited
                if notice := notices.receive(listener):
                    ends = NAMES[notice.machine].get(notice.number) == "exit_group"
                    (notices.go_on if ends else notices.refuse)(listener, notice)
    finally:
        os.close(listener)
