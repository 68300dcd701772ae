"""
One call that a framework hands over, and the place where it waits for a yes.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import grpc
import pytest
from toolcell_client.errors import ApprovalRequired, InvalidArguments, UnknownTool
from toolcell_client.formats import OfferedTool, Toolset
from toolcell_client.frameworks.asked import MOST, Asked
from toolcell_client.frameworks.one_call import OneCall
from toolcell_client.loops.approving import Approve, Deny
from toolcell_client.loops.settings import TurnSettings
from toolcell_client.loops.turn_state import Extract, Run
from toolcell_client.refused import Refusal

SCHEMA = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]}
TOOLS = Toolset(
    [
        OfferedTool(name="mail", parameters=SCHEMA, version="1.0.0"),
        OfferedTool(name="person", parameters=SCHEMA, schema_only=True),
    ]
)


def one(arguments: Any = '{"to": "bob"}', name: str = "mail", call_id: str = "a") -> OneCall:
    return OneCall(TOOLS, TurnSettings.of(), name, arguments, call_id)


def refusal(error: type[Any], reason: str, **metadata: str) -> Any:
    made = Refusal(
        code=grpc.StatusCode.FAILED_PRECONDITION, message="no", reason=reason, metadata=metadata
    )
    return error(made)


def asked(call: OneCall, kind: str = "confirm") -> OneCall:
    """
    The call, refused with a question.
    """
    assert isinstance(call.step, Run)
    needs = refusal(
        ApprovalRequired,
        "APPROVAL_REQUIRED",
        kind=kind,
        approval_token="s3cret",
        approval_id="ap-1",
        summary="mail bob",
    )
    call.take(call.step, needs)
    return call


def test_a_call_is_sent_and_answered() -> None:
    call = one()
    assert isinstance(call.step, Run)
    assert call.planned.arguments_json == b'{"to":"bob"}'
    call.take(call.step, refusal(UnknownTool, "UNKNOWN_TOOL"))
    assert (call.failed, call.repairable) == (True, False)
    assert json.loads(call.text)["error"] == "unknown_tool"


@pytest.mark.parametrize("arguments", ["[]", '{"to"', '{"to": NaN}', "null", "{" * 200])
def test_what_is_no_object_is_told_and_never_sent(arguments: str) -> None:
    call = one(arguments)
    assert call.failed
    assert call.repairable
    assert json.loads(call.text)["error"] == "malformed"


def test_arguments_that_do_not_fit_can_be_repaired() -> None:
    call = one()
    assert isinstance(call.step, Run)
    call.take(call.step, refusal(InvalidArguments, "INVALID_ARGUMENTS"))
    assert call.repairable


def test_a_tool_that_has_only_a_schema_runs_nothing() -> None:
    taken, wrong = one(name="person"), one("{}", name="person")
    for call in (taken, wrong):
        assert isinstance(call.step, Extract)
        call.extract(call.step)
    assert (taken.failed, wrong.failed, wrong.repairable) == (False, True, True)


def test_a_question_has_no_token_where_anybody_reads() -> None:
    call = asked(one())
    assert call.question is not None
    assert "s3cret" not in call.text + repr(call.question) + repr(call.pending)
    assert json.loads(call.text)["approval_id"] == "ap-1"
    call.decide(Approve("1234"))
    assert isinstance(call.step, Run)
    assert (call.step.token, call.step.pin) == ("s3cret", "1234")
    assert "s3cret" not in repr(call.step)


def test_a_no_is_told_with_its_reason() -> None:
    call = asked(one())
    call.decide(Deny("not him"))
    assert "not him" in call.text
    assert call.question is None


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (one(), True),
        (one('{ "to" : "bob" }'), True),
        (one('{"to": "eve"}'), False),
        (one(call_id="b"), False),
        (one(name="person"), False),
    ],
)
def test_a_confirmation_waits_for_its_own_call(other: OneCall, found: bool) -> None:
    place, call = Asked(), asked(one())
    place.keep(call)
    assert (place.take(other) is call) == found
    assert (place.take(one()) is None) == found


def test_what_somebody_else_approves_waits_for_the_same_arguments() -> None:
    place, call = Asked(), asked(one(), "approve")
    place.keep(call)
    assert place.take(one('{"to": "eve"}', call_id="b")) is None
    assert place.take(one(call_id="b")) is call


def test_another_version_asks_again() -> None:
    place = Asked()
    place.keep(asked(one()))
    newer = [replace(each, version="2.0.0") for each in TOOLS.tools.values()]
    call = OneCall(Toolset(newer), TurnSettings.of(), "mail", {"to": "bob"}, "a")
    assert place.take(call) is None


def test_the_oldest_question_is_forgotten() -> None:
    place = Asked()
    for number in range(MOST + 1):
        place.keep(asked(one(call_id=str(number))))
    assert place.take(one(call_id="0")) is None
    assert place.take(one(call_id="1")) is not None


def test_a_call_is_dropped_by_itself_alone() -> None:
    place, first, second = Asked(), asked(one()), asked(one())
    place.keep(first)
    place.keep(second)
    place.drop(second)
    place.drop(second)
    assert place.take(one()) is first
