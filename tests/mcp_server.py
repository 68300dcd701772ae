"""
An MCP server by hand, for tests: with the standard library alone, good or bad as it is told.

`mcp_server.py [ERA] [FAULT]`: the era is a version of the protocol, of which the newest knows no
`initialize`; the fault is one of `FAULTS`.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

ERA = sys.argv[1] if len(sys.argv) > 1 else "2025-06-18"
FAULT = sys.argv[2] if len(sys.argv) > 2 else ""
MODERN = "2026-07-28"
TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "additionalProperties": False}
SUM = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
}
TOTAL = {"type": "object", "properties": {"total": {"type": "integer"}}, "required": ["total"]}
TOOLS: list[dict[str, Any]] = [
    {"name": "echo", "description": "Says it again.", "inputSchema": TEXT},
    {"name": "add", "description": "Adds.", "inputSchema": SUM, "outputSchema": TOTAL},
    {"name": "look", "description": "Looks around.", "inputSchema": TEXT},
    {"name": "tell", "description": "Tells how it goes.", "inputSchema": TEXT},
    {"name": "fail", "description": "Fails.", "inputSchema": TEXT},
    {"name": "show", "description": "Shows.", "inputSchema": TEXT},
    {
        "name": "wipe",
        "description": "Wipes.",
        "inputSchema": TEXT,
        "annotations": {"destructiveHint": True, "readOnlyHint": False},
    },
    {
        "name": "harmless",
        "description": "Says that it is.",
        "inputSchema": TEXT,
        "annotations": {"readOnlyHint": True, "destructiveHint": False},
    },
]
# Tools that no server may offer; each is left out, and the others are not.
HOSTILE: list[Any] = [
    {
        "name": "bomb",
        "inputSchema": {"type": "object", "properties": {f"p{n}": {} for n in range(3000)}},
    },
    {
        "name": "remote",
        "inputSchema": {"type": "object", "properties": {"a": {"$ref": "http://x.test"}}},
    },
    {"name": "no_schema", "inputSchema": "none"},
    {
        "name": "deep",
        "inputSchema": {"type": "object", "not": {"not": {}}, "allOf": [{"$ref": "#"}]},
    },
    {"name": 5, "inputSchema": TEXT},
    "no tool at all",
    {"name": "../../\x00\n", "description": "\x1b[2J" + "x" * 5000, "inputSchema": TEXT},
]


def say(message: Any) -> None:
    line = message if isinstance(message, str) else json.dumps(message)
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def answer(number: Any, result: Any) -> None:
    say({"jsonrpc": "2.0", "id": number, "result": result})


def refuse(number: Any, code: int, message: str) -> None:
    say({"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message}})


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": words}], **more}


def looked(order: dict[str, Any]) -> str:
    """
    What can be had: a file, a host, the environment.
    """
    try:
        if "file" in order:
            return Path(order["file"]).read_text()
        if "host" in order:
            socket.create_connection((order["host"], order["port"]), 5).close()
            return "connected"
        return json.dumps(dict(os.environ))
    except OSError as exc:
        return f"cannot: {exc.strerror or exc}"


def call(number: Any, params: dict[str, Any]) -> None:
    name, given = params["name"], params.get("arguments") or {}
    if name == "echo":
        answer(number, text(given.get("text", "")))
    elif name == "add":
        total = {"total": given["a"] + given["b"]}
        answer(number, text(json.dumps(total), structuredContent=total))
    elif name == "look":
        answer(number, text(looked(json.loads(given["text"]))))
    elif name == "tell":
        tell(params["_meta"]["progressToken"])
        answer(number, text("told"))
    elif name == "fail":
        answer(number, text("it cannot be done", isError=True))
    elif name == "show":
        picture = {"type": "image", "data": "aGVsbG8=", "mimeType": "image/png"}
        link = {"type": "resource_link", "uri": "file:///a", "name": "a", "secret": "x"}
        held = {
            "type": "resource",
            "resource": {"uri": "a://b", "text": "words", "mimeType": "a/b"},
        }
        answer(
            number,
            {"content": [{"type": "text", "text": "see"}, picture, link, held, {"type": "?"}]},
        )
    else:
        refuse(number, -32602, f"unknown tool {name}")


def tell(token: Any) -> None:
    for done in (1, 2):
        params = {"progressToken": token, "progress": done, "total": 2, "message": f"step {done}"}
        say({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})
    params = {"level": "alert", "logger": "l", "data": {"a": 1}}
    say({"jsonrpc": "2.0", "method": "notifications/message", "params": params})
    say({"jsonrpc": "2.0", "id": "theirs", "method": "sampling/createMessage", "params": {}})
    reply = json.loads(sys.stdin.readline())
    assert (reply["id"], reply["error"]["code"]) == ("theirs", -32601), reply
    say({"jsonrpc": "2.0", "id": 7, "method": "ping"})
    assert json.loads(sys.stdin.readline())["result"] == {}


def flood() -> None:
    while True:
        say({"jsonrpc": "2.0", "method": "notifications/progress", "params": {}})


def hold() -> None:
    """
    End, and leave a child that holds the pipe for as long as anybody reads it.
    """
    if os.fork():
        os._exit(3)
    sys.stdin.read()
    os._exit(0)


def answer_neither_way(number: Any) -> None:
    say({"jsonrpc": "2.0", "id": number})


def answer_with_nan(number: Any) -> None:
    """
    No message at all, and then its end.
    """
    say(f'{{"jsonrpc": "2.0", "id": {number}, "result": {{"content": [], "x": NaN}}}}')
    os._exit(0)


FAULTS: dict[str, Any] = {
    "ends": lambda _: os._exit(3),
    "holds its pipe": lambda _: hold(),
    "writes one line without end": lambda _: [sys.stdout.write("x" * 2**20) for _ in range(1000)],
    "writes notices without end": lambda _: flood(),
    "writes what is no JSON without end": lambda _: say("hello\n" * 100_000),
    "answers neither way": answer_neither_way,
    "answers with a list": lambda number: answer(number, []),
    "answers with content that is none": lambda number: answer(number, {"content": "x"}),
    "answers without what it declares": lambda number: answer(number, text("x")),
    "answers with what is no base64": lambda number: answer(
        number, {"content": [{"type": "image", "data": "?"}]}
    ),
    "asks a person": lambda number: answer(number, {"resultType": "input_required"}),
    "makes a task of it": lambda number: answer(number, {"resultType": "task", "taskId": "a"}),
    "refuses": lambda number: refuse(number, -32603, "no"),
    "writes numbers that are none": answer_with_nan,
}
LISTS: dict[str, Any] = {
    "offers what no server may": lambda number: answer(number, {"tools": [*HOSTILE, *TOOLS]}),
    "lists without end": lambda number: answer(number, {"tools": TOOLS, "nextCursor": "more"}),
    "lists too much": lambda number: answer(
        number, {"tools": [{"name": f"t{n}", "inputSchema": TEXT} for n in range(501)]}
    ),
    "lists nothing": lambda number: answer(number, {"tools": []}),
    "lists no list": lambda number: answer(number, {"tools": {"a": 1}}),
}


def serve(message: dict[str, Any]) -> None:  # noqa: C901  # one branch for each method
    method, number, params = message.get("method"), message.get("id"), message.get("params") or {}
    if method == "initialize" and ERA != MODERN:
        capabilities: Any = {"tools": {}, **({"logging": {}} if ERA > "2025" else {})}
        answer(
            number,
            {"protocolVersion": ERA, "capabilities": capabilities, "serverInfo": {"name": "t"}},
        )
    elif method == "server/discover" and ERA == MODERN:
        answer(number, {"supportedVersions": [MODERN], "resultType": "complete"})
    elif method == "logging/setLevel":
        answer(number, {})
    elif method == "tools/list":
        if FAULT in LISTS:
            LISTS[FAULT](number)
        elif "cursor" in params:
            answer(number, {"tools": TOOLS[3:]})
        else:
            answer(number, {"tools": TOOLS[:3], "nextCursor": "more"})
    elif method == "tools/call":
        if ERA == MODERN:
            assert params["_meta"]["io.modelcontextprotocol/protocolVersion"] == MODERN
        if FAULT in FAULTS:
            FAULTS[FAULT](number)
        else:
            call(number, params)
    elif number is not None:
        refuse(number, -32601, f"no method {method}")


def main() -> None:
    print("a greeting that is no message", flush=True)
    print("on standard error", file=sys.stderr, flush=True)
    while line := sys.stdin.readline():
        serve(json.loads(line))


if __name__ == "__main__":
    main()
