"""
Streams what changes among the tools that a caller may call.

Theory of operation.  A stream begins with all tools as they are at one moment, or with what has
changed since the `resume_token` that a caller brings; then each change follows as it comes.  The
place of a stream in the log of changes (`shelves/changes.py`) is all that is kept of it.  When what
it has not read is gone, because its reader is slow, it says so and begins anew.

A change of what a caller may not call is passed over, and a token says nothing of it either: it
holds the place in the log, encrypted with a key of this process and a new nonce each time.  A token
of another process opens nothing, and the stream begins anew.

It ends after an hour: whoever has lost his rights meanwhile is asked who he is again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from toolcell.v1 import registry_pb2 as pb

from toolcell_server.refusals import TooManyWatchers
from toolcell_server.registering.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from toolcell_server.permitted import PermittedTools
    from toolcell_server.principal import Principal
    from toolcell_server.shelves.changes import Change, Changes
    from toolcell_server.tool import Tool

LONGEST_SECONDS: Final = 3600.0
MOST: Final = 256  # streams; arbitrary
MOST_OF_ONE: Final = 32  # of one principal
_PART_BYTES: Final = 2**20  # clients receive 4 MiB by default
_GONE: Final = pb.TOOL_CHANGE_KIND_UNREGISTERED

Told = pb.WatchToolsResponse


class Watching:
    """
    Tells callers of changes.  Lives on one event loop.
    """

    def __init__(self, tools: PermittedTools, changes: Changes) -> None:
        self._tools = tools
        self._changes = changes
        self._tokens = Tokens()
        self._open: Counter[str] = Counter()

    @property
    def watchers(self) -> int:
        """
        How many streams are open.
        """
        return self._open.total()

    async def watch(self, token: str, caller: Principal) -> AsyncGenerator[Told, None]:
        """
        Tell a caller until an hour is over, or the server ends.

        Raises:
            TooManyWatchers: so many are open already, of all callers or of this one.
        """
        with self._counted(caller.name):
            self._changes.watched = True
            ends = time.monotonic() + LONGEST_SECONDS
            at, missed = self._tokens.opened(token), bool(token)
            while (left := ends - time.monotonic()) > 0 and not self._changes.over:
                changes = None if at is None else self._changes.since(at)
                if changes is None:
                    if missed:
                        yield Told(missed=pb.ToolsMissed())
                    at, tools = self._changes.last, list(self._tools.tools(caller))
                    for told in _parts(tools, self._tokens.sealed(at)):
                        yield told
                    missed = True
                    continue
                for change in changes:
                    at = change.sequence
                    if (news := self._told(change, caller)) is not None:
                        yield news
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await self._changes.wait(at or 0)

    @contextlib.contextmanager
    def _counted(self, name: str) -> Iterator[None]:
        for now, most in ((self.watchers, MOST), (self._open[name], MOST_OF_ONE)):
            if now >= most:
                raise TooManyWatchers(most)
        self._open[name] += 1
        try:
            yield
        finally:
            self._open[name] -= 1
            if not self._open[name]:
                del self._open[name]

    def _told(self, change: Change, caller: Principal) -> Told | None:
        """
        What a caller hears of a change: what he may not call comes and goes as if registered then.
        """
        kind, tool, before = change.kind, change.tool, change.before
        knows = self._tools.are_of(caller, tool)
        knew = before is not None and self._tools.are_of(caller, before)
        if not knows and knew and before is not None:
            kind, tool = _GONE, before
        elif not knows:
            return None
        elif before is not None and not knew and kind != _GONE:
            kind = pb.TOOL_CHANGE_KIND_REGISTERED
        whole = None if kind == _GONE else self._tools.now(tool, caller)
        described = whole.to_proto() if whole else _outlined(tool)
        told = pb.ToolChange(kind=kind, tool=described)
        return Told(change=told, resume_token=self._tokens.sealed(change.sequence))


def _outlined(tool: Tool) -> pb.Tool:
    """
    What tells which tool it was.
    """
    described = tool.to_proto()
    for field in ("parameters_json", "limits"):
        described.ClearField(field)
    return described


def _parts(tools: Sequence[Tool], token: str) -> Iterator[Told]:
    """
    A snapshot, in parts that fit messages; the last has the token.
    """
    part = pb.ToolSnapshot(first=True)
    room = _PART_BYTES
    for tool in tools:
        described = tool.to_proto()
        room -= described.ByteSize()
        if room < 0 and part.tools:
            yield Told(snapshot=part)
            part, room = pb.ToolSnapshot(), _PART_BYTES - described.ByteSize()
        part.tools.append(described)
    part.last = True
    yield Told(snapshot=part, resume_token=token)
