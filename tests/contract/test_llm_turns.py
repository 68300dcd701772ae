"""
Turns of a model against a whole server: its cells, its limits, its approvals.
"""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from toolcell_client import CallRefused, Client
from toolcell_client.loops.approving import Approve, Decision, Deny, Question
from toolcell_client.loops.bounding import Bounds
from toolcell_client.loops.events import ExecutionEvent
from toolcell_client.loops.kept import KeptResults
from turn_place import TurnPlace
from turning import chat, streamed
from waiting import until, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

UNIQUE = "call_8fKq2Lw0Zx7Vb3Nn5Rt1"
SLEEPERS: Any = (("a", "sleep", {}), ("b", "sleep", {}))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TurnPlace]:
    place = TurnPlace(tmp_path_factory.mktemp("place"))
    try:
        yield place
    finally:
        place.server.stop()


@pytest.fixture
def alice(place: TurnPlace) -> Iterator[Client]:
    with place.client("alice") as client:
        yield client


def running(client: Client) -> int:
    return len(list(client.list_executions(state="running")))


def test_what_works_and_what_does_not_is_answered_in_order(place: TurnPlace, alice: Client) -> None:
    """
    A result, a tool that fails, arguments that do not fit, a path that was not granted, one that
    may not be, and no such tool.
    """
    neighbour = place.file.with_name("b.txt")
    neighbour.write_text("not granted")
    done = alice.run_tool_calls(
        "openai",
        chat(
            ("a", "rows", {"count": 1}),
            ("b", "fails", {"row": 7}),
            ("c", "table", {"unit": "Celcius", "day": 2}),
            ("d", "look", {"path": str(place.file), "other": str(neighbour)}),
            ("e", "look", {"path": "/etc/shadow"}),
            ("f", "row", {"count": 1}),
        ),
    )
    assert [each["tool_call_id"] for each in done.messages] == list("abcdef")
    first, fails, table, denied, refused, unknown = (each.value for each in done.answers)
    assert first == [{"name": "row 0 ä"}]
    assert (fails["error"], "no row 7" in fails["message"], fails["stdout"]) == (
        "failed",
        True,
        "looking\n",
    )
    helped = {each["field"]: each for each in table["violations"]}
    assert helped["arguments_json/unit"]["close_matches"] == ["celsius"]
    assert helped["arguments_json/day"]["close_matches"] == ["days"]
    assert "No such file" in denied["message"]
    assert refused["error"] == "path_not_allowed"
    assert unknown["close_matches"] == ["rows"]
    assert isinstance(done.results["e"], CallRefused)


def test_a_limit_ends_one_call_and_no_other(alice: Client) -> None:
    done = alice.run_tool_calls(
        "openai",
        chat(("a", "sleep", {}), ("b", "rows", {"count": 1})),
        limits={"wall_seconds": 1},
    )
    assert [each.failed for each in done.answers] == [True, False]
    assert done.answers[0].value["error"] == "exceeded(wall)"


def test_a_large_result_is_cut_and_its_rest_is_read(alice: Client) -> None:
    options: Any = {"kept": KeptResults(), "bounds": Bounds(result_characters=2000)}
    done = alice.run_tool_calls("openai", chat(("a", "rows", {"count": 500})), **options)
    shown = json.loads(done.messages[0]["content"])
    assert len(done.messages[0]["content"]) <= 2000
    handle = shown["left_out"].split('"')[1]
    asked = chat(("b", "read_result", {"handle": handle, "path": "/432/name"}))
    done = alice.run_tool_calls("openai", asked, toolset=done.toolset, **options)
    assert done.answers[0].value["text"] == "row 432 ä"


def test_the_same_response_runs_once(alice: Client) -> None:
    turns = [alice.run_tool_calls("openai", chat((UNIQUE, "count_up", {}))) for _ in range(2)]
    assert turns[0].messages == turns[1].messages
    turns = [alice.run_tool_calls("openai", chat(("call_0", "count_up", {}))) for _ in range(2)]
    assert turns[0].messages != turns[1].messages


def test_calls_stream_at_the_same_time_and_end_with_the_iterator(alice: Client) -> None:
    """
    Neither of the two has ended when both have said how far they are.
    """
    stream = alice.run_tool_calls("openai-responses", streamed(*SLEEPERS), stream=True)
    said: set[str] = set()
    with stream:
        while len(said) < 2:
            event = next(stream)
            if isinstance(event, ExecutionEvent) and event.kind == "progress":
                said.add(event.call.call_id)
        assert running(alice) == 2
    wait_until(lambda: running(alice) == 0)
    assert not [each for each in threading.enumerate() if each.name.startswith("toolcell-call")]


def test_to_cancel_the_task_cancels_the_tools(place: TurnPlace, alice: Client) -> None:
    async def cancelled() -> None:
        async with place.async_client("alice") as client:
            work = client.run_tool_calls("openai", chat(*SLEEPERS))
            task = asyncio.ensure_future(work)
            await until(lambda: running(alice) == 2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(cancelled())
    wait_until(lambda: running(alice) == 0)


def test_a_confirmation_is_asked_for_and_the_call_sent_again(alice: Client) -> None:
    asked: list[Question] = []

    def approve(question: Question) -> Decision:
        asked.append(question)
        return Approve() if question.call.arguments["to"] == "bob" else Deny("not to him")

    calls = chat((UNIQUE, "mail", {"to": "bob"}), ("b", "mail", {"to": "eve"}))
    done = alice.run_tool_calls("openai", calls, approve=approve)
    assert done.answers[0].value == "sent to bob"
    assert "not to him" in done.answers[1].value["message"]
    assert {each.kind for each in asked} == {"confirm"}
    again = alice.run_tool_calls("openai", chat((UNIQUE, "mail", {"to": "bob"})))
    assert again.messages[0]["content"] == "sent to bob"  # replayed: nobody is asked


def test_another_principal_says_yes_and_the_turn_goes_on(place: TurnPlace, alice: Client) -> None:
    waiting = alice.run_tool_calls("openai", chat(("a", "wipe", {"path": str(place.file)})))
    [pending] = waiting.pending
    assert pending.question is not None
    assert pending.question.kind == "approve"
    still = alice.resume_tool_calls(waiting, Approve())
    assert (len(still.pending), place.file.read_text()) == (1, "precious")
    with place.client("boss") as boss:
        boss.approvals.approve(pending.question.approval_id)
    pending.call.arguments["path"] = "/somewhere/else"  # what was asked about is what is sent
    assert alice.resume_tool_calls(still, Approve()).messages[0]["content"] == "wiped"
    assert place.file.read_text() == "wiped"
