"""
What a host is told of a call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell.v1 import host_pb2

from toolcell_server.durations import to_duration

if TYPE_CHECKING:
    from toolcell_server.execution import Execution

_SHORTEST_SECONDS = 0.001  # a duration is positive


def start_of(execution: Execution, now: float) -> host_pb2.HostedCall:
    """
    The call; `now` is a reading of the monotonic clock.
    """
    limits = execution.grant.limits
    left = limits.wall_seconds
    if execution.deadline is not None:
        left = min(left, execution.deadline - now)
    return host_pb2.HostedCall(
        tool=execution.tool.name,
        version=execution.tool.version,
        arguments_json=execution.arguments or b"{}",
        execution_id=execution.execution_id,
        call_id=execution.call_id,
        attempt=execution.attempt,
        timeout=to_duration(max(_SHORTEST_SECONDS, left)),
        result_bytes=limits.result_bytes,
    )
