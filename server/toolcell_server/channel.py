"""
Frames over a socket, for asyncio.

A frame is read only when somebody waits for
it: a peer that floods us fills its own socket buffer and blocks.  The loop goes on looking at the
socket when somebody has been told, because most wait again at once; when nobody does, the next
thing that comes ends the looking.

A peer that may send descriptors can send its own end of this very pair, or of a pipe that somebody
reads to its end: then we hold it open ourselves, and the end never comes.  So who knows that the
peer is dead says so (`finish`), and does not wait for an end of file.
"""

from __future__ import annotations

import array
import asyncio
import socket
from typing import TYPE_CHECKING

from toolcell_worker.wire import (
    HEADER,
    MAXIMUM_DESCRIPTORS,
    MAXIMUM_FRAME_BYTES,
    PeerClosed,
)

from toolcell_server.framing import Framing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from toolcell_worker.wire import Message

# Arbitrary; thousands of frames may begin in one read, and to take them apart takes milliseconds.
READ_BYTES = 16 * 1024
CONTROL_BYTES = socket.CMSG_SPACE(MAXIMUM_DESCRIPTORS * 4)
CUT = int(socket.MSG_CTRUNC)  # its own type takes microseconds to compare
READS_IN_A_ROW = 32  # arbitrary; a call of an honest tool takes a few
FRAMES_IN_A_ROW = 64  # arbitrary; who takes them may have nothing to wait for in between


class Channel:
    """
    One end of a socket pair that carries frames.  Closing it closes descriptors not yet taken.
    """

    def __init__(self, end: socket.socket, maximum: int = MAXIMUM_FRAME_BYTES) -> None:
        end.setblocking(False)
        self._socket = end
        self._framing = Framing(maximum)
        self._reads = 0
        self._taken = 0
        self._finished = False
        self._sending = asyncio.Lock()
        self._waiting: asyncio.Future[None] | None = None
        self._listener: Callable[[], None] | None = None
        self._watching: asyncio.AbstractEventLoop | None = None  # that looks at our socket

    async def send(self, kind: int, payload: bytes = b"", descriptors: Sequence[int] = ()) -> None:
        """
        Send one frame.

        Raises:
            OSError: the peer is gone.
        """
        async with self._sending:
            data = HEADER.pack(kind, len(payload)) + payload
            rights = array.array("i", descriptors)
            control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if descriptors else []
            try:
                sent = self._socket.sendmsg([data], control)
            except BlockingIOError:
                await self._writable()
                sent = self._socket.sendmsg([data], control)
            if sent < len(data):
                loop = asyncio.get_running_loop()
                await loop.sock_sendall(self._socket, memoryview(data)[sent:])

    def send_at_once(self, kind: int, payload: bytes) -> bytes:
        """
        Send as much of a frame as there is room for; what is left, for `send_rest`.

        Raises:
            OSError: the peer is gone.
        """
        data = HEADER.pack(kind, len(payload)) + payload
        try:
            return data[self._socket.send(data) :]
        except BlockingIOError:
            return data

    async def send_rest(self, data: bytes) -> None:
        """
        Raises:
            OSError: the peer is gone.
        """
        await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def receive(self) -> Message:
        """
        The next frame.  One waiter at a time.

        Raises:
            PeerClosed: the peer closed its end.
            ProtocolError: what came is not a frame, or too large a one.
        """
        while not self._framing.pending:
            if self._framing.broken is not None:
                raise self._framing.broken
            try:
                self._read()
                self._reads += 1
                if self._reads % READS_IN_A_ROW == 0:
                    # A peer that always has more must not keep the loop from everybody else.
                    await asyncio.sleep(0)
            except BlockingIOError:
                if self._finished:
                    raise PeerClosed from None
                await self._readable()
            except ConnectionResetError as exc:
                raise PeerClosed from exc
        self._taken += 1
        if self._taken % FRAMES_IN_A_ROW == 0:
            await asyncio.sleep(0)
        return self._framing.pending.popleft()

    def take(self) -> Message | None:
        """
        The next frame if it is here: for whoever is called back (`listen`) and does not wait.  It
        reads once at most, so nothing means that there may be more.

        Raises:
            PeerClosed: the peer closed its end, or is dead (`finish`) and nothing is left.
            ProtocolError: what came is not a frame, or too large a one.
        """
        if not self._framing.pending:
            if self._framing.broken is not None:
                raise self._framing.broken
            try:
                self._read()
            except BlockingIOError:
                if self._finished:
                    raise PeerClosed from None
            except ConnectionResetError as exc:
                raise PeerClosed from exc
        return self._framing.pending.popleft() if self._framing.pending else None

    def listen(self, listener: Callable[[], None]) -> None:
        """
        Call `listener` whenever there is something to read.
        """
        self._listener = listener
        self._watch()

    def ignore(self) -> None:
        """
        Call nobody: what comes stays in the socket.
        """
        self._listener = None

    def refuse_descriptors(self) -> None:
        """
        From now on a descriptor that comes breaks the channel, and so does one that came with the
        beginning of a frame.
        """
        self._framing.refuse_descriptors()

    def finish(self) -> None:
        """
        The peer is dead: what is not here by now never comes.
        """
        self._finished = True
        if self._waiting is not None:
            _wake(self._waiting)

    def close(self) -> None:
        """
        Close the socket and every descriptor that nobody took.
        """
        self._unwatch()
        self._listener = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(PeerClosed())
        self._framing.close()
        self._socket.close()

    def _read(self) -> None:
        if self._socket.fileno() < 0:
            raise PeerClosed
        data, ancillary, flags, _ = self._socket.recvmsg(
            READ_BYTES, CONTROL_BYTES, socket.MSG_CMSG_CLOEXEC
        )
        came: list[int] = []
        for level, kind, rights in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                came += array.array("i", rights[: len(rights) // 4 * 4])
        if not data:
            raise PeerClosed
        self._framing.feed(data, came, cut=bool(flags & CUT))

    async def _readable(self) -> None:
        self._waiting = asyncio.get_running_loop().create_future()
        self._watch()
        try:
            await self._waiting
        finally:
            self._waiting = None

    def _watch(self) -> None:
        if self._watching is None:
            self._watching = asyncio.get_running_loop()
            self._watching.add_reader(self._socket.fileno(), self._came)

    def _unwatch(self) -> None:
        if self._watching is not None and not self._watching.is_closed():
            self._watching.remove_reader(self._socket.fileno())
        self._watching = None

    def _came(self) -> None:
        if self._listener is not None:
            self._listener()
        elif self._waiting is not None:
            _wake(self._waiting)
        else:
            self._unwatch()

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        loop.add_writer(self._socket.fileno(), _wake, ready)
        try:
            await ready
        finally:
            loop.remove_writer(self._socket.fileno())


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
