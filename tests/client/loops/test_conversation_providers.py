"""
What only some providers say, from plain callables.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from toolcell_client import Client, Conversation
from toolcell_client.loops.histories import joined, sendable
from toolcell_client.testing import script

if TYPE_CHECKING:
    from toolcell_client.testing import FakeServer


class Recorded:
    """
    Says what a test has written; `requests` are those that came.
    """

    def __init__(self, *responses: dict[str, Any]) -> None:
        self.responses = list(responses)
        self.requests: list[dict[str, Any]] = []

    def __call__(self, request: dict[str, Any]) -> dict[str, Any]:
        self.requests.append(copy.deepcopy(request))
        return self.responses.pop(0)


def message(*content: dict[str, Any], stop: str = "end_turn") -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": list(content),
        "stop_reason": stop,
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


SEARCH = {
    "type": "server_tool_use",
    "id": "srvtoolu_1",
    "name": "web_search",
    "input": {"query": "x"},
}


@pytest.fixture(autouse=True)
def tools(server: FakeServer) -> None:
    server.tool("look", script.completed("seen"))


def test_a_model_that_pauses_is_asked_again(client: Client) -> None:
    """
    Anthropic's own tools: the message goes back as it came, and nobody says anything between.
    """
    model = Recorded(message(text("I search."), SEARCH, stop="pause_turn"), message(text("Found.")))
    reply = Conversation(client, model, provider="anthropic").say("Search.")
    assert (reply.text, reply.stop_reason, len(reply.turns)) == ("Found.", "end", 2)
    roles = [each["role"] for each in model.requests[1]["messages"]]
    assert roles == ["user", "assistant"]
    assert model.requests[1]["messages"][1]["content"] == [text("I search."), SEARCH]


def test_an_empty_ending_is_not_sent_back(client: Client) -> None:
    """
    Anthropic ends with nothing after results it has no word for, and refuses it in a history.
    """
    call = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
    model = Recorded(message(call, stop="tool_use"), message(), message(text("Yes.")))
    talk = Conversation(client, model, provider="anthropic")
    assert talk.say("Look.").text == ""
    assert talk.say("Did you?").text == "Yes."
    last = model.requests[-1]["messages"][-1]
    assert [each["type"] for each in last["content"]] == ["tool_result", "text"]


def test_what_a_user_says_after_results_joins_them_for_anthropic() -> None:
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]}
    said = {"role": "user", "content": "And?"}
    (one,) = joined("anthropic", [result], said)
    assert one["content"] == [*result["content"], text("And?")]
    assert joined("gemini", [result], said) == [result, said]


@pytest.mark.parametrize(
    ("empty", "whole"),
    [
        ({"role": "assistant", "content": None}, {"role": "assistant", "content": "Hm."}),
        ({"role": "assistant", "content": []}, {"role": "assistant", "content": [text("Hm.")]}),
        ({"role": "model", "parts": []}, {"role": "model", "parts": [{"text": "Hm."}]}),
    ],
)
def test_messages_that_say_nothing_are_left_out(
    empty: dict[str, Any], whole: dict[str, Any]
) -> None:
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": []}
    assert sendable([empty, whole, reasoning]) == [whole, reasoning]
