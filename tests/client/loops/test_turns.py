"""
One turn of a model, executed by a fake server, with either client.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from toolcell_client import CallRefused, Result, ServerUnreachable
from toolcell_client.formats import OfferedTool, Toolset
from toolcell_client.testing import completed, exceeded, failed, stdout
from turning import BOTH, Turn, chat

if TYPE_CHECKING:
    from toolcell_client.testing import FakeServer

UNIQUE = "call_8fKq2Lw0Zx7Vb3Nn5Rt1"


def test_answers_keep_the_order_of_the_calls(server: FakeServer, turn: Turn) -> None:
    """
    However fast the tools are, and whatever comes of them.
    """
    server.tool("one", completed(1))
    server.tool("two", completed({"a": "ä"}))
    done = turn(chat(("a", "two", {}), ("b", "nix", {}), ("c", "one", {})))
    assert [each["tool_call_id"] for each in done.messages] == ["a", "b", "c"]
    assert done.messages[0] == {"role": "tool", "tool_call_id": "a", "content": '{"a": "ä"}'}
    result = done.results["c"]
    assert isinstance(result, Result)
    assert result.value == 1
    assert sorted(done.results) == ["a", "c"]


def test_calls_run_at_the_same_time(server: FakeServer, turn: Turn) -> None:
    """
    The barrier breaks unless both are in it.
    """
    together = threading.Barrier(2, timeout=20)
    for name in ("one", "two"):
        server.tool(name, respond=lambda _: [completed(together.wait() >= 0)])
    done = turn(chat(("a", "one", {}), ("b", "two", {})))
    assert [each.value for each in done.answers] == [True, True]


def test_one_at_a_time_in_the_order_of_the_calls(server: FakeServer, turn: Turn) -> None:
    for name in "abcd":
        server.tool(name, completed(name))
    turn(chat(*((f"{n}", n, {}) for n in "dacb")), max_concurrent_calls=1)
    assert [each.tool for each in server.requests] == list("dacb")


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (("a", "echo", '{"n": 1'), "malformed"),
        (("a", "echo", '{"n": 1, "n": 2}'), "malformed"),
        (("a", "echo", '{"n": "\\ud800"}'), "malformed"),
        (("a", "ecko", {}), "unknown_tool"),
        (("a", "other", {}), "not_offered"),
    ],
)
def test_a_problem_is_answered_and_never_sent(
    call: tuple[str, str, Any], error: str, server: FakeServer, turn: Turn
) -> None:
    server.tool("echo", completed(1))
    server.tool("other", completed(1))
    [answer] = turn(chat(call), only=["echo"]).answers
    assert (answer.value["error"], answer.failed, server.requests) == (error, True, [])
    if call[1] == "ecko":
        assert answer.value["close_matches"] == ["echo"]


def test_what_was_cut_off_is_not_executed(server: FakeServer, turn: Turn) -> None:
    server.tool("echo", completed(1))
    [answer] = turn(chat(("a", "echo", {}), stop="length")).answers
    assert (answer.value["error"], server.requests) == ("truncated", [])


def test_of_two_calls_with_one_id_one_runs(server: FakeServer, turn: Turn) -> None:
    server.tool("echo", completed(1))
    done = turn(chat(("a", "echo", {}), ("a", "echo", {})))
    assert [each.failed for each in done.answers] == [False, True]
    assert len(server.requests) == 1


def test_refusals_and_endings_become_answers(server: FakeServer, turn: Turn) -> None:
    server.tool("fails", stdout(b"x" * 9000), failed("no such row", hint="Look for it first."))
    server.tool("slow", exceeded("wall", 3))
    server.tool("mine", completed(1))
    server.refuse("mine", grpc.StatusCode.PERMISSION_DENIED, "NOT_PERMITTED", message="not yours")
    done = turn(chat(("a", "fails", {}), ("b", "slow", {}), ("c", "mine", {})))
    values = [each.value for each in done.answers]
    assert [each["error"] for each in values] == ["failed", "exceeded(wall)", "not_permitted"]
    assert (values[0]["hint"], values[0]["stdout"].count("x")) == ("Look for it first.", 2000)
    assert isinstance(done.results["c"], CallRefused)
    assert not done.unanswered


@pytest.mark.parametrize("kind", sorted(BOTH))
def test_a_service_that_is_gone_is_told_to_the_model_and_to_the_program(kind: str) -> None:
    """
    Raised, it would leave a history that no provider takes: a call without a result.
    """
    toolset = Toolset([OfferedTool(name="echo", parameters={"type": "object"})])
    done = BOTH[kind]("127.0.0.1:1")(chat(("a", "echo", {})), toolset=toolset)
    assert [each.value["error"] for each in done.answers] == ["unreachable"]
    [error] = done.unanswered
    assert isinstance(error, ServerUnreachable)


def test_the_same_response_does_not_run_twice(server: FakeServer, turn: Turn) -> None:
    """
    If its ids are unique by themselves, or the program names the turn; others are made anew.
    """
    server.tool("pay", completed(1))
    for call_id, options, runs in (
        (UNIQUE, {}, 1),
        ("call_0", {}, 2),
        ("functions.transfer_money_now:0", {}, 2),
        ("call_00000000000000000000000000000017", {}, 2),
        ("20261127200159123456", {}, 2),
        ("", {"turn_id": "conversation 1, step 3"}, 1),
    ):
        server.executions.clear()
        for _ in range(2):
            turn(chat((call_id, "pay", {"n": 1})), **options)
        assert len(server.executions) == runs, call_id


def test_a_call_is_sent_as_it_was_offered(server: FakeServer, turn: Turn) -> None:
    server.tool("echo", completed(1), version="7")
    turn(
        chat(("é" * 200, "echo", {"ä": 1})),
        timeout=9,
        labels={"a": "b"},
        session_id="",
        no_cache=True,
    )
    [sent] = server.requests
    assert (sent.version, sent.arguments_json.decode()) == ("7", '{"ä":1}')
    assert (sent.timeout.seconds, dict(sent.labels), sent.no_cache) == (9, {"a": "b"}, True)
    assert sent.call_id.startswith("sha256-")


def test_without_execution_calls_are_pending(server: FakeServer, turn: Turn) -> None:
    server.tool("echo", completed(1))
    done = turn(chat(("a", "echo", {}), ("b", "nix", {})), auto_execute=False)
    assert [each.call.call_id for each in done.pending] == ["a"]
    assert [each.call.call_id for each in done.answers] == ["b"]
    with pytest.raises(
        ValueError, match=r"1 of 2 calls have not been executed \(auto_execute=False\)"
    ):
        _ = done.messages
    assert "not_executed_yet" in done.messages_meanwhile[0]["content"]
    assert server.requests == []


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"max_concurrent_calls": 0}, "from 1 to 64"),
        ({"request_id": "x"}, "a turn has several"),
        ({"labels": {"a": 1}}, "must be text"),
        ({"colour": 1}, "no option is called 'colour'"),
    ],
)
def test_wrong_options_are_raised_before_anything_runs(
    options: dict[str, Any], complaint: str, server: FakeServer, turn: Turn
) -> None:
    server.tool("echo", completed(1))
    with pytest.raises((TypeError, ValueError), match=complaint):
        turn(chat(("a", "echo", {})), **options)
    assert server.requests == []
