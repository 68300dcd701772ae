"""
Answers calls of a turn for tests, without executing any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats import Answer, OfferedTool, ToolCall, Toolset

if TYPE_CHECKING:
    from toolcell_client.formats.turns import WireTurn

PLACE = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = Toolset(
    [
        OfferedTool(name="get_weather", description="Says the weather.", parameters=PLACE),
        OfferedTool(name="get_time", description="", parameters={"type": "object"}),
    ]
)


def answered(turn: WireTurn, *values: Any) -> list[Answer]:
    """
    One answer for each call of a turn, in its order.
    """
    read = [ToolCall(raw=each, tool=each.name) for each in turn.calls]
    return [Answer(call=call, value=value) for call, value in zip(read, values, strict=True)]
