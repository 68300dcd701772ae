"""
What has changed in the registry of late, for those who watch it.

Theory of operation.  There is one log of changes for all, and each reader has a place in it.  So a
reader that is slow costs nothing: when what it has not read is gone, it is told that it missed
something, and begins anew.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from toolcell.v1 import registry_pb2 as pb

from toolcell_server.bell import Bell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from toolcell_server.tool import Tool

MOST_KEPT: Final = 4096  # arbitrary; a batch has at most a hundred definitions
_BROKEN: Final = pb.TOOL_STATE_BROKEN


@dataclass(frozen=True, slots=True)
class Change:
    """
    One change, and an outline of the tool as it became, or was if it has gone; the whole of what
    has been replaced since is not kept.  `before` is what it was before, if it is another one now.
    `sequence` orders all.
    """

    sequence: int
    kind: pb.ToolChangeKind.ValueType
    tool: Tool
    before: Tool | None = None


class Changes:
    """
    The last changes.  Lives on one event loop.
    """

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._kept: deque[Change] = deque(maxlen=most)
        self._bell = Bell()
        self.last = 0
        self.watched = False  # ever: before that nobody can ask for what was
        self.over = False

    def note(self, before: Iterable[Tool], after: Iterable[Tool]) -> None:
        """
        Take note of what the tools of one name were, and what they are.
        """
        was = {(tool.version, tool.bundle): tool for tool in before}
        now = {(tool.version, tool.bundle): tool for tool in after}
        for key, tool in was.items():
            if key not in now:
                self._add(pb.TOOL_CHANGE_KIND_UNREGISTERED, tool, None)
        for key, tool in now.items():
            if kind := kind_of(was.get(key), tool):
                self._add(kind, tool, was.get(key))

    def since(self, sequence: int) -> Sequence[Change] | None:
        """
        The changes after one; None: some of them are no longer kept.
        """
        count = self.last - sequence
        return None if count > len(self._kept) else list(_last(self._kept, count))

    async def wait(self, sequence: int) -> None:
        """
        Return when there is a change after that one, or there will be none any more.
        """
        while self.last == sequence and not self.over:
            await self._bell.wait()

    def close(self) -> None:
        """
        Nothing changes any more for those who watch: let them go.
        """
        self.over = True
        self._bell.ring()

    def _add(self, kind: pb.ToolChangeKind.ValueType, tool: Tool, before: Tool | None) -> None:
        self.last += 1
        if not self.watched:
            return
        was = before and outline(before)
        self._kept.append(Change(self.last, kind, outline(tool), was))
        self._bell.ring()


def kind_of(before: Tool | None, after: Tool) -> pb.ToolChangeKind.ValueType:
    """
    What became of a version of a tool; 0: nothing.
    """
    if before == after:
        return pb.TOOL_CHANGE_KIND_UNSPECIFIED
    if after.state == _BROKEN:
        return pb.TOOL_CHANGE_KIND_BROKEN
    if before is None:
        return pb.TOOL_CHANGE_KIND_REGISTERED
    if replace(after, deprecated=before.deprecated, sunset=before.sunset) != before:
        return pb.TOOL_CHANGE_KIND_REPLACED
    if after.deprecated:
        return pb.TOOL_CHANGE_KIND_DEPRECATED
    return pb.TOOL_CHANGE_KIND_REACTIVATED


def outline(tool: Tool) -> Tool:
    """
    What of a tool says which it is and who may call it.
    """
    return replace(tool, description="", parameters={}, returns=None, env={}, carried=None)


def _last(kept: deque[Change], count: int) -> Iterator[Change]:
    for index in range(len(kept) - count, len(kept)):
        yield kept[index]
