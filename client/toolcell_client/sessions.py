"""
Workspaces that persist across calls: `client.sessions`, and `client.session()` for one of them.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import grpc
from toolcell.v1 import session_pb2 as pb

from toolcell_client.closing import Closing
from toolcell_client.session_refusals import UnknownSession
from toolcell_client.session_requests import Download, creation, upload
from toolcell_client.translation import translate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Unpack

    from toolcell_client.client import Client
    from toolcell_client.connection import Connection
    from toolcell_client.requests import Arguments, CallOptions
    from toolcell_client.result import Result
    from toolcell_client.session_requests import SessionOptions
    from toolcell_client.stream import Stream

TRANSFER_SECONDS = 600.0  # arbitrary; of one file


class Sessions:
    """
    The sessions of this client's principal.  Each method raises `CallRefused` (also
    `UnknownSession`, `WorkspaceFull`, `TooManySessions`) or `ServerUnreachable`.  A `path` is
    relative to the workspace, which tools find at `/workspace`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(self, **options: Unpack[SessionOptions]) -> pb.Session:
        request = creation(**options)
        return self._connection.ask(self._connection.sessions.CreateSession, request).session

    def get(self, session_id: str) -> pb.Session:
        request = pb.GetSessionRequest(session_id=session_id)
        return self._connection.ask(self._connection.sessions.GetSession, request).session

    def list(self, *, page_size: int = 0) -> Iterator[pb.Session]:
        """
        Sessions, newest first; refused where nobody is authenticated.
        """
        request = pb.ListSessionsRequest(page_size=page_size)
        while True:
            page = self._connection.ask(self._connection.sessions.ListSessions, request)
            yield from page.sessions
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def delete(self, session_id: str) -> None:
        """
        End a session: its calls are cancelled, and its files are gone.
        """
        request = pb.DeleteSessionRequest(session_id=session_id)
        stub = self._connection.sessions
        self._connection.ask(stub.DeleteSession, request, TRANSFER_SECONDS)

    def files(
        self, session_id: str, path: str = "", *, digests: bool = False, page_size: int = 0
    ) -> Iterator[pb.SessionFile]:
        """
        What lies in a workspace, or below a folder of it, by path; `digests`: with SHA-256.
        """
        request = pb.ListSessionFilesRequest(
            session_id=session_id, path=path, digests=digests, page_size=page_size
        )
        while True:
            stub = self._connection.sessions
            page = self._connection.ask(stub.ListSessionFiles, request, TRANSFER_SECONDS)
            yield from page.files
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def upload(self, session_id: str, path: str, data: bytes) -> pb.SessionFile:
        """
        Put a file into a workspace, whole, in place of what has its name.
        """
        parts = upload(session_id, path, data)
        stub = self._connection.sessions
        return self._connection.ask(stub.UploadSessionFile, parts, TRANSFER_SECONDS).file

    def download(self, session_id: str, path: str, offset: int = 0, length: int = 0) -> bytes:
        """
        A file, or a range of it.
        """
        request = pb.DownloadSessionFileRequest(
            session_id=session_id, path=path, offset=offset, length=length
        )
        got = Download()
        options = self._connection.options
        try:
            for part in self._connection.sessions.DownloadSessionFile(
                request, timeout=TRANSFER_SECONDS, metadata=options.call_metadata()
            ):
                got.take(part)
        except grpc.RpcError as exc:
            raise translate(exc, options.target) from exc
        return got.data()

    def delete_file(self, session_id: str, path: str, *, recursive: bool = False) -> None:
        """
        Remove a file, a link or an empty folder; `recursive`: a folder with everything in it.
        """
        request = pb.DeleteSessionFileRequest(session_id=session_id, path=path, recursive=recursive)
        self._connection.ask(self._connection.sessions.DeleteSessionFile, request)


class ClientSession(Closing):
    """
    One session, which ends with the `with` block that it is used in.
    """

    def __init__(self, client: Client, session: pb.Session) -> None:
        self._client = client
        self.session_id = session.session_id

    def run(self, tool: str, arguments: Arguments = None, **options: Unpack[CallOptions]) -> Result:
        """
        As `Client.run`, in this session.
        """
        options["session_id"] = self.session_id
        return self._client.run(tool, arguments, **options)

    def execute(
        self, tool: str, arguments: Arguments = None, **options: Unpack[CallOptions]
    ) -> Stream:
        """
        As `Client.execute`, in this session.
        """
        options["session_id"] = self.session_id
        return self._client.execute(tool, arguments, **options)

    def files(self, path: str = "", *, digests: bool = False) -> Iterator[pb.SessionFile]:
        return self._client.sessions.files(self.session_id, path, digests=digests)

    def upload(self, path: str, data: bytes) -> pb.SessionFile:
        return self._client.sessions.upload(self.session_id, path, data)

    def download(self, path: str, offset: int = 0, length: int = 0) -> bytes:
        return self._client.sessions.download(self.session_id, path, offset, length)

    def delete_file(self, path: str, *, recursive: bool = False) -> None:
        self._client.sessions.delete_file(self.session_id, path, recursive=recursive)

    def close(self) -> None:
        """
        End the session; not an error if it has ended already.
        """
        with contextlib.suppress(UnknownSession):
            self._client.sessions.delete(self.session_id)
