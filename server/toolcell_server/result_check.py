"""
What a tool returned, against what it promises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_server import endings
from toolcell_server.refusals import NoCapacity

if TYPE_CHECKING:
    from toolcell.v1 import execution_pb2 as pb

    from toolcell_server.tool import Tool
    from toolcell_server.validation import Validation


async def check_result(validation: Validation, tool: Tool, finished: pb.Finished) -> None:
    """
    Take a result back that is not what its tool promises, with the outcome that says so.
    """
    if not finished.outcome.HasField("completed"):
        return
    try:
        faults = await validation.check_result(tool, finished.result_json)
    except NoCapacity:  # no validator can be started, or the server ends
        withdraw(finished, endings.unchecked_result())
        return
    if faults:
        withdraw(finished, endings.bad_result(faults))


def withdraw(finished: pb.Finished, outcome: pb.Outcome) -> None:
    """
    It has not completed after all, but ended so.
    """
    finished.outcome.CopyFrom(outcome)
    finished.result_json = b""
    finished.result_bytes = 0
