"""
Plain HTTP between one client in a cell and one server: asked about, then written anew.  Pure.

Theory of operation.  The relay feeds in what it receives and does what it is told.  The gate is
always in one of four states:

    reading a head   until it is whole; then the relay is asked
    asked            nothing moves until the relay allows or refuses
    exchanging       the request's body goes one way, the response the other
    closed           whatever comes is dropped

A client that pipelines waits: bytes behind a request are looked at only when its response is
complete, so there is never a second request upstream to be answered out of turn.  A server that
speaks before it is asked, or says more than its response, ends both connections: whatever that
was, the client would take it for the answer to its next request.

No Via header is added (RFC 9110 section 7.6.3 wants one): the relay is not to be seen, and loops
end where the relay refuses addresses of its own host.

Memory: for each connection at most one head or chunk line of either side, `HELD_CEILING` of a
client that pipelines, and what one call was given; never a body.  A relay that asks `reads_client`
before it reads stays far below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from toolcell_server.egress.http_actions import Action, Ask, Close, ToClient, ToServer
from toolcell_server.egress.http_errors import Malformed, NotTaken
from toolcell_server.egress.http_exchange import Exchange
from toolcell_server.egress.http_lines import REQUEST_LINE, HeadLines
from toolcell_server.egress.http_refusals import refusal
from toolcell_server.egress.http_request import read_request
from toolcell_server.egress.http_secrets import Echoes, Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

HELD_BYTES: Final = 64 * 1024  # of the client's, while they wait; more should not be read
HELD_CEILING: Final = 1024 * 1024  # more is a relay that reads on all the same


class NotAsked(RuntimeError):  # noqa: N818  # names what happened
    """
    Raised when a request is allowed or refused that nobody was asked about.
    """


class HttpGate:
    """
    One client connection and the one server connection that belongs to it.

    Each method returns what to do, in that order; any of them may return an `Ask`, always as the
    last action.  End of file is `b""`.  A connection that was reset instead is for the relay to
    end, not to be told as an end of file: that would make half a body a whole one.

    `one_request`: none may follow the first.
    """

    def __init__(self, *, one_request: bool = False) -> None:
        self._one_request = one_request
        self._from_client = bytearray()
        self._from_server = bytearray()
        self._client_ended = False
        self._request_lines = HeadLines(REQUEST_LINE)
        self._exchange: Exchange | None = None
        self._asked = False
        self._closed = False
        self._echoes = Echoes()
        self._actions: list[Action] = []

    @property
    def reads_client(self) -> bool:
        """
        Whether more of the client's bytes are wanted now.  Until they are, they belong into the
        socket's buffer, where they hold the client up.
        """
        return not self._closed and len(self._from_client) < HELD_BYTES

    def receive_from_client(self, data: bytes) -> list[Action]:
        if self._closed:
            return []
        if len(self._from_client) > HELD_CEILING:
            self._close()
            return self._taken()
        self._from_client += data
        self._client_ended = self._client_ended or not data
        if self._exchange is None:
            self._read_head()
        elif not self._asked:
            self._pass_request_body(self._exchange)
        return self._taken()

    def receive_from_server(self, data: bytes) -> list[Action]:
        if self._closed:
            return []
        if self._exchange is None or self._asked:
            self._close()
        else:
            self._from_server += data
            self._pass_response(self._exchange, ended=not data)
        return self._taken()

    def allow(self, extra_headers: Sequence[tuple[str, Secret]] = ()) -> list[Action]:
        """
        Let the request go, with these headers in place of the client's own of the same names.

        Raises:
            NotAsked: there is nothing to allow.
            ValueError: such a header cannot be added; the request still waits for a decision.
        """
        if self._closed:  # the connection ended while the relay decided
            return []
        exchange = self._decided()
        self._actions.append(ToServer(exchange.begin(extra_headers)))
        self._asked = False
        self._pass_request_body(exchange)
        return self._taken()

    def refuse(self, status: int, reason: str) -> list[Action]:
        """
        Answer the request ourselves, and end the connection.

        Raises:
            NotAsked: there is nothing to refuse.
            ValueError: the status is not that of an error, or the reason is not a word.
        """
        if self._closed:
            return []
        self._decided()
        self._refuse(status, reason)
        return self._taken()

    # Reading the client...

    def _read_head(self) -> None:
        if self._client_ended and not self._from_client:
            self._close()
            return
        try:
            self._exchange = self._next_exchange()
        except NotTaken as not_taken:
            self._refuse(403, not_taken.reason, str(not_taken))
        except Malformed as malformed:
            self._refuse(400, "malformed", str(malformed))
        if self._exchange is not None:
            self._asked = True
            self._actions.append(Ask(self._exchange.request.head))

    def _next_exchange(self) -> Exchange | None:
        raw = self._request_lines.take(self._from_client)
        if raw is not None:
            return Exchange(read_request(raw), self._echoes, last=self._one_request)
        if self._client_ended:
            raise Malformed("it ended early")
        return None

    def _pass_request_body(self, exchange: Exchange) -> None:
        try:
            for data in exchange.request_body(self._from_client, ended=self._client_ended):
                self._to_server(data)
        except Malformed as malformed:
            self._refuse(400, "malformed", str(malformed))
        if exchange.request_done and exchange.last:
            self._from_client.clear()  # nobody will ever look at it

    # Reading the server...

    def _pass_response(self, exchange: Exchange, *, ended: bool) -> None:
        try:
            for data in exchange.response(self._from_server, ended=ended):
                self._to_client(data)
        except Malformed as malformed:
            self._refuse(502, "bad_response", f"the server's response is malformed: {malformed}")
        if exchange.response_done:
            self._finish(exchange, ended=ended)

    def _finish(self, exchange: Exchange, *, ended: bool) -> None:
        if exchange.last or ended or self._from_server:
            self._close()
            return
        self._exchange = None
        self._request_lines = HeadLines(REQUEST_LINE)
        self._read_head()  # the client may have sent its next request already

    # Ending...

    def _refuse(self, status: int, reason: str, sentence: str = "") -> None:
        """
        Say why, if the client can still take it for the response, and close.
        """
        if self._exchange is None or not self._exchange.response_begun:
            heads_only = self._exchange is not None and self._exchange.request.head.method == "HEAD"
            self._to_client(refusal(status, reason, sentence, with_body=not heads_only))
        self._close()

    def _close(self) -> None:
        if not self._closed:
            self._closed = True
            self._from_client.clear()
            self._from_server.clear()
            self._actions.append(Close())

    # What the calls above share...

    def _decided(self) -> Exchange:
        if self._exchange is None or not self._asked:
            raise NotAsked("no request waits for a decision")
        return self._exchange

    def _to_server(self, data: bytes) -> None:
        if data:
            self._actions.append(ToServer(data))

    def _to_client(self, data: bytes) -> None:
        if data:
            self._actions.append(ToClient(data))

    def _taken(self) -> list[Action]:
        taken, self._actions = self._actions, []
        return taken
