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


def check(isolations: Iterable[Isolation], floor: pb.IsolationLevel.ValueType) -> None:
    """
    Check the bundles that have tools against the operator's floor.  One that reaches it is enough:
    calls of the others are refused one by one.

    Raises:
        NotIsolated: there are some, and none reaches it.
    """
    every = list(isolations)
    missing = [isolation.below(floor) for isolation in every]
    first = missing[0] if missing and all(missing) else None
    if first:
        wall = pb.Wall.Name(first.wall).removeprefix("WALL_").lower()
        reached = max(isolation.level for isolation in every)
        raise NotIsolated(wall, first.reason, _remedy(first.remedy, reached))


def _remedy(remedy: str, reached: pb.IsolationLevel.ValueType) -> str:
    if reached < pb.ISOLATION_LEVEL_BASIC:
        return remedy
    accept = f'policy.minimum_isolation = "{name_of(reached)}" accepts less'
    return f"{remedy}; or {accept}" if remedy else accept


def level_name(isolation: Isolation) -> str:
    """
    The word of its level: `none`, `basic`, `strong`, `full`.
    """
    return name_of(isolation.level)


def name_of(level: pb.IsolationLevel.ValueType) -> str:
    """
    The word of a level.
    """
    return pb.IsolationLevel.Name(level).removeprefix("ISOLATION_LEVEL_").lower()
