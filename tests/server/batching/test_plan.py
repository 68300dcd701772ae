from __future__ import annotations

import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.batching.plan import planned
from toolcell_server.refusals import InvalidField
from toolcell_server.settings.batch import BatchSettings

BOUNDS = BatchSettings(max_calls=4, max_parallel=3)


def request(*call_ids: str, max_parallel: int = 0) -> pb.ExecuteBatchRequest:
    calls = [pb.ExecuteRequest(tool="t", call_id=each) for each in call_ids]
    return pb.ExecuteBatchRequest(calls=calls, max_parallel=max_parallel)


def test_a_call_without_an_id_gets_its_number() -> None:
    plan = planned(request("a", "", "b", ""), BOUNDS)

    assert ["a", "2", "b", "4"] == [call.call_id for call in plan.calls]


def test_an_assigned_id_is_nobody_elses() -> None:
    plan = planned(request("2", "", "#2"), BOUNDS)

    assert ["2", "##2", "#2"] == [call.call_id for call in plan.calls]


@pytest.mark.parametrize(
    ("asked", "count", "parallel"), [(0, 4, 3), (1, 4, 1), (2, 4, 2), (9, 4, 3), (0, 2, 2)]
)
def test_no_more_run_at_once_than_the_operator_allows(
    asked: int, count: int, parallel: int
) -> None:
    assert parallel == planned(request(*[""] * count, max_parallel=asked), BOUNDS).parallel


@pytest.mark.parametrize(
    ("call_ids", "field"),
    [
        ((), "calls"),
        (("",) * 5, "calls"),
        (("a", "b", "a"), "calls[2].call_id"),
        (("a", "x" * 257), "calls[1].call_id"),
        (("a\n",), "calls[0].call_id"),
    ],
)
def test_what_is_wrong_is_refused_by_name(call_ids: tuple[str, ...], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        planned(request(*call_ids), BOUNDS)

    assert field == refused.value.metadata["field"]
