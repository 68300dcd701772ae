"""
Limits: who may set them, and that nobody passes the one before.
"""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.limits import NAMES, Limits
from toolcell_server.refusals import CallRefused, InvalidField, LimitAboveCeiling

DEFAULTS = Limits()
CEILINGS = Limits(wall_seconds=60.0, cpu_seconds=60.0, memory_bytes=2**30, processes=64)


def test_a_manifest_that_asks_for_nothing_gets_the_defaults() -> None:
    """
    A tool without a `limits` section must not run without limits.
    """
    assert Limits.from_manifest({}, DEFAULTS, CEILINGS) == DEFAULTS


def test_a_manifest_sets_its_own_limits_up_to_the_ceilings() -> None:
    """
    The author of a tool does not know the host; the operator's ceiling wins in silence.
    """
    asked = {"wall_seconds": 45, "memory_bytes": 2**40, "processes": 1}

    found = Limits.from_manifest(asked, DEFAULTS, CEILINGS)

    assert (found.wall_seconds, found.memory_bytes, found.processes) == (45, 2**30, 1)


def test_defaults_above_the_ceilings_are_lowered_too() -> None:
    """
    An operator who lowers a ceiling must not have to find the default as well.
    """
    ceilings = Limits(wall_seconds=1.0)

    assert Limits.from_manifest({}, DEFAULTS, ceilings).wall_seconds == 1.0


NO_LIMITS: dict[str, tuple[dict[str, Any], str]] = {
    "zero is never unlimited": ({"wall_seconds": 0}, "limits.wall_seconds"),
    "a negative size": ({"memory_bytes": -1}, "limits.memory_bytes"),
    "not a number": ({"cpu_seconds": float("nan")}, "limits.cpu_seconds"),
    "infinite time": ({"wall_seconds": float("inf")}, "limits.wall_seconds"),
    "a text": ({"processes": "many"}, "limits.processes"),
    "null": ({"open_files": None}, "limits.open_files"),
    "a truth value is no count": ({"processes": True}, "limits.processes"),
    "half a byte": ({"output_bytes": 0.5}, "limits.output_bytes"),
    "an integer beyond any float": ({"wall_seconds": 10**400}, "limits.wall_seconds"),
    "more bytes than the cell can be told": ({"disk_bytes": 2**64}, "limits.disk_bytes"),
    "more processes than the cell can be told": ({"processes": 2**32}, "limits.processes"),
    "an unknown key": ({"memory": 5}, "limits.memory "),
}


@pytest.mark.parametrize(("asked", "named"), NO_LIMITS.values(), ids=NO_LIMITS)
def test_a_manifest_with_a_bad_limit_is_refused_by_name(asked: dict[str, Any], named: str) -> None:
    """
    The text becomes the reason why a tool is broken; its author must find the key in it.
    """
    with pytest.raises(ValueError, match=named):
        Limits.from_manifest(asked, DEFAULTS, CEILINGS)


def test_every_limit_can_be_lowered_by_a_call() -> None:
    """
    A limit that is forgotten here would be accepted and not enforced.
    """
    asked = Limits(**dict.fromkeys(NAMES, 1)).to_proto()

    found = DEFAULTS.narrowed_by(asked)

    assert {name: getattr(found, name) for name in NAMES} == dict.fromkeys(NAMES, 1)


@pytest.mark.parametrize("name", NAMES)
def test_no_limit_can_be_raised_by_a_call(name: str) -> None:
    """
    One above the tool's limit is refused, whichever it is; equal to it is not.
    """
    tool = Limits(**dict.fromkeys(NAMES, 5))
    raised = Limits(**{**dict.fromkeys(NAMES, 5), name: 6}).to_proto()

    assert tool.narrowed_by(tool.to_proto()) == tool
    with pytest.raises(LimitAboveCeiling) as refused:
        tool.narrowed_by(raised)

    assert refused.value.metadata["limit"] == name.removesuffix("_seconds")
    assert float(refused.value.metadata["allowed"]) == 5


def test_a_call_that_sets_nothing_keeps_the_tools_limits() -> None:
    """
    Zero and absent mean the same on this wire.
    """
    assert DEFAULTS.narrowed_by(pb.Limits(wall=Duration(), memory_bytes=0)) == DEFAULTS


BAD_REQUESTS: dict[str, tuple[pb.Limits, type[CallRefused], str]] = {
    "a negative duration": (pb.Limits(wall=Duration(seconds=-1)), InvalidField, "limits.wall"),
    "negative nanos": (pb.Limits(cpu=Duration(seconds=1, nanos=-5)), InvalidField, "limits.cpu"),
    "too many nanos": (pb.Limits(wall=Duration(nanos=10**9)), InvalidField, "limits.wall"),
    "ten thousand years": (pb.Limits(wall=Duration(seconds=2**62)), InvalidField, "limits.wall"),
}


@pytest.mark.parametrize(("asked", "kind", "field"), BAD_REQUESTS.values(), ids=BAD_REQUESTS)
def test_a_malformed_limit_is_refused_by_name(
    asked: pb.Limits, kind: type[CallRefused], field: str
) -> None:
    """
    A limit that is ignored is worse than one that is refused.
    """
    with pytest.raises(kind) as refused:
        DEFAULTS.narrowed_by(asked)

    assert refused.value.metadata["field"] == field


def test_limits_survive_the_contract() -> None:
    """
    What `Accepted` shows is what is enforced, to the nanosecond.
    """
    limits = Limits(wall_seconds=0.123456789, cpu_seconds=2.5)

    assert DEFAULTS.narrowed_by(limits.to_proto()) == limits


@pytest.mark.parametrize(
    ("manifest", "default", "ceiling", "call", "found"),
    [
        pytest.param({}, 0, 0, 0, 0, id="nobody limits them: they are not counted"),
        pytest.param({"file_operations": 5}, 0, 0, 0, 5, id="the tool"),
        pytest.param({"file_operations": 5}, 0, 3, 0, 3, id="the ceiling below the tool"),
        pytest.param({"file_operations": 2}, 9, 3, 0, 2, id="the tool below both"),
        pytest.param({}, 0, 3, 0, 3, id="the ceiling alone"),
        pytest.param({}, 4, 0, 0, 4, id="the default alone"),
        pytest.param({}, 0, 0, 7, 7, id="the call alone"),
        pytest.param({"file_operations": 5}, 0, 0, 5, 5, id="the call, as much as the tool has"),
    ],
)
def test_file_operations_have_the_lowest_of_the_limits_that_were_set(
    manifest: dict[str, Any], default: int, ceiling: int, call: int, found: int
) -> None:
    """
    Zero is "nobody limits them" here, and must never win over a number.
    """
    defaults, ceilings = Limits(file_operations=default), Limits(file_operations=ceiling)
    tool = Limits.from_manifest(manifest, defaults, ceilings)

    assert tool.narrowed_by(pb.Limits(file_operations=call)).file_operations == found


def test_a_call_cannot_raise_a_budget_and_no_number_is_negative() -> None:
    """
    As with every other limit.
    """
    with pytest.raises(LimitAboveCeiling):
        Limits(file_operations=5).narrowed_by(pb.Limits(file_operations=6))
    with pytest.raises(ValueError, match="file_operations"):
        Limits(file_operations=-1)
