"""
The files of workspaces, by RPC.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from typing import TYPE_CHECKING, Final

from toolcell.v1 import session_pb2 as pb

from toolcell_server import pages, principal
from toolcell_server.calls.produced import produced
from toolcell_server.refusals import DigestMismatch, InvalidField
from toolcell_server.sessions import messages, paths
from toolcell_server.sessions.files import Files

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from toolcell_server.calls.produced import Put
    from toolcell_server.sessions.files import Incoming
    from toolcell_server.sessions.live import Live
    from toolcell_server.sessions.session import Session
    from toolcell_server.sessions.sessions import Sessions

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_PAGE_BYTES: Final = 2 * 2**20  # clients receive 4 MiB by default


class FileRpcs:
    """
    Lists, takes, sends and removes files, for the caller of the RPC.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        free = sessions.settings.minimum_free_bytes
        self._files = Files(sessions.folders, sessions.threads, free)

    async def list(self, request: pb.ListSessionFilesRequest) -> pb.ListSessionFilesResponse:
        size = pages.size(request.page_size)
        below = paths.checked(request.path) if request.path else ""
        filters = {"session": request.session_id, "path": below}
        after = pages.decode(request.page_token, filters)
        session = self._found(request.session_id)
        with self._sessions.using(session):
            found, incomplete = await self._files.listed(session, below)
            rest = [each for each in found if each.path > after]
            page, room = rest[:size], _PAGE_BYTES
            for number, each in enumerate(page):
                room -= len(each.path.encode()) + 256
                if room < 0:
                    page = page[:number]
                    break
            digests = await self._files.digests(session, page) if request.digests else {}
        told = [messages.of_file(p, status, digests.get(p, "")) for p, status in page]
        more = pages.encode(page[-1].path, filters) if len(page) < len(rest) else ""
        return pb.ListSessionFilesResponse(files=told, next_page_token=more, incomplete=incomplete)

    async def upload(
        self, parts: AsyncIterator[pb.UploadSessionFileRequest]
    ) -> pb.UploadSessionFileResponse:
        first = await anext(aiter(parts), pb.UploadSessionFileRequest())
        if not first.HasField("start"):
            raise InvalidField("start", "must come first, and say what is going to be sent")
        start = first.start
        path = _checked(start)
        session = self._found(start.session_id)
        with self._sessions.using(session) as live:
            async with live.streaming(session.session_id):
                with live.announced(start.size):
                    await self._sessions.room(session)
                    with contextlib.closing(self._files.incoming(session)) as incoming:
                        await _receive(parts, start, incoming)
                        status = await incoming.put(path)
                        digest = incoming.sha256
        self._sessions.record("uploaded", session, path=path, size=start.size, sha256=digest)
        return pb.UploadSessionFileResponse(file=messages.of_file(path, status, digest))

    def download(
        self, request: pb.DownloadSessionFileRequest
    ) -> AsyncGenerator[pb.DownloadSessionFileResponse, None]:
        paths.checked(request.path)
        for name in ("offset", "length"):
            if getattr(request, name) < 0:
                raise InvalidField(name, "must not be negative")
        session = self._found(request.session_id)

        async def work(put: Put) -> None:
            with self._sessions.using(session) as live:
                async with live.streaming(session.session_id):
                    await self._send(request, session, live, put)

        return produced(work)

    async def _send(
        self, request: pb.DownloadSessionFileRequest, session: Session, live: Live, put: Put
    ) -> None:
        path = paths.checked(request.path)
        with contextlib.ExitStack() as resources:
            descriptor = await self._files.open(session, path)
            resources.callback(os.close, descriptor)
            live.sending.add(descriptor)
            resources.callback(live.sending.discard, descriptor)
            status = os.fstat(descriptor)
            await put(pb.DownloadSessionFileResponse(start=messages.of_file(path, status)))
            end = min(status.st_size, request.offset + (request.length or status.st_size))
            digest, offset = hashlib.sha256(), request.offset
            while offset < end and (
                data := await self._files.read(descriptor, end - offset, offset)
            ):
                digest.update(data)
                offset += len(data)
                await put(pb.DownloadSessionFileResponse(data=data))
            sent = max(0, offset - request.offset)
            self._sessions.record("downloaded", session, path=path, size=sent)
            told = pb.DownloadEnd(size=sent, sha256=digest.hexdigest())
            await put(pb.DownloadSessionFileResponse(end=told))

    async def delete(self, request: pb.DeleteSessionFileRequest) -> pb.DeleteSessionFileResponse:
        path = paths.checked(request.path)
        session = self._found(request.session_id)
        with self._sessions.using(session):
            await self._files.remove(session, path, recursive=request.recursive)
        self._sessions.record("removed", session, path=path)
        return pb.DeleteSessionFileResponse()

    def _found(self, session_id: str) -> Session:
        return self._sessions.find(session_id, principal.current())


def _checked(start: pb.UploadStart) -> str:
    if start.size < 0:
        raise InvalidField("start.size", "must not be negative")
    if start.sha256 and not _SHA256.fullmatch(start.sha256):
        raise InvalidField("start.sha256", "must be 64 hexadecimal digits in lower case")
    return paths.checked(start.path, "start.path")


async def _receive(
    parts: AsyncIterator[pb.UploadSessionFileRequest], start: pb.UploadStart, incoming: Incoming
) -> None:
    """
    Raises:
        DigestMismatch: what comes is not what was announced.
        InvalidField: a second start comes.
    """
    async for part in parts:
        if part.HasField("start"):
            raise InvalidField("start", "comes once, at the beginning")
        if incoming.size + len(part.data) > start.size:
            raise DigestMismatch(f"more than the {start.size} bytes that it announced")
        await incoming.write(part.data)
    if incoming.size != start.size:
        raise DigestMismatch(f"{incoming.size} bytes, and it announced {start.size}")
    if start.sha256 and incoming.sha256 != start.sha256:
        raise DigestMismatch("its SHA-256 is another than it announced")
