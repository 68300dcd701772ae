"""
Schema-only tools: nothing runs, and the arguments, once they fit the schema, are the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.offered import OfferedTool
from toolcell_client.formats.turns import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.loops.planning import Planned


def extraction_tool(name: str, schema: Mapping[str, Any], description: str = "") -> OfferedTool:
    """
    A tool that a model calls to hand over data: an object that fits the schema.
    """
    return OfferedTool(
        name=name, description=description, parameters=schema, effects="read_only", schema_only=True
    )


def extract(planned: Planned) -> Answer:
    """
    Check the arguments, and say what the model is told.
    """
    return Answer(call=planned.call, value={"ok": True})
