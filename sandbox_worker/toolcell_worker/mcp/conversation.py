"""
JSON-RPC with an MCP server: one request at a time, and what the server says in between.

Two eras of the protocol are spoken.  Up to 2025-11-25 a connection begins with `initialize`; from
2026-07-28 on there is no connection, and each request says who asks.  The first is tried first:
servers of both eras answer it, and one of the second refuses it by an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_worker.errors import ToolError
from toolcell_worker.mcp.pipe import HINT, SPOKEN, Pipe, fault

if TYPE_CHECKING:
    from collections.abc import Callable

NEWEST = "2025-11-25"
VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", NEWEST)
WITHOUT_HELLO = "2026-07-28"
CLIENT = {"name": "toolcell", "version": "1"}
MESSAGES = 10_000  # in one call; arbitrary
METHOD_NOT_FOUND, INVALID_PARAMS = -32601, -32602
_KEY = "io.modelcontextprotocol/"
_PER_REQUEST = {
    f"{_KEY}protocolVersion": WITHOUT_HELLO,
    f"{_KEY}clientInfo": CLIENT,
    f"{_KEY}clientCapabilities": {},
    f"{_KEY}logLevel": "info",
}


class Refused(ToolError):  # noqa: N818  # names what happened
    """
    Raised when the server answers a request with an error.
    """

    def __init__(self, number: int, message: str) -> None:
        ours = number == INVALID_PARAMS
        super().__init__(
            f"the MCP server refused: {message}",
            f"MCP_{abs(number)}",
            "user" if ours else "permanent",
            hint="Correct the arguments." if ours else HINT,
            spoken=SPOKEN,
        )
        self.number = number


class Conversation:
    """
    With one server.  `told(method, params)` is called for each of its notifications.
    """

    def __init__(self, pipe: Pipe, told: Callable[[str, dict[str, Any]], None]) -> None:
        self._pipe = pipe
        self._told = told
        self._last = 0
        self._received = 0
        self._meta: dict[str, Any] = {}

    def begin(self) -> None:
        """
        Agree on a version.

        Raises:
            ToolError: there is none that both speak.
        """
        hello = {"protocolVersion": NEWEST, "capabilities": {}, "clientInfo": CLIENT}
        try:
            answer = self.request("initialize", hello)
        except Refused as exc:
            self._meta = _PER_REQUEST
            self._discover(exc)
            return
        version = answer.get("protocolVersion")
        if version not in VERSIONS:
            raise fault(
                f"the MCP server speaks version {version!r:.40} of the protocol", "MCP_VERSION"
            )
        self._pipe.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        capabilities = answer.get("capabilities")
        if isinstance(capabilities, dict) and "logging" in capabilities:
            self._ask("logging/setLevel", {"level": "info"})  # its answer may come at any time

    def _discover(self, first: Refused) -> None:
        try:
            answer = self.request("server/discover", {})
        except Refused:
            raise first from None
        if WITHOUT_HELLO not in (answer.get("supportedVersions") or ()):
            raise fault(
                "the MCP server speaks no version of the protocol that we do", "MCP_VERSION"
            )

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """
        The result of a request.

        Raises:
            Refused: the server answers with an error.
            ToolError: it has ended, or does not speak the protocol.
        """
        number = self._ask(method, params)
        while True:
            message = self._pipe.receive()
            self._received += 1
            if self._received > MESSAGES:
                raise fault("the MCP server sends messages without end", "MCP_TOO_LONG")
            if "method" in message:
                self._answer(message)
            elif message.get("id") == number and not isinstance(message["id"], bool):
                return _result(message)

    def _ask(self, method: str, params: dict[str, Any]) -> int:
        self._last += 1
        meta = {**self._meta, "progressToken": self._last}
        params = {**params, "_meta": meta}
        self._pipe.send({"jsonrpc": "2.0", "id": self._last, "method": method, "params": params})
        return self._last

    def _answer(self, message: dict[str, Any]) -> None:
        """
        A notification is told; of what the server asks for, only whether we live is answered.
        """
        method, params = message["method"], message.get("params")
        if "id" not in message:
            if isinstance(method, str):
                self._told(method, params if isinstance(params, dict) else {})
            return
        reply: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
        if method == "ping":
            reply["result"] = {}
        else:
            reply["error"] = {"code": METHOD_NOT_FOUND, "message": "this client offers nothing"}
        self._pipe.send(reply)


def _result(message: dict[str, Any]) -> dict[str, Any]:
    error, result = message.get("error"), message.get("result")
    if isinstance(error, dict):
        number, text = error.get("code"), error.get("message")
        number = number if isinstance(number, int) else 0
        raise Refused(number, text[:2000] if isinstance(text, str) else "it does not say why")
    if not isinstance(result, dict):
        raise fault("the MCP server answered with neither a result nor an error", "MCP_MALFORMED")
    kind = result.get("resultType", "complete")
    if kind != "complete":
        what = (
            "asks a person for more"
            if kind == "input_required"
            else f"answered with a {kind!r:.40}"
        )
        raise fault(f"the MCP server {what}, which is not supported here", "MCP_NOT_SUPPORTED")
    return result
