"""
Tools as MCP describes them.  Pure.

Theory of operation.  The annotations are what the cell enforces, not what a tool says of itself: a
tool that is read-only here has no writable grant and no network that changes anything, and one
without domains has no network at all.  A tool that runs at a host runs outside every cell; nothing
is enforced there, so nothing is promised: its annotations are the protocol's defaults.
"""

from __future__ import annotations

import json
from typing import Any

import mcp_types as types
from toolcell.v1 import execution_pb2, registry_pb2

from toolcell_client.mcp_server.shapes import Shape, shape_of
from toolcell_client.plain import short_name

VERSION = "toolcell/version"
ISOLATION = "toolcell/minimumIsolation"


def described(tool: registry_pb2.Tool, *, modern: bool) -> types.Tool:
    """
    One tool; the schema of its arguments is its own.
    """
    parameters: dict[str, Any] = json.loads(tool.parameters_json or b"{}")
    return types.Tool(
        name=tool.name,
        title=tool.title or None,
        description=tool.description or None,
        input_schema=parameters if "type" in parameters else {"type": "object", **parameters},
        output_schema=result_shape(tool, modern=modern).schema,
        annotations=hints(tool),
        _meta=_meta(tool),
    )


def result_shape(tool: registry_pb2.Tool, *, modern: bool) -> Shape:
    """
    How its results are carried.
    """
    returns = json.loads(tool.returns_json) if tool.returns_json else None
    return shape_of(returns, modern=modern)


def hints(tool: registry_pb2.Tool) -> types.ToolAnnotations:
    """
    What a client may believe of what a call does.
    """
    if tool.hosted:
        return types.ToolAnnotations(
            read_only_hint=False,
            destructive_hint=True,
            idempotent_hint=False,
            open_world_hint=True,
        )
    return types.ToolAnnotations(
        read_only_hint=tool.effects == registry_pb2.EFFECTS_READ_ONLY,
        destructive_hint=tool.effects == registry_pb2.EFFECTS_DESTRUCTIVE,
        idempotent_hint=tool.idempotent,
        open_world_hint=bool(tool.domains),
    )


def _meta(tool: registry_pb2.Tool) -> dict[str, Any]:
    meta = {VERSION: tool.version}
    if tool.minimum_isolation:
        meta[ISOLATION] = short_name(execution_pb2.IsolationLevel, tool.minimum_isolation)
    return meta
