"""
Calls that carry a `request_id`: the same call again joins or replays the first, and never runs.

In memory, for as long as the execution is kept there; `records/remembering.py` knows those that are
not, or no longer.  The scope of an id is the principal and the tool, so that callers cannot meet by
chance or by guessing: the tool as the caller names it, because whoever repeats a call does so
before anything has put another tool in its place.  A call that was refused leaves no trace.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, get_args

from toolcell_server.refusals import RequestIdReused

if TYPE_CHECKING:
    from toolcell.v1 import execution_pb2 as pb

    from toolcell_server.record import Record

# What may differ between two sendings of one call: who correlates it and how long is left for it.
_Ignored = Literal["request_id", "call_id", "timeout", "labels", "approval_token"]
_IGNORED: Final = get_args(_Ignored)


class Scope(NamedTuple):
    """
    Where a `request_id` is unique.
    """

    principal: str
    tool: str
    request_id: str


def fingerprint(request: pb.ExecuteRequest | pb.RunRequest) -> bytes:
    """
    SHA-256 over tool, version, arguments, limits, grants and options: what the call asks to do.
    Equal for an `Execute` and a `Run` that ask for the same.
    """
    # Both requests have the same fields with the same numbers, and are the same bytes.
    asked = type(request)()
    asked.CopyFrom(request)  # type: ignore[arg-type]  # it is of the same type
    for field in _IGNORED:
        asked.ClearField(field)
    asked.arguments_json = asked.arguments_json or b"{}"
    return hashlib.sha256(asked.SerializeToString(deterministic=True)).digest()


class RequestIds:
    """
    Which execution a `request_id` belongs to.
    """

    def __init__(self) -> None:
        self._known: dict[Scope, tuple[bytes, Record]] = {}

    def find(self, scope: Scope, fingerprint: bytes) -> Record | None:
        """
        The execution that this call joins or replays, if there is one.

        Raises:
            RequestIdReused: the id belongs to a call that asked for something else.
        """
        known = self._known.get(scope)
        if known is None or not scope.request_id:
            return None
        if known[0] != fingerprint:
            raise RequestIdReused(scope.request_id)
        return known[1]

    def add(self, scope: Scope, fingerprint: bytes, record: Record) -> None:
        if scope.request_id:
            self._known[scope] = (fingerprint, record)

    def forget(self, record: Record) -> None:
        self._known.pop(Scope(record.principal, record.asked, record.request_id), None)
