"""
What a tool of an MCP server answered, as the result of a tool here.  Pure.

A tool that declares a schema of its result returns that value.  Any other returns its texts,
joined, and what else there is: images and sounds in base64, resources, links.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from toolcell_worker.errors import ResultInvalid, ToolError

ERROR_CHARACTERS = 4000
BLOCKS = 1000
# Of each kind of block, what is passed on, and under which name.
_KEPT = {
    "image": {"data": "data", "mimeType": "mime_type"},
    "audio": {"data": "data", "mimeType": "mime_type"},
    "resource": {"uri": "uri", "mimeType": "mime_type", "text": "text", "blob": "data"},
    "resource_link": {
        "uri": "uri",
        "mimeType": "mime_type",
        "name": "name",
        "description": "description",
    },
}


def value_of(result: dict[str, Any], *, structured: bool) -> Any:
    """
    The result of a tool; `structured`: it declares a schema of it.

    Raises:
        ResultInvalid: it is not what the protocol, or the tool, says.
        ToolError: the tool says that it failed.
    """
    blocks = result.get("content", [])
    if not isinstance(blocks, list) or len(blocks) > BLOCKS:
        raise ResultInvalid("the MCP server answered without a list of contents")
    text = "\n".join(
        block["text"]
        for block in blocks
        if _kind(block) == "text" and isinstance(block.get("text"), str)
    )
    if result.get("isError") is True:
        raise _failed(text)
    if structured:
        if "structuredContent" not in result:
            raise ResultInvalid("the MCP server answered without the value that its tool declares")
        return result["structuredContent"]
    value: dict[str, Any] = {"text": text}
    if others := [_other(block) for block in blocks if _kind(block) != "text"]:
        value["content"] = others
    if "structuredContent" in result:
        value["structured"] = result["structuredContent"]
    return value


def _failed(text: str) -> ToolError:
    message = text[:ERROR_CHARACTERS] or "the tool failed, and does not say why"
    hint = "Read why; correct the arguments before calling again."
    return ToolError(message, "MCP_TOOL_FAILED", "unknown", hint=hint, spoken="The tool failed.")


def _kind(block: Any) -> str:
    return str(block.get("type", "")) if isinstance(block, dict) else ""


def _other(block: Any) -> dict[str, Any]:
    kind = _kind(block)
    if kind not in _KEPT:
        return {"type": kind[:64] or "unknown"}
    held = block.get("resource") if kind == "resource" else block
    if not isinstance(held, dict):
        raise ResultInvalid("the MCP server answered with a resource that is none")
    kept = {new: held[old] for old, new in _KEPT[kind].items() if isinstance(held.get(old), str)}
    _check_bytes(kept)
    return {"type": kind, **kept}


def _check_bytes(kept: dict[str, str]) -> None:
    try:
        base64.b64decode(kept.get("data", ""), validate=True)
    except (binascii.Error, ValueError):
        raise ResultInvalid("the MCP server answered with bytes that are not base64") from None
