"""
The server's handle of one zygote: asks for cells, hears of their end, notices its death.

Theory of operation.  SPAWN is answered by SPAWNED or NOT_SPAWNED, and every spawned cell is one
day REAPED; all of them name the cell's number.  When the zygote dies its control socket closes,
the kernel kills every cell of it (it is process 1 of their outer pid namespace), and whoever waits
for an answer or an end gets `ZygoteDied`.  A dead zygote is never revived; the pool starts another.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from toolcell_worker.wire import NUMBER, SPAWNING, Frame, Message, PeerClosed, ProtocolError

from toolcell_server import program
from toolcell_server.cells import Cell, Reaping
from toolcell_server.zygote_group import NotAdmitted

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

    from toolcell_server.channel import Channel
    from toolcell_server.zygote_group import ZygoteGroup


class ZygoteDied(Exception):  # noqa: N818  # names what happened
    """
    Raised when the zygote is gone, and with it the cell.
    """

    def __init__(self) -> None:
        super().__init__("the zygote died")


class ZygoteFailed(Exception):  # noqa: N818  # names what happened
    """
    Raised when a zygote could not start, or a cell not be forked; says which wall, if one.
    """

    def __init__(self, wall: str, errno: int, detail: str) -> None:
        super().__init__(detail)
        self.wall = wall
        self.errno = errno

    @classmethod
    def from_frame(cls, value: Any) -> Self:
        return cls(
            str(value.get("wall", "")), int(value.get("errno", 0)), str(value.get("detail", ""))
        )


@dataclass(slots=True, eq=False)
class Zygote:
    """
    A running zygote of one bundle.
    """

    process: subprocess.Popen[bytes]
    control: Channel
    catalogue: dict[str, Any]
    group: ZygoteGroup | None = None
    died: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: int = 0
    _spawning: dict[int, asyncio.Future[Cell]] = field(default_factory=dict)
    _running: dict[int, Cell] = field(default_factory=dict)
    _listener: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls,
        instructions: dict[str, Any],
        python: str,
        seconds: float,
        group: ZygoteGroup | None = None,
    ) -> Self:
        """
        Start a zygote and wait until its tools are loaded.  Its control group stays the caller's
        to remove until it has started.

        Raises:
            ZygoteFailed: it could not build a wall, load the bundle, or did not in `seconds`.
        """
        try:
            process, control = program.start("zygote", instructions, python, group)
        except NotAdmitted as exc:
            raise ZygoteFailed("resources", exc.errno, str(exc)) from exc
        except OSError as exc:
            raise ZygoteFailed("", exc.errno or 0, f"{python}: {exc.strerror}") from exc
        try:
            async with asyncio.timeout(seconds):
                message = await control.receive()
            said = _object(message)
            if message.kind != Frame.CATALOGUE:
                raise ZygoteFailed.from_frame(said)  # noqa: TRY301  # is closed as the rest
        except PeerClosed as exc:
            control.close()
            raise ZygoteFailed("", 0, await program.why_it_ended(process, python)) from exc
        except BaseException as exc:  # cancelled, for one: the server ends
            program.kill(process)
            control.close()
            if isinstance(exc, TimeoutError):
                raise ZygoteFailed("", 0, f"the bundle did not load in {seconds:g} s") from exc
            if isinstance(exc, ProtocolError):
                raise ZygoteFailed("", 0, f"it broke the protocol: {exc}") from exc
            raise
        self = cls(process, control, said, group)
        self._listener = asyncio.create_task(self._listen())
        return self

    async def spawn(self, slot: int, descriptors: Sequence[int], grant: bytes = b"") -> Cell:
        """
        Fork a cell with the identity of a slot.  `descriptors` stay the caller's to close; with a
        packed grant it is whole, and waits for its call, otherwise for its grant.

        Raises:
            ZygoteDied: the zygote is gone.
            ZygoteFailed: it could not fork.
        """
        if self.died.is_set():
            raise ZygoteDied
        self._numbers = number = self._numbers + 1
        answer: asyncio.Future[Cell] = asyncio.get_running_loop().create_future()
        self._spawning[number] = answer
        try:
            spawning = SPAWNING.pack(number, slot) + grant
            await self.control.send(Frame.SPAWN, spawning, descriptors)
        except OSError as exc:
            self._spawning.pop(number, None)
            raise ZygoteDied from exc
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            # The cell comes nevertheless, and nobody will want it.
            answer.add_done_callback(_discard)
            raise

    def close(self) -> None:
        """
        End the zygote; the kernel ends its cells.
        """
        self.process.kill()
        self.control.close()

    async def wait_closed(self) -> None:
        """
        Wait until the zygote is reaped and everybody who waited for it was told.
        """
        if self._listener is not None:
            await asyncio.gather(self._listener, return_exceptions=True)

    async def _listen(self) -> None:
        try:
            while True:
                self._take(await self.control.receive())
        except (PeerClosed, ProtocolError, OSError):
            pass
        finally:
            self._bury()
            await asyncio.to_thread(self.process.wait)
            if self.group is not None:
                await asyncio.to_thread(self.group.remove)

    def _take(self, message: Message) -> None:
        match message.kind:
            case Frame.SPAWNED:
                self._spawned(message)
            case Frame.NOT_SPAWNED:
                value = message.json()
                answer = self._spawning.pop(value["number"])
                answer.set_exception(ZygoteFailed.from_frame(value))
            case Frame.REAPED:
                (number,) = NUMBER.unpack_from(message.payload)
                cell = self._running.pop(number)
                cell.reaped.set_result(Reaping.of(message.payload))
            case _:
                raise ProtocolError(f"frame {message.kind} from a zygote")

    def _spawned(self, message: Message) -> None:
        (number,) = NUMBER.unpack_from(message.payload)
        name = message.payload[NUMBER.size :].decode("ascii", "replace")
        group = self.group.of_cell(name) if self.group else None
        pidfd, *tool_pidfd = message.descriptors  # of the tool's process, if that is another
        reaped: asyncio.Future[Reaping] = asyncio.get_running_loop().create_future()
        reaped.add_done_callback(_seen)  # it is no error of its own if nobody is left to look
        pid = program.host_pid(pidfd)
        pids = (pid, program.host_pid(tool_pidfd[0]) if tool_pidfd else pid)
        for descriptor in tool_pidfd:
            os.close(descriptor)
        cell = Cell(number, pidfd, pids, reaped, group)
        self._running[number] = cell
        self._spawning.pop(number).set_result(cell)

    def _bury(self) -> None:
        """
        Tell everybody; nothing may be left that only looks alive.
        """
        self.died.set()
        self.process.kill()
        self.control.close()
        for answer in self._spawning.values():
            answer.add_done_callback(_seen)
            answer.set_exception(ZygoteDied())
        self._spawning.clear()
        for cell in self._running.values():
            cell.reaped.set_exception(ZygoteDied())
        self._running.clear()


def _object(message: Message) -> dict[str, Any]:
    """
    Raises:
        ProtocolError: the frame holds no JSON object.
    """
    value = message.json()
    if not isinstance(value, dict):
        raise ProtocolError(f"frame {message.kind} holds no object")
    return value


def _discard(answer: asyncio.Future[Cell]) -> None:
    if not answer.cancelled() and answer.exception() is None:
        cell = answer.result()
        cell.kill()
        cell.close()


def _seen(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()
