"""
What a client is told of a call.  Pure.

Theory of operation.  The first text block of a call that completed is the tool's JSON, byte for
byte, or its text if it returned one; `structuredContent` is the same value, parsed.  What the tool
printed follows, marked, and only its end: it is not the result, but often explains it.  Whatever
did not complete is a result with `isError` that a model can act on, and so is a refusal, because
nothing but an unknown tool is the client's fault.  A result beyond a megabyte helps no model and
could break its client: it is told by its size.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import mcp_types as types
from toolcell.v1 import execution_pb2

from toolcell_client.errors import ContractBroken, ResultLeftOut, ToolcellError
from toolcell_client.loops.bounding import encodable
from toolcell_client.model_text import as_tool_message
from toolcell_client.plain import short_name

if TYPE_CHECKING:
    from toolcell_client.mcp_server.shapes import Shape
    from toolcell_client.result import Result

MAXIMUM_RESULT_BYTES = 2**20  # arbitrary; a quarter of a million tokens
MAXIMUM_DEPTH = 100  # the SDK's serializer gives up at 255, in the middle of a connection
SHOWN_CHARACTERS = 2_000  # arbitrary; of what was printed, or of a result that is too large
EXECUTION = "toolcell/executionId"
REACHED = "toolcell/isolation"
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def answer(outcome: Result | ToolcellError, shape: Shape) -> types.CallToolResult:
    """
    The answer to a call that ended, or that was refused.
    """
    if isinstance(outcome, ToolcellError):
        return mistake(as_tool_message(outcome))
    try:
        if not outcome.ok or outcome.result_left_out:
            return mistake({**as_tool_message(outcome), "ok": False}, outcome)
        if len(outcome.result_json) > MAXIMUM_RESULT_BYTES:
            return _too_large(outcome, f"has {len(outcome.result_json)} bytes")
        if _is_deep(outcome.value):
            return _too_large(outcome, f"is nested more than {MAXIMUM_DEPTH} levels deep")
        return _completed(outcome, shape)
    except (ContractBroken, ResultLeftOut) as exc:
        return mistake(as_tool_message(exc), outcome)


def mistake(told: dict[str, Any], result: Result | None = None) -> types.CallToolResult:
    """
    An answer with `isError`; `told` is what `as_tool_message` makes, or as short.
    """
    told = encodable(told)
    return types.CallToolResult(
        content=[types.TextContent(text=json.dumps(told, ensure_ascii=False))],
        structured_content=told,
        is_error=True,
        _meta=_meta(result),
    )


def refusal(error: str, message: str, hint: str, **more: Any) -> types.CallToolResult:
    """
    An answer of the bridge itself: nothing ran.
    """
    told = {"ok": False, "error": error, "message": message, "retryable": False, "hint": hint}
    return mistake({**told, **more})


def readable(text: str, most: int = SHOWN_CHARACTERS) -> str:
    """
    Text that a person is shown: nothing that moves a cursor or turns letters round.
    """
    text = _CONTROLS.sub("�", encodable(text))
    return text if len(text) <= most else f"{text[:most]}…"


def _completed(result: Result, shape: Shape) -> types.CallToolResult:
    value = encodable(result.value)
    written = result.result_json.decode(errors="replace") or "null"
    text = value if isinstance(value, str) else encodable(written)
    content: list[Any] = [types.TextContent(text=text)]
    if result.stdout:
        content.append(types.TextContent(text=_printed(result.stdout)))
    return types.CallToolResult(
        content=content, structured_content=shape.carried(value), _meta=_meta(result)
    )


def _too_large(result: Result, why: str) -> types.CallToolResult:
    told = {
        "ok": False,
        "error": "result_too_large",
        "message": f"The tool completed; its result {why} and was left out.",
        "retryable": False,
        "hint": "Ask for less: a smaller range, fewer columns, or one part at a time.",
        "beginning": result.result_json[:SHOWN_CHARACTERS].decode(errors="replace"),
    }
    return mistake(told, result)


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAXIMUM_DEPTH):
        inner: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                inner += each.values()
            elif isinstance(each, list):
                inner += each
        if not inner:
            return False
        level = inner
    return True


def _printed(output: bytes) -> str:
    text = output[-4 * SHOWN_CHARACTERS :].decode(errors="replace")
    shown = text[-SHOWN_CHARACTERS:]
    whole = len(shown.encode()) >= len(output)
    what = "all of it" if whole else f"the last {len(shown)} characters"
    return f"[printed by the tool, {what}]\n{shown}"


def _meta(result: Result | None) -> dict[str, Any] | None:
    if result is None or not result.execution_id:
        return None
    meta = {EXECUTION: result.execution_id}
    if result.isolation is not None:
        meta[REACHED] = short_name(execution_pb2.IsolationLevel, result.isolation.level)
    return meta
