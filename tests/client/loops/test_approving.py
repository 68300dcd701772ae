"""
Calls that need a yes: asked, left for later, taken up again.  The token stays with the program.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from toolcell_client import AsyncClient, Client
from toolcell_client.loops.approving import Approve, Decision, Deny, Later, Question
from toolcell_client.testing import completed
from turning import Turn, chat

if TYPE_CHECKING:
    from toolcell_client.loops.turn_result import TurnResult
    from toolcell_client.testing import FakeServer

TOKEN = "toktoktok"
CALL = ("a", "pay", {"amount": 3})


@pytest.fixture
def office(server: FakeServer) -> FakeServer:
    """
    A server that wants a yes, once, to the calls of `pay`.
    """
    server.tool("pay", completed("paid"))
    wants(server)
    return server


def wants(server: FakeServer, reason: str = "APPROVAL_REQUIRED", **said: str) -> None:
    told = {
        "approval_id": "ap1",
        "approval_token": TOKEN,
        "kind": "confirm",
        "summary": "pay 3",
        "expires_time": "2030-01-01T00:00:00Z",
        **said,
    }
    server.refuse("pay", grpc.StatusCode.FAILED_PRECONDITION, reason, metadata=told)


def test_a_yes_sends_the_same_call_again(office: FakeServer, turn: Turn) -> None:
    asked: list[Question] = []

    def approve(question: Question) -> Decision:
        asked.append(question)
        question.call.arguments["amount"] = 3000  # what was asked about is what is sent
        return Approve(pin="1234")

    done = turn(chat(CALL), approve=approve)
    assert [(each.kind, each.summary, each.approval_id) for each in asked] == [
        ("confirm", "pay 3", "ap1")
    ]
    assert [each.value for each in done.answers] == ["paid"]
    first, second = office.requests
    assert (first.approval_token, second.approval_token) == ("", f"{TOKEN}.1234")
    assert first.arguments_json == second.arguments_json == b'{"amount":3}'
    assert first.request_id == second.request_id


def test_a_no_is_told_to_the_model(office: FakeServer, turn: Turn) -> None:
    done = turn(chat(CALL), approve=lambda _: Deny("too much"))
    [answer] = done.answers
    assert answer.value["error"] == "approval_denied"
    assert "too much" in answer.value["message"]
    assert len(office.requests) == 1


@pytest.mark.parametrize("approve", [None, lambda _: Later()])
def test_who_is_not_asked_or_says_later_holds_the_turn_back(
    approve: Any, office: FakeServer, turn: Turn
) -> None:
    done = turn(chat(CALL), approve=approve)
    assert done.answers == ()
    [waiting] = done.pending
    assert waiting.question is not None
    assert waiting.question.summary == "pay 3"
    with pytest.raises(ValueError, match=r"need a yes \(pay\).*resume_tool_calls.*approve="):
        _ = done.messages
    [told] = done.messages_meanwhile
    assert "waits_for_approval" in told["content"]
    assert len(office.requests) == 1


def test_the_token_is_in_no_text(office: FakeServer, turn: Turn) -> None:
    asked: list[Question] = []

    def approve(question: Question) -> Decision:
        asked.append(question)
        return Later()

    done = turn(chat(CALL), approve=approve)
    shown = f"{done!r} {done.pending!r} {asked!r} {done.messages_meanwhile}"
    assert TOKEN not in shown
    assert "pay 3" in shown
    assert done.pending[0].token == TOKEN


@pytest.mark.parametrize("decisions", [Approve(), {"a": Approve()}])
def test_a_pending_call_is_taken_up_again(
    decisions: Any, office: FakeServer, client: Client
) -> None:
    waiting = client.run_tool_calls("openai", chat(CALL, ("b", "nix", {})))
    done = client.resume_tool_calls(waiting, decisions)
    check_resumed(waiting, done, office)


def test_a_pending_call_is_taken_up_again_in_an_event_loop(office: FakeServer) -> None:
    async def turn() -> tuple[TurnResult, TurnResult]:
        async with AsyncClient(office.target) as client:
            waiting = await client.run_tool_calls("openai", chat(CALL, ("b", "nix", {})))
            return waiting, await client.resume_tool_calls(waiting, {"a": Approve()})

    check_resumed(*asyncio.run(turn()), office)


def check_resumed(waiting: TurnResult, done: TurnResult, office: FakeServer) -> None:
    assert (len(waiting.pending), done.pending) == (1, ())
    assert [each["tool_call_id"] for each in done.messages] == ["a", "b"]
    assert done.messages[0]["content"] == "paid"
    assert done.news(waiting) == [
        {
            "role": "user",
            "content": "Calls that waited have been decided. Their results:\n"
            '{"tool": "pay", "result": "paid"}',
        }
    ]
    assert office.requests[-1].approval_token == TOKEN


def test_who_has_not_been_approved_yet_stays_pending(office: FakeServer, client: Client) -> None:
    waiting = client.run_tool_calls("openai", chat(CALL))
    wants(office, "APPROVAL_PENDING")
    still = client.resume_tool_calls(waiting, Approve())
    assert [each.token for each in still.pending] == [TOKEN]
    assert client.resume_tool_calls(still, Approve()).messages[0]["content"] == "paid"


def test_a_wrong_pin_is_asked_for_again(office: FakeServer, turn: Turn) -> None:
    wants(office, "APPROVAL_PIN_WRONG", attempts_left="2")
    pins = iter(["1", "2"])
    asked: list[bool] = []

    def approve(question: Question) -> Decision:
        asked.append(question.pin_wrong)
        return Approve(pin=next(pins))

    done = turn(chat(CALL), approve=approve)
    assert (asked, done.answers[0].value) == ([False, True], "paid")


@pytest.mark.parametrize("answer", [None, "yes", 1])
def test_an_answer_that_is_no_decision_is_an_error(
    answer: object, office: FakeServer, turn: Turn
) -> None:
    """
    Least of all is it a yes because Python takes it for true.
    """
    with pytest.raises(TypeError, match="Approve"):
        turn(chat(CALL), approve=lambda _: answer)
    assert len(office.requests) == 1


@pytest.mark.parametrize(("yes", "told"), [(True, "paid"), (False, "approval_denied")])
def test_true_and_false_are_decisions_wherever_one_is_taken(
    yes: bool, told: str, office: FakeServer, turn: Turn, client: Client
) -> None:
    [asked] = turn(chat(CALL), approve=lambda _: yes).answers
    assert told in asked.text
    wants(office)
    waiting = client.run_tool_calls("openai", chat(CALL))
    [pending] = waiting.pending
    [resumed] = client.resume_tool_calls(waiting, {pending.key: yes}).answers
    assert told in resumed.text


def test_decisions_name_what_is_pending(office: FakeServer, client: Client) -> None:
    waiting = client.run_tool_calls("openai", chat(CALL))
    with pytest.raises(ValueError, match="no call 'b' is pending; there are: a"):
        client.resume_tool_calls(waiting, {"b": Approve()})
    assert len(office.requests) == 1


def test_a_call_that_was_not_executed_can_be_later(server: FakeServer, turn: Turn) -> None:
    server.tool("look", completed(1))
    waiting = turn(chat(("", "look", {})), auto_execute=False)
    with Client(server.target) as client:
        assert client.resume_tool_calls(waiting, {"#0": Approve()}).answers[0].value == 1
