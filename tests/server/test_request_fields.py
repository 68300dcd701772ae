"""
The fields of a request: every one that is set is acted on, or refused by name.
"""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from toolcell.v1 import execution_pb2 as pb
from toolcell_server import request_fields
from toolcell_server.refusals import CallRefused, InvalidField

REFUSED: dict[str, tuple[dict[str, Any], type[CallRefused], str]] = {
    "no tool": ({"tool": ""}, InvalidField, "tool"),
    "a tool name of 256 bytes": ({"tool": "x" * 256}, InvalidField, "tool"),
    "a tool name with an escape": ({"tool": "a\x1b[2J"}, InvalidField, "tool"),
    "a version with a newline": ({"version": "1\n"}, InvalidField, "version"),
    "a call id of 257 bytes": ({"call_id": "x" * 257}, InvalidField, "call_id"),
    "a call id of 256 bytes in fewer letters": ({"call_id": "ä" * 129}, InvalidField, "call_id"),
    "a request id of 256 bytes": ({"request_id": "x" * 256}, InvalidField, "request_id"),
    "a request id with a NUL": ({"request_id": "a\0"}, InvalidField, "request_id"),
    "17 labels": ({"labels": {str(n): "x" for n in range(17)}}, InvalidField, "labels"),
    "a label key of 64 bytes": ({"labels": {"x" * 64: ""}}, InvalidField, "labels"),
    "a label without a key": ({"labels": {"": "x"}}, InvalidField, "labels"),
    "a label value of 256 bytes": ({"labels": {"a": "x" * 256}}, InvalidField, "labels[a]"),
    "an approval token of 257 bytes": (
        {"approval_token": "x" * 257},
        InvalidField,
        "approval_token",
    ),
    "a session id of 129 bytes": ({"session_id": "s" * 129}, InvalidField, "session_id"),
    "a session id with a line feed": ({"session_id": "s\n"}, InvalidField, "session_id"),
    "an unknown level": ({"minimum_isolation": 9}, InvalidField, "minimum_isolation"),
}


@pytest.mark.parametrize("message", [pb.ExecuteRequest, pb.RunRequest])
@pytest.mark.parametrize(("fields", "kind", "named"), REFUSED.values(), ids=REFUSED)
def test_a_field_that_is_not_acted_on_is_refused_by_name(
    message: Any, fields: dict[str, Any], kind: type[CallRefused], named: str
) -> None:
    """
    A session that is ignored is a workspace that is not there.
    """
    with pytest.raises(kind) as refused:
        request_fields.check(message(**{"tool": "t", **fields}))

    assert refused.value.metadata["field"] == named


def test_everything_at_its_bound_is_taken() -> None:
    """
    The documented bounds are the real ones.
    """
    request_fields.check(
        pb.ExecuteRequest(
            tool="t",
            version="1.0",
            call_id="ä" * 128,
            request_id="x" * 255,
            approval_token="x" * 256,
            labels={f"{n:063}": "x" * 255 for n in range(16)},
            minimum_isolation=pb.ISOLATION_LEVEL_FULL,
            no_cache=True,
            detached=True,
            validate_only=True,
        )
    )


def test_every_field_of_the_contract_is_known_here_or_elsewhere() -> None:
    """
    A field that is added to the contract must not slip through unread.
    """
    elsewhere = {"arguments_json", "limits", "grants", "validate_only", "detached", "no_cache"}
    here = {"tool", "version", "call_id", "request_id", "labels", "minimum_isolation", "timeout"}
    here |= {"approval_token", "session_id"}

    for message in (pb.ExecuteRequest, pb.RunRequest):
        assert {field.name for field in message.DESCRIPTOR.fields} == elsewhere | here


TIMEOUTS: dict[str, tuple[Duration | None, float | None]] = {
    "absent": (None, None),
    "a moment": (Duration(nanos=1), 1e-9),
    "a week": (Duration(seconds=604800), 604800.0),
    "zero": (Duration(), -1),
    "negative": (Duration(seconds=-5), -1),
    "mixed signs": (Duration(seconds=5, nanos=-1), -1),
    "more than a week": (Duration(seconds=604800, nanos=1), -1),
    "ten thousand years": (Duration(seconds=2**62), -1),
}


@pytest.mark.parametrize(("timeout", "expected"), TIMEOUTS.values(), ids=TIMEOUTS)
def test_a_timeout_is_positive_and_sane(timeout: Duration | None, expected: float | None) -> None:
    """
    -1 in the table: refused.  Zero is not "no timeout"; leaving it out is.
    """
    request = pb.ExecuteRequest(tool="t", timeout=timeout)

    if expected == -1:
        with pytest.raises(InvalidField) as refused:
            request_fields.timeout_seconds(request)
        assert refused.value.metadata["field"] == "timeout"
    else:
        assert request_fields.timeout_seconds(request) == expected
