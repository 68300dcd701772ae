"""
Schema-only tools: nothing runs, and the arguments, once they fit the schema, are the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.offered import OfferedTool
from toolcell_client.formats.turns import Answer
from toolcell_client.loops.repairing import repairable
from toolcell_client.loops.validating import violations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.loops.planning import Planned

TAKEN = {"ok": True, "message": "Taken."}


NOT_TAKEN = {
    "ok": False,
    "error": "invalid_arguments",
    "message": "The arguments do not fit the schema; nothing was taken.",
    "retryable": False,
    "hint": "Correct what the violations name, and call again.",
}


def extraction_tool(name: str, schema: Mapping[str, Any], description: str = "") -> OfferedTool:
    """
    A tool that a model calls to hand over data: an object that fits the schema.
    """
    return OfferedTool(
        name=name, description=description, parameters=schema, effects="read_only", schema_only=True
    )


def extract(planned: Planned) -> Answer:
    """
    Check the arguments, and say what the model is told: that they are taken, or what is wrong.

    Raises:
        NotInstalled: `jsonschema` is missing.
        ValueError: the developer's schema is none.
    """
    assert planned.tool is not None, "only tools that were offered are planned so"
    schema = planned.tool.parameters
    found = violations(schema, planned.arguments_json)
    if not found:
        return Answer(call=planned.call, value=TAKEN)
    told: dict[str, Any] = {
        **NOT_TAKEN,
        "violations": repairable(found, schema, planned.call.arguments, planned.properties),
    }
    return Answer(call=planned.call, value=told, failed=True)
