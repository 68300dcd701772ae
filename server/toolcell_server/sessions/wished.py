"""
What a caller wants of a new session, within what the operator allows.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell_server.durations import to_seconds
from toolcell_server.refusals import InvalidField
from toolcell_server.sessions.session import ID

if TYPE_CHECKING:
    from google.protobuf.duration_pb2 import Duration
    from toolcell.v1 import session_pb2 as pb

    from toolcell_server.principal import Principal
    from toolcell_server.settings.sessions import SessionsSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """
    Times in seconds.  Without a `session_id` there is a random one.
    """

    session_id: str = ""
    lifetime: float
    idle: float
    quota_bytes: int
    quota_files: int


def read(request: pb.CreateSessionRequest, settings: SessionsSettings, caller: Principal) -> Wished:
    """
    Raises:
        InvalidField: a field is malformed, or above the operator's ceiling.
    """
    if request.session_id:
        _check_id(request.session_id, caller)
    lifetime = request.lifetime if request.HasField("lifetime") else None
    idle = request.idle if request.HasField("idle") else None
    return Wished(
        session_id=request.session_id,
        lifetime=_seconds(
            "lifetime", lifetime, settings.lifetime_seconds, settings.maximum_lifetime_seconds
        ),
        idle=_seconds("idle", idle, settings.idle_seconds, settings.maximum_idle_seconds),
        quota_bytes=_count(
            "quota_bytes", request.quota_bytes, settings.bytes, settings.maximum_bytes
        ),
        quota_files=_count(
            "quota_files", request.quota_files, settings.files, settings.maximum_files
        ),
    )


def _check_id(session_id: str, caller: Principal) -> None:
    if not caller.name:
        why = "is for callers who are authenticated: here whoever guesses an id has the session"
        raise InvalidField("session_id", why)
    if not ID.fullmatch(session_id):
        raise InvalidField("session_id", "must be 1 to 128 letters, digits and . _ -")


def _seconds(field: str, asked: Duration | None, default: float, most: float) -> float:
    seconds = default if asked is None else to_seconds(field, asked)
    if not 0 < seconds <= most:
        raise InvalidField(field, f"must be positive and at most {most:g} s")
    return seconds


def _count(field: str, asked: int, default: int, most: int) -> int:
    if not 0 <= asked <= most:
        raise InvalidField(field, f"must be positive and at most {most}")
    return asked or default
