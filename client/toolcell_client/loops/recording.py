"""
Writes down what came of a call.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_client.loops.entries import CallAnswered
from toolcell_client.result import Result

if TYPE_CHECKING:
    from toolcell_client.errors import ToolcellError
    from toolcell_client.formats.turns import Answer


def answered(answer: Answer, outcome: Result | ToolcellError | None) -> CallAnswered:
    """
    The entry of a call; `outcome` is what the service said, None if it was not asked.
    """
    call = answer.call
    value = answer.value if isinstance(answer.value, dict) else {}
    ran = outcome if isinstance(outcome, Result) else None
    problem = str(value.get("error", "")) if answer.failed and ran is None else ""
    return CallAnswered(
        call_id=call.call_id,
        tool=call.tool or call.raw.name,
        arguments=call.arguments if call.problem is None else call.raw.arguments,
        problem=problem,
        execution_id=ran.execution_id if ran else getattr(outcome, "execution_id", ""),
        outcome=ran.label if ran else "",
        seconds=ran.usage.wall.ToNanoseconds() / 1e9 if ran else None,
        truncated=bool(ran and ran.truncated),
        failed=answer.failed,
        answer=answer.text,
    )
