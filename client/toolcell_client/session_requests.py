"""
Builds the requests about sessions, and puts downloads together.  Pure.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypedDict

from toolcell.v1 import session_pb2 as pb

from toolcell_client.errors import ContractBroken
from toolcell_client.limits import duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Unpack

CHUNK_BYTES = 2**20  # arbitrary; the server takes 4 MiB


class SessionOptions(TypedDict, total=False):
    """
    What a session may be asked for; every field may be left out.
    """

    session_id: str  # of the caller's choice; left out: a random one
    lifetime: float  # seconds that it lasts; left out: the operator's default
    idle: float  # seconds that it lasts unused; left out: the operator's default
    quota_bytes: int  # that its workspace may hold; left out: the operator's default
    quota_files: int  # files, folders and links; left out: the operator's default


def creation(**options: Unpack[SessionOptions]) -> pb.CreateSessionRequest:
    """
    Asks for a session.

    Raises:
        TypeError: there is no such option.
        ValueError: a span of time cannot be sent.
    """
    known = SessionOptions.__annotations__
    for name in options:
        if name not in known:
            raise TypeError(f"a session has no option {name!r}; it has {', '.join(known)}")
    lifetime, idle = options.get("lifetime"), options.get("idle")
    return pb.CreateSessionRequest(
        session_id=options.get("session_id", ""),
        lifetime=None if lifetime is None else duration("lifetime", lifetime),
        idle=None if idle is None else duration("idle", idle),
        quota_bytes=options.get("quota_bytes", 0),
        quota_files=options.get("quota_files", 0),
    )


def upload(session_id: str, path: str, data: bytes) -> Iterator[pb.UploadSessionFileRequest]:
    """
    The parts of an upload, its digest first.
    """
    digest = hashlib.sha256(data).hexdigest()
    start = pb.UploadStart(session_id=session_id, path=path, size=len(data), sha256=digest)
    yield pb.UploadSessionFileRequest(start=start)
    for offset in range(0, len(data), CHUNK_BYTES):
        yield pb.UploadSessionFileRequest(data=data[offset : offset + CHUNK_BYTES])


class Download:
    """
    What has come of a download.
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._digest = hashlib.sha256()
        self._end: pb.DownloadEnd | None = None

    def take(self, part: pb.DownloadSessionFileResponse) -> None:
        if part.HasField("end"):
            self._end = part.end
        elif part.data:
            self._parts.append(part.data)
            self._digest.update(part.data)

    def data(self) -> bytes:
        """
        All of it.

        Raises:
            ContractBroken: it was cut off, or is not what the server sent.
        """
        if self._end is None or self._end.sha256 != self._digest.hexdigest():
            raise ContractBroken("the download is not whole; try again")
        return b"".join(self._parts)
