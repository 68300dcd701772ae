"""
Whether this host isolates at all: asked once, before serving.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolcell_server.isolation import Isolation


class NotIsolated(Exception):  # noqa: N818  # names what happened
    """
    Raised when cells on this host have no isolation that can be relied on.
    """

    def __init__(self, wall: str, reason: str, remedy: str) -> None:
        super().__init__(f"tools cannot be isolated on this host: {wall}: {reason}; {remedy}")


def check(isolations: Iterable[Isolation]) -> None:
    """
    Check the bundles that have tools.  One that is isolated is enough: calls of the others are
    refused one by one.

    Raises:
        NotIsolated: there are some, and none is isolated.
    """
    missing = [isolation.below(pb.ISOLATION_LEVEL_BASIC) for isolation in isolations]
    first = missing[0] if missing and all(missing) else None
    if first:
        wall = pb.Wall.Name(first.wall).removeprefix("WALL_").lower()
        raise NotIsolated(wall, first.reason, first.remedy)


def level_name(isolation: Isolation) -> str:
    """
    The word of a level: `none`, `basic`, `strong`, `full`.
    """
    return pb.IsolationLevel.Name(isolation.level).removeprefix("ISOLATION_LEVEL_").lower()
