"""
Questions and answers of LangGraph, whose order is nobody's.
"""

from __future__ import annotations

from typing import Any

import pytest
from langgraph import types
from langgraph.errors import GraphInterrupt
from toolcell_client.formats import OfferedTool, Toolset
from toolcell_client.frameworks.langgraph_interrupts import Answers, answers, task_name
from toolcell_client.frameworks.one_call import OneCall
from toolcell_client.loops.approving import Approve, Deny, PendingCall, Question
from toolcell_client.loops.events import Waiting
from toolcell_client.loops.settings import TurnSettings

TOOLS = Toolset([OfferedTool(name="mail", parameters={"type": "object"})])


def asked(call_id: str) -> OneCall:
    """
    A call that waits.
    """
    call = OneCall(TOOLS, TurnSettings.of(), "mail", {"to": call_id}, call_id)
    question = Question(
        call=call.planned.call, kind="confirm", summary="", expires="", approval_id="x"
    )
    pending = PendingCall(planned=call.planned, question=question, token="s3cret")
    call.step = Waiting(call.planned.call, pending)
    return call


class Resumed:
    """
    A node that begins again: hands out what the graph was resumed with, in order.
    """

    def __init__(self, *said: Any) -> None:
        self.said, self.questions = list(said), list[Any]()

    def interrupt(self, question: Any) -> Any:
        self.questions.append(question)
        if not self.said:
            raise GraphInterrupt
        return self.said.pop(0)


def test_an_answer_finds_its_call_whichever_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    node = Resumed({"a": True}, {"b": {"approve": False, "reason": "no"}})
    monkeypatch.setattr(types, "interrupt", node.interrupt)
    place = Answers()
    assert place.to(asked("b"), "task") == Deny("no")
    assert place.to(asked("a"), "task") == Approve()
    assert "s3cret" not in str(node.questions)


def test_a_call_without_an_answer_stops_the_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(types, "interrupt", Resumed({"a": True}).interrupt)
    place = Answers()
    with pytest.raises(GraphInterrupt):
        place.to(asked("b"), "task")
    assert place.to(asked("a"), "task") == Approve()


def test_an_answer_is_for_one_task_and_one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(types, "interrupt", Resumed({"a": True, "b": True}).interrupt)
    place = Answers()
    assert place.to(asked("a"), "task") == Approve()
    for call_id, task in (("a", "task"), ("b", "another")):
        with pytest.raises(GraphInterrupt):
            place.to(asked(call_id), task)


@pytest.mark.parametrize("said", [True, "yes", None, [], {"a": "yes"}, {"a": {"approve": 1}}])
def test_what_is_no_answer_is_refused(said: Any) -> None:
    with pytest.raises(TypeError, match="call_id"):
        answers(said)


def test_outside_a_graph_there_is_no_task() -> None:
    assert task_name() == ""
