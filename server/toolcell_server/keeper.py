"""
The server's handle of the keeper: opens granted paths at admission, commits staged files.

Requests are answered in order, one at a time.  If the keeper dies, the request under way fails
and the next one starts another: it keeps no state that matters.
"""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolcell.v1 import execution_pb2 as pb
from toolcell_worker.wire import WORKSPACE, Frame, PeerClosed, ProtocolError

from toolcell_server import program

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

    from toolcell_server.channel import Channel
    from toolcell_server.grants import PathGrant


ACCESSES = {
    pb.PATH_ACCESS_READ: "read",
    pb.PATH_ACCESS_WRITE: "write",
    pb.PATH_ACCESS_STAGED: "staged",
}


class KeeperFailed(Exception):  # noqa: N818  # names what happened
    """
    Raised when the keeper cannot be started, or died over a request.
    """


class KeeperDied(KeeperFailed):
    """
    Raised when it died over a request: nobody can tell how much of it was done.
    """


@dataclass(frozen=True, slots=True)
class Opened:
    """
    The keeper's answer for one path: "opened", "missing" or "refused" with a reason.  The
    descriptor, if not negative, is the receiver's to close.
    """

    status: str
    descriptor: int = -1
    directory: bool = False
    reason: str = ""
    expected: list[int] | None = None


class Keeper:
    """
    Starts the keeper when it is first needed, and again when it has died.
    """

    def __init__(self, instructions: dict[str, Any]) -> None:
        self._instructions = instructions
        self._asking = asyncio.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None

    async def start(self) -> None:
        """
        Raises:
            KeeperFailed: it cannot do its work here; says why.
        """
        async with self._asking:
            await self._running()

    async def open(
        self, paths: Sequence[PathGrant], slot: int, *, bare: bool = False
    ) -> list[Opened]:
        """
        Open each path for the cell in `slot`; `bare`: one without mounts.

        Raises:
            KeeperFailed: the keeper is not there to ask.
        """
        asked = [
            {"path": p.real_path, "root": p.real_root, "access": ACCESSES[p.access]} for p in paths
        ]
        request = json.dumps({"paths": asked, "slot": slot, "bare": bare}).encode(
            "utf-8", "surrogateescape"
        )
        answers, descriptors = await self._ask(Frame.OPEN, request)
        left = iter(descriptors)
        return [
            Opened(
                status=answer["status"],
                descriptor=next(left) if answer.get("given") else -1,
                directory=bool(answer.get("directory")),
                reason=answer.get("reason", ""),
                expected=answer.get("expected"),
            )
            for answer in answers
        ]

    async def commit(self, path: PathGrant, expected: list[int] | None, staged: int) -> str:
        """
        Put a staged file in place.

        Returns:
            Nothing, or why it was not put in place.

        Raises:
            KeeperDied: nobody can tell.
            KeeperFailed: the keeper is not there to ask.
        """
        asked = {
            "path": path.real_path,
            "root": path.real_root,
            "expected": expected,
            "as_folder": path.root == WORKSPACE,  # the next call must be able to change it
        }
        answer, _ = await self._ask(Frame.COMMIT, json.dumps(asked).encode(), (staged,))
        return "" if answer["status"] == "committed" else str(answer["reason"])

    def close(self) -> None:
        """
        End the keeper.
        """
        if self._channel is not None and self._process is not None:
            self._channel.close()
            self._process.kill()
            self._process.wait()
        self._channel = self._process = None

    async def _ask(
        self, kind: Frame, request: bytes, descriptors: tuple[int, ...] = ()
    ) -> tuple[Any, tuple[int, ...]]:
        async with self._asking:
            channel = await self._running()
            try:
                await channel.send(kind, request, descriptors)
                answer = await channel.receive()
            except (OSError, PeerClosed, ProtocolError) as exc:
                self.close()
                raise KeeperDied("the keeper died over a request") from exc
            except asyncio.CancelledError:
                # Its answer would be taken for that of the next request.
                self.close()
                raise
        return answer.json(), answer.descriptors

    async def _running(self) -> Channel:
        if self._channel is not None and self._process is not None:
            if self._process.poll() is None:
                return self._channel
            self.close()  # it died between two requests
        self._process, self._channel = program.start("keeper", self._instructions)
        try:
            message = await self._channel.receive()
        except (PeerClosed, ProtocolError) as exc:
            self.close()
            raise KeeperFailed("the keeper died when it started") from exc
        except asyncio.CancelledError:
            # What it says first would be taken for the answer to the next request.
            self.close()
            raise
        if message.kind != Frame.ANSWER:
            self.close()
            raise KeeperFailed(f"the keeper cannot work here: {message.json()['detail']}")
        return self._channel


def close_all(opened: Sequence[Opened]) -> None:
    """
    Give every descriptor of an answer back.
    """
    for one in opened:
        if one.descriptor >= 0:
            os.close(one.descriptor)
