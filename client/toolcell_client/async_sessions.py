"""
The same as `sessions.py`, awaited.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, cast

import grpc
from toolcell.v1 import session_pb2 as pb

from toolcell_client.closing import AsyncClosing
from toolcell_client.session_refusals import UnknownSession
from toolcell_client.session_requests import Download, creation, upload
from toolcell_client.sessions import TRANSFER_SECONDS
from toolcell_client.translation import translate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any, Self, Unpack

    from toolcell_client.async_client import AsyncClient
    from toolcell_client.async_connection import AsyncConnection
    from toolcell_client.async_stream import AsyncStream
    from toolcell_client.requests import Arguments, CallOptions
    from toolcell_client.result import Result
    from toolcell_client.session_requests import SessionOptions


class AsyncSessions:
    """
    The sessions of this client's principal; see `Sessions`.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def create(self, **options: Unpack[SessionOptions]) -> pb.Session:
        request = creation(**options)
        answer = await self._connection.ask(self._connection.sessions.CreateSession, request)
        return cast("pb.Session", answer.session)

    async def get(self, session_id: str) -> pb.Session:
        request = pb.GetSessionRequest(session_id=session_id)
        answer = await self._connection.ask(self._connection.sessions.GetSession, request)
        return cast("pb.Session", answer.session)

    async def list(self, *, page_size: int = 0) -> AsyncIterator[pb.Session]:
        """
        Sessions, newest first; refused where nobody is authenticated.
        """
        request = pb.ListSessionsRequest(page_size=page_size)
        while True:
            page = await self._connection.ask(self._connection.sessions.ListSessions, request)
            for session in page.sessions:
                yield session
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def delete(self, session_id: str) -> None:
        """
        End a session: its calls are cancelled, and its files are gone.
        """
        request = pb.DeleteSessionRequest(session_id=session_id)
        stub = self._connection.sessions
        await self._connection.ask(stub.DeleteSession, request, TRANSFER_SECONDS)

    async def files(
        self, session_id: str, path: str = "", *, digests: bool = False, page_size: int = 0
    ) -> AsyncIterator[pb.SessionFile]:
        """
        What lies in a workspace, or below a folder of it, by path; `digests`: with SHA-256.
        """
        request = pb.ListSessionFilesRequest(
            session_id=session_id, path=path, digests=digests, page_size=page_size
        )
        while True:
            stub = self._connection.sessions
            page = await self._connection.ask(stub.ListSessionFiles, request, TRANSFER_SECONDS)
            for file in page.files:
                yield file
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def upload(self, session_id: str, path: str, data: bytes) -> pb.SessionFile:
        """
        Put a file into a workspace, whole, in place of what has its name.
        """
        parts = upload(session_id, path, data)
        stub = self._connection.sessions
        answer = await self._connection.ask(stub.UploadSessionFile, parts, TRANSFER_SECONDS)
        return cast("pb.SessionFile", answer.file)

    async def download(self, session_id: str, path: str, offset: int = 0, length: int = 0) -> bytes:
        """
        A file, or a range of it.
        """
        request = pb.DownloadSessionFileRequest(
            session_id=session_id, path=path, offset=offset, length=length
        )
        got = Download()
        options = self._connection.options
        stub: Any = self._connection.sessions
        try:
            async for part in stub.DownloadSessionFile(
                request, timeout=TRANSFER_SECONDS, metadata=options.call_metadata()
            ):
                got.take(part)
        except grpc.RpcError as exc:
            raise translate(exc, options.target) from exc
        return got.data()

    async def delete_file(self, session_id: str, path: str, *, recursive: bool = False) -> None:
        """
        Remove a file, a link or an empty folder; `recursive`: a folder with everything in it.
        """
        request = pb.DeleteSessionFileRequest(session_id=session_id, path=path, recursive=recursive)
        await self._connection.ask(self._connection.sessions.DeleteSessionFile, request)


class AsyncClientSession(AsyncClosing):
    """
    One session, made when its `async with` block is entered, and ended with it.
    """

    def __init__(self, client: AsyncClient, **options: Unpack[SessionOptions]) -> None:
        self._client = client
        self._options = options
        self.session_id = ""

    async def run(
        self, tool: str, arguments: Arguments = None, **options: Unpack[CallOptions]
    ) -> Result:
        """
        As `AsyncClient.run`, in this session.
        """
        options["session_id"] = self.session_id
        return await self._client.run(tool, arguments, **options)

    def execute(
        self, tool: str, arguments: Arguments = None, **options: Unpack[CallOptions]
    ) -> AsyncStream:
        """
        As `AsyncClient.execute`, in this session.
        """
        options["session_id"] = self.session_id
        return self._client.execute(tool, arguments, **options)

    def files(self, path: str = "", *, digests: bool = False) -> AsyncIterator[pb.SessionFile]:
        return self._client.sessions.files(self.session_id, path, digests=digests)

    async def upload(self, path: str, data: bytes) -> pb.SessionFile:
        return await self._client.sessions.upload(self.session_id, path, data)

    async def download(self, path: str, offset: int = 0, length: int = 0) -> bytes:
        return await self._client.sessions.download(self.session_id, path, offset, length)

    async def delete_file(self, path: str, *, recursive: bool = False) -> None:
        await self._client.sessions.delete_file(self.session_id, path, recursive=recursive)

    async def aclose(self) -> None:
        """
        End the session; not an error if it has ended already.
        """
        with contextlib.suppress(UnknownSession):
            await self._client.sessions.delete(self.session_id)

    async def __aenter__(self) -> Self:
        self.session_id = (await self._client.sessions.create(**self._options)).session_id
        return self
