"""
What a model is told about a call, whatever came of it.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_client.formats.turns import Answer
from toolcell_client.model_text import as_tool_message

if TYPE_CHECKING:
    from toolcell_client.errors import ToolcellError
    from toolcell_client.loops.planning import Planned
    from toolcell_client.result import Result


def answer(planned: Planned, outcome: Result | ToolcellError) -> Answer:
    """
    Of a call that was sent: the value that the tool returned, or `as_tool_message` of what went
    wrong.
    """
    told = as_tool_message(outcome)
    if told["ok"]:
        told.pop("ok")
        value = told if len(told) > 1 else told["result"]
        return Answer(call=planned.call, value=value)
    return Answer(call=planned.call, value=told, failed=True)


def problem_answer(planned: Planned) -> Answer:
    """
    Of a call that was never sent, because it has a problem.
    """
    problem = planned.call.problem
    value = {
        "ok": False,
        "error": problem.value if problem else "unknown_tool",
        "message": planned.call.detail,
        "retryable": False,
    }
    return Answer(call=planned.call, value=value, failed=True)
