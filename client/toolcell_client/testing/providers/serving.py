"""
The HTTP of the provider server: connections, bodies, streams, and connections that break.

Source: RFC 9112 for chunks, the HTML standard for server-sent events.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from toolcell_client.testing.providers import openai_words as words
from toolcell_client.testing.providers.paths import wire_at
from toolcell_client.testing.providers.realtime.session import RealtimeSession
from toolcell_client.testing.providers.realtime.websocket import WebSocket, accept_key
from toolcell_client.testing.providers.refusing import Refused
from toolcell_client.testing.providers.reply import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client.testing.providers.reply import Reply, Wire
    from toolcell_client.testing.providers.server import ProviderServer


KEY_PROTOCOL = "openai-insecure-api-key."  # how browsers, which set no headers, send the key


class Listener:
    """
    The socket that listens, and the thread that accepts.
    """

    def __init__(self, server: ProviderServer, port: int) -> None:
        self._http = _Server(server, port)
        host, bound = self._http.server_address[:2]
        self.address = (str(host), int(bound))
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """
        Break every connection, and wait for the threads.
        """
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.break_connections()
        self._http.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def __init__(self, server: ProviderServer, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.provider = server
        self.open: set[socket.socket] = set()
        self.lock = threading.Lock()

    def break_connections(self) -> None:
        with self.lock:
            for each in self.open:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """
        A client that has gone is no news; anything else is printed as always.
        """
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        with self.server.lock:
            self.server.open.add(self.connection)

    def finish(self) -> None:
        with self.server.lock:
            self.server.open.discard(self.connection)
        super().finish()

    def log_message(self, *_: Any) -> None:
        """
        Nothing: `requests` of the server is the log.
        """

    def do_POST(self) -> None:  # the standard library's name
        path, query = self._target()
        wire = wire_at(self.server.provider.kept, path)
        try:
            body = self._body()
            if wire is None:
                self._refuse(None, Refused(404, f"Invalid URL (POST {path})"))
                return
            request = Request(path, query, self._headers(), self._json(body))
            view = self.server.provider.admit(wire, request)
            reply = self.server.provider.reply(wire, view, request.body)
        except Refused as exc:
            self._refuse(wire, exc)
            return
        if reply.turn.how.hold and (not view.stream or not reply.turn.how.hold_after):
            self.server.provider.hold(reply.turn.how.hold)
        if view.stream:
            self._stream(reply, wire.events(reply))
        else:
            self._send(200, wire.whole(reply), reply.turn.how.write_bytes)

    def do_GET(self) -> None:  # the standard library's name
        path, query = self._target()
        if path == "/v1/realtime" and "websocket" in self.headers.get("upgrade", "").lower():
            self._speak(query)
            return
        self._refuse(
            wire_at(self.server.provider.kept, path), Refused(404, f"Invalid URL (GET {path})")
        )

    def _speak(self, query: dict[str, str]) -> None:
        """
        A realtime conversation, to its end.
        """
        headers = self._headers()
        offered = [each.strip() for each in headers.get("sec-websocket-protocol", "").split(",")]
        keys = [each.partition(KEY_PROTOCOL)[2] for each in offered if KEY_PROTOCOL in each]
        try:
            key = keys[0] if keys else words.authorize(headers)
            self.server.provider.check_key(key)
            self.server.provider.check_model(query.get("model", ""))
        except Refused as exc:
            self._send(exc.status, words.error(exc), None)
            return
        self.close_connection = True
        self.send_response(101)
        self.send_header("upgrade", "websocket")
        self.send_header("connection", "Upgrade")
        self.send_header("sec-websocket-accept", accept_key(headers.get("sec-websocket-key", "")))
        if "realtime" in offered:
            self.send_header("sec-websocket-protocol", "realtime")
        self.end_headers()
        socket_ = WebSocket(self.rfile, self.connection)
        session = RealtimeSession(self.server.provider, socket_, query["model"], headers)
        self.server.provider.open(session)
        session.run()

    def _target(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query, keep_blank_values=True)
        return parts.path, {name: values[0] for name, values in query.items()}

    def _headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def _body(self) -> bytes:
        declared = self.headers.get("content-length") or "0"
        if not (declared.isascii() and declared.isdigit() and len(declared) < 20):
            self.close_connection = True  # a negative one would be read without an end
            raise Refused(400, "Content-Length is no number of bytes")
        length = int(declared)
        if length > self.server.provider.max_body_bytes:
            self.close_connection = True
            raise Refused(413, "Request exceeds the maximum size")
        return self.rfile.read(length)

    def _json(self, body: bytes) -> dict[str, Any]:
        kind = self.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "application/json":
            raise Refused(400, f"Unsupported content type: '{kind}'. Use 'application/json'.")
        try:
            value = json.loads(body)
        except (ValueError, RecursionError) as exc:
            raise Refused(400, f"We could not parse the JSON body of your request: {exc}") from exc
        if not isinstance(value, dict):
            raise Refused(400, "We could not parse the JSON body of your request: it is no object")
        return value

    def _refuse(self, wire: Wire | None, refused: Refused) -> None:
        body = wire.error(refused) if wire else {"error": {"message": refused.message}}
        again = {} if refused.retry_after is None else {"retry-after": f"{refused.retry_after:g}"}
        self._send(refused.status, body, None, again)

    def _send(
        self,
        status: int,
        body: dict[str, Any],
        write_bytes: int | None,
        more: dict[str, str] | None = None,
    ) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        headers = {"content-type": "application/json", "content-length": f"{len(data)}"}
        for name, value in (headers | (more or {})).items():
            self.send_header(name, value)
        self.end_headers()
        for part in _parts(data, write_bytes):
            self.wfile.write(part)

    def _stream(self, reply: Reply, events: Iterator[str]) -> None:
        """
        In chunks of HTTP; a stream that is cut ends without the last chunk.
        """
        how = reply.turn.how
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for sent, event in enumerate(list(events)[: how.cut_after]):
            if how.hold and how.hold_after and sent == how.hold_after:
                self.server.provider.hold(how.hold)
            for part in _parts(event.encode(), how.write_bytes):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
        if how.cut_after is None:
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.close_connection = True


def _parts(data: bytes, size: int | None) -> list[bytes]:
    if size is None:
        return [data]
    return [data[at : at + size] for at in range(0, len(data), size)]
