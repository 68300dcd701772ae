"""
One request and its response, each read by h11 and written anew by h11.  Pure.

Theory of operation.  Two h11 connections stand back to back: one is the server that the client
speaks to, the other the client that the server speaks to.  What one reads is an event, and only
events reach the other; so the framing that goes on is h11's, whatever the framing that came.  Both
live for one exchange: nothing of an earlier message is left in them, and whether another may
follow is decided here, not by two libraries' ideas of keeping alive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h11

from toolcell_server.egress.http_errors import Malformed
from toolcell_server.egress.http_fields import connection_options, end_to_end, to_server
from toolcell_server.egress.http_framing import check_informational, response_boundary
from toolcell_server.egress.http_lines import STATUS_LINE, HeadLines, RawHead
from toolcell_server.egress.http_refusals import H11_BYTES
from toolcell_server.egress.http_secrets import Echoes, Secret, check_names, with_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from toolcell_server.egress.http_bodies import Boundary
    from toolcell_server.egress.http_request import Request

_CLOSE = (b"Connection", b"close")


class Exchange:
    """
    Bytes of one side in, bytes for the other side out, and when each message is complete.

    It holds heads and lines that are not whole yet, and no body: what is received of a body is
    returned by the same call.
    """

    def __init__(self, request: Request, echoes: Echoes, *, last: bool = False) -> None:
        """
        `last`: no other may follow, whatever the request says.

        Raises:
            Malformed: h11 does not read the request's head as we do.
        """
        self.request = request
        self.last = last or request.last
        self.request_done = False
        self.response_begun = False  # the final one; 1xx responses may precede it
        self.response_done = False
        self._echoes = echoes
        self._client_side = h11.Connection(h11.SERVER, H11_BYTES)
        self._server_side = h11.Connection(h11.CLIENT, H11_BYTES)
        self._status_lines = HeadLines(STATUS_LINE)
        self._response_boundary: Boundary | None = None
        self._head = _read(self._client_side, request.raw.data, h11.Request)

    def begin(self, extra_headers: Sequence[tuple[str, Secret]]) -> bytes:
        """
        The head for the server.

        Raises:
            ValueError: a name is not that of a header which may be added.
        """
        check_names(extra_headers)
        self._echoes.remember(extra_headers)
        headers = to_server(self._head.headers.raw_items(), self.request.options)
        if self.request.old:  # RFC 9110 section 10.1.1; the server would answer us, who speak 1.1
            headers = [each for each in headers if each[0].lower() != b"expect"]
        headers = with_secrets(headers, extra_headers) + [_CLOSE] * self.last
        target = self.request.head.target
        event = h11.Request(method=self._head.method, target=target, headers=headers)
        return self._server_side.send(event)

    def request_body(self, waiting: bytearray, *, ended: bool) -> Iterator[bytes]:
        """
        What `waiting` holds of the request's body, for the server; taken off it.

        Raises:
            Malformed: the body is not framed as its head says, or ended early.
        """
        while not self.request_done:
            taken = self.request.boundary.take(waiting)
            data, self.request_done = _decoded(self._client_side, taken)
            yield _encoded(self._server_side, data, done=self.request_done)
            if not taken:
                break
        if ended and not self.request_done:
            raise Malformed("it ended early")

    def response(self, waiting: bytearray, *, ended: bool) -> Iterator[bytes]:
        """
        What `waiting` holds of the response, for the client; taken off it.

        Raises:
            Malformed: it is not a strict response to this request, or ended early.
        """
        while self._response_boundary is None:
            raw = self._status_lines.take(waiting)
            if raw is None:
                break
            self._status_lines = HeadLines(STATUS_LINE)
            yield self._response_head(raw)
        if self._response_boundary is not None:
            yield from self._response_body(self._response_boundary, waiting, ended=ended)
        if ended and not self.response_done:
            raise Malformed("it ended early")

    def _response_head(self, raw: RawHead) -> bytes:
        if raw.start["status"].startswith(b"1"):
            return self._informational(raw)
        boundary = response_boundary(raw, self._head.method)
        options = connection_options(raw)
        event = _read(self._server_side, raw.data, h11.Response)
        self.last = self.last or b"close" in options or raw.start["minor"] == b"0"
        self.last = self.last or boundary.until_end
        headers = self._passed(event, options) + [_CLOSE] * self.last
        self._response_boundary, self.response_begun = boundary, True
        return self._client_side.send(
            h11.Response(status_code=event.status_code, reason=self._reason(event), headers=headers)
        )

    def _informational(self, raw: RawHead) -> bytes:
        check_informational(raw)
        options = connection_options(raw)
        event = _read(self._server_side, raw.data, h11.InformationalResponse)
        if self.request.old:  # a client of HTTP/1.0 knows none (RFC 9110 section 15.2)
            return b""
        headers, reason = self._passed(event, options), self._reason(event)
        return self._client_side.send(
            h11.InformationalResponse(status_code=event.status_code, reason=reason, headers=headers)
        )

    def _passed(self, event: Any, options: frozenset[bytes]) -> list[tuple[bytes, bytes]]:
        # Where there is no body by the status alone, a word on its framing only misleads.
        unframed = {204: {b"content-length"}, 304: {b"transfer-encoding"}}
        dropped = unframed.get(event.status_code, set())
        return [
            (name, value)
            for name, value in end_to_end(event.headers.raw_items(), options)
            if name.lower() not in dropped and not self._echoes.found_in(name, value)
        ]

    def _reason(self, event: Any) -> bytes:
        reason = bytes(event.reason)
        return b"" if self._echoes.found_in(reason) else reason

    def _response_body(
        self, boundary: Boundary, waiting: bytearray, *, ended: bool
    ) -> Iterator[bytes]:
        while not self.response_done:
            taken = boundary.take(waiting)
            if ended and not taken and boundary.until_end:
                self._server_side.receive_data(b"")
            data, self.response_done = _decoded(self._server_side, taken)
            yield _encoded(self._client_side, data, done=self.response_done)
            if not taken:
                return


def _read(connection: h11.Connection, head: bytes, kind: type[Any]) -> Any:
    """
    Raises:
        Malformed: h11 does not take it, or takes it for something else.
    """
    connection.receive_data(head)
    event = _next(connection)
    if not isinstance(event, kind):
        raise Malformed("it can be read in two ways")
    return event


def _decoded(connection: h11.Connection, taken: bytes) -> tuple[bytes, bool]:
    """
    What those bytes of a body say, and whether they end it.
    """
    if taken:
        connection.receive_data(taken)
    pieces = []
    while isinstance(event := _next(connection), h11.Data):
        pieces.append(bytes(event.data))
    return b"".join(pieces), isinstance(event, h11.EndOfMessage)


def _next(connection: h11.Connection) -> Any:
    try:
        return connection.next_event()
    except h11.RemoteProtocolError:
        # Not its cause and not its text: both hold the bytes.
        raise Malformed("it can be read in two ways") from None


def _encoded(connection: h11.Connection, data: bytes, *, done: bool) -> bytes:
    """
    A piece of a body, and its end without trailers: nobody decided on those.
    """
    written = connection.send(h11.Data(data=data)) if data else b""
    return written + connection.send(h11.EndOfMessage()) if done else written
