"""
Sessions and their files, as the contract has them.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from google.protobuf.timestamp_pb2 import Timestamp
from toolcell.v1 import session_pb2 as pb

from toolcell_server.durations import to_duration

if TYPE_CHECKING:
    import os

    from toolcell_server.sessions.quota import Used
    from toolcell_server.sessions.session import Session

_NANOSECONDS = 10**9


def of_session(session: Session, running: int, used: Used | None = None) -> pb.Session:
    """
    What its owner is told of a session.
    """
    told = pb.Session(
        session_id=session.session_id,
        created_time=_time(session.created),
        used_time=_time(session.used),
        expires_time=_time(session.expires),
        idle=to_duration(session.idle),
        quota_bytes=session.quota_bytes,
        quota_files=session.quota_files,
        running=running,
    )
    if used is not None:
        told.bytes, told.files = used.bytes, used.files
    return told


def of_file(path: str, status: os.stat_result, sha256: str = "") -> pb.SessionFile:
    """
    What is told of something in a workspace.
    """
    is_file = stat.S_ISREG(status.st_mode)
    return pb.SessionFile(
        path=path,
        kind=_kind(status.st_mode),
        size=status.st_size if is_file else 0,
        modified_time=_modified(status.st_mtime_ns),
        sha256=sha256,
    )


def _kind(mode: int) -> pb.SessionFileKind.ValueType:
    if stat.S_ISREG(mode):
        return pb.SESSION_FILE_KIND_FILE
    if stat.S_ISDIR(mode):
        return pb.SESSION_FILE_KIND_FOLDER
    return pb.SESSION_FILE_KIND_LINK if stat.S_ISLNK(mode) else pb.SESSION_FILE_KIND_OTHER


def _time(seconds: float) -> Timestamp:
    whole, nanos = divmod(round(seconds * _NANOSECONDS), _NANOSECONDS)
    return Timestamp(seconds=whole, nanos=nanos)


def _modified(nanoseconds: int) -> Timestamp:
    """
    Tools set times as they like; those that a Timestamp cannot hold are the nearest that it can.
    """
    whole, nanos = divmod(nanoseconds, _NANOSECONDS)
    return Timestamp(seconds=min(max(whole, -62_135_596_800), 253_402_300_799), nanos=nanos)
