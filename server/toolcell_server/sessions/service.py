"""
The gRPC face of SessionService: sessions themselves.  Their files are in `file_service.py`.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import grpc
from toolcell.v1 import session_pb2 as pb
from toolcell.v1.session_pb2_grpc import (
    SessionServiceServicer,
    add_SessionServiceServicer_to_server,
)

from toolcell_server import pages, principal
from toolcell_server.refusals import (
    SessionsNotListed,
    SwitchedOff,
)
from toolcell_server.sessions import messages, wished
from toolcell_server.sessions.file_service import FileRpcs
from toolcell_server.sessions.station import OFF

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell_server.sessions.session import Session
    from toolcell_server.sessions.sessions import Sessions

NAME: Final = pb.DESCRIPTOR.services_by_name["SessionService"].full_name
_Context = grpc.aio.ServicerContext[Any, Any]


class SessionService(SessionServiceServicer):
    """
    Answers for sessions; without `sessions` they are switched off.
    """

    def __init__(self, sessions: Sessions | None = None) -> None:
        self._sessions = sessions
        self._rpcs = FileRpcs(sessions) if sessions else None

    async def CreateSession(  # noqa: N802  # the contract's name
        self, request: pb.CreateSessionRequest, _context: _Context
    ) -> pb.CreateSessionResponse:
        sessions, caller = self._on, principal.current()
        made = await sessions.create(caller, wished.read(request, sessions.settings, caller))
        return pb.CreateSessionResponse(session=await self._told(made))

    async def GetSession(  # noqa: N802  # the contract's name
        self, request: pb.GetSessionRequest, _context: _Context
    ) -> pb.GetSessionResponse:
        found = self._on.find(request.session_id, principal.current())
        return pb.GetSessionResponse(session=await self._told(found))

    async def ListSessions(  # noqa: N802  # the contract's name
        self, request: pb.ListSessionsRequest, _context: _Context
    ) -> pb.ListSessionsResponse:
        sessions, caller = self._on, principal.current()
        size = pages.size(request.page_size)
        before = pages.number_before(request.page_token, {})
        if not caller.name:
            raise SessionsNotListed
        found = sessions.before(caller, before, size + 1)
        told = [messages.of_session(each, sessions.running(each)) for each in found[:size]]
        more = pages.encode(str(found[size - 1].number), {}) if len(found) > size else ""
        return pb.ListSessionsResponse(sessions=told, next_page_token=more)

    async def DeleteSession(  # noqa: N802  # the contract's name
        self, request: pb.DeleteSessionRequest, _context: _Context
    ) -> pb.DeleteSessionResponse:
        sessions = self._on
        await sessions.delete(sessions.find(request.session_id, principal.current()))
        return pb.DeleteSessionResponse()

    async def ListSessionFiles(  # noqa: N802  # the contract's name
        self, request: pb.ListSessionFilesRequest, _context: _Context
    ) -> pb.ListSessionFilesResponse:
        return await self._files.list(request)

    async def UploadSessionFile(  # noqa: N802  # the contract's name
        self, request_iterator: AsyncIterator[pb.UploadSessionFileRequest], _context: _Context
    ) -> pb.UploadSessionFileResponse:
        return await self._files.upload(request_iterator)

    async def DownloadSessionFile(  # noqa: N802  # the contract's name
        self, request: pb.DownloadSessionFileRequest, _context: _Context
    ) -> AsyncIterator[pb.DownloadSessionFileResponse]:
        async with contextlib.aclosing(self._files.download(request)) as parts:
            async for part in parts:
                yield part

    async def DeleteSessionFile(  # noqa: N802  # the contract's name
        self, request: pb.DeleteSessionFileRequest, _context: _Context
    ) -> pb.DeleteSessionFileResponse:
        return await self._files.delete(request)

    @property
    def _on(self) -> Sessions:
        if self._sessions is None:
            raise SwitchedOff(*OFF)
        return self._sessions

    @property
    def _files(self) -> FileRpcs:
        if self._rpcs is None:
            raise SwitchedOff(*OFF)
        return self._rpcs

    async def _told(self, session: Session) -> pb.Session:
        used = await self._on.measured(session)
        return messages.of_session(session, self._on.running(session), used)


def add_to(server: grpc.aio.Server, service: SessionService) -> None:
    """
    Serve it.
    """
    add_SessionServiceServicer_to_server(service, server)
