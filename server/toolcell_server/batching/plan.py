"""
What a batch asks for, checked as a whole before any call of it begins.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.refusals import InvalidField
from toolcell_server.request_fields import MAXIMUM_CALL_ID, check_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.settings.batch import BatchSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    The calls in their order, each with a `call_id` of its own, and how many run at once.
    """

    calls: tuple[pb.ExecuteRequest, ...]
    parallel: int
    stop_on_failure: bool


def planned(request: pb.ExecuteBatchRequest, bounds: BatchSettings) -> Plan:
    """
    Raises:
        InvalidField: there are none or too many, or a `call_id` is malformed or there twice.
    """
    if not 0 < len(request.calls) <= bounds.max_calls:
        raise InvalidField("calls", f"must be at least 1 and at most {bounds.max_calls} calls")
    _check_ids([call.call_id for call in request.calls])
    given = {call.call_id for call in request.calls}
    parallel = min(request.max_parallel or bounds.max_parallel, bounds.max_parallel)
    return Plan(
        calls=tuple(_named(call, n, given) for n, call in enumerate(request.calls, 1)),
        parallel=min(parallel, len(request.calls)),
        stop_on_failure=request.stop_on_failure,
    )


def _check_ids(call_ids: Sequence[str]) -> None:
    first: dict[str, int] = {}
    for index, call_id in enumerate(call_ids):
        check_text(f"calls[{index}].call_id", call_id, MAXIMUM_CALL_ID)
        if call_id and first.setdefault(call_id, index) != index:
            other = f"calls[{first[call_id]}]"
            raise InvalidField(f"calls[{index}].call_id", f"must not be that of {other} too")


def _named(call: pb.ExecuteRequest, number: int, given: set[str]) -> pb.ExecuteRequest:
    if call.call_id:
        return call
    named = pb.ExecuteRequest()
    named.CopyFrom(call)
    named.call_id = str(number)
    while named.call_id in given:  # somebody else's own
        named.call_id = f"#{named.call_id}"
    return named
