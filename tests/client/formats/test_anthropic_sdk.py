"""
What the `anthropic` package hands out is read as the wire is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from anthropic import Anthropic
from anthropic.types import Message, MessageParam
from chunking import Chunking, read
from toolcell_client.formats.anthropic_messages import FORMAT
from toolcell_client.formats.turns import RawCall, Stop, Tokens
from typed_dicts import misfits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client.formats.turns import WireTurn

CONTENT: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "Two questions.", "signature": "EqQBCg=="},
    {"type": "text", "text": "I look both up."},
    {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Oslo"}},
    {"type": "tool_use", "id": "toolu_2", "name": "get_time", "input": {}},
]
MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-test",
    "content": CONTENT,
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 9},
}
GROWN = {
    "text": ("text", "text_delta", "text"),
    "thinking": ("thinking", "thinking_delta", "thinking"),
    "tool_use": ("input", "input_json_delta", "partial_json"),
}
REQUEST: dict[str, Any] = {
    "model": "claude-test",
    "max_tokens": 9,
    "messages": [FORMAT.said("user", "Oslo?")],
}


def events() -> Iterator[dict[str, Any]]:
    head = {**MESSAGE, "content": [], "stop_reason": None}
    yield {"type": "message_start", "message": head}
    yield {"type": "ping"}
    for index, block in enumerate(CONTENT):
        yield from _block(index, block)
    end = {"stop_reason": "tool_use", "stop_sequence": None}
    yield {"type": "message_delta", "delta": end, "usage": {"output_tokens": 9}}
    yield {"type": "message_stop"}


def _block(index: int, block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    field, kind, name = GROWN[str(block["type"])]
    written = json.dumps(block[field]) if field == "input" else block[field]
    start = {**block, field: {} if field == "input" else ""}
    if "signature" in block:
        start["signature"] = ""
    yield {"type": "content_block_start", "index": index, "content_block": start}
    for piece in Chunking((4,)).cut(written):
        delta = {"type": kind, name: piece}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    if "signature" in block:
        delta = {"type": "signature_delta", "signature": block["signature"]}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def answer(request: httpx2.Request) -> httpx2.Response:
    """
    The provider: streams where it is asked to.
    """
    if not json.loads(request.content).get("stream"):
        return httpx2.Response(200, json=MESSAGE)
    told = "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in events())
    return httpx2.Response(200, text=told, headers={"content-type": "text/event-stream"})


@pytest.fixture
def client() -> Iterator[Anthropic]:
    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    with Anthropic(api_key="none", http_client=http) as made:
        yield made


def check(turn: WireTurn, *, streamed: bool) -> None:
    calls = [("toolu_1", "get_weather", {"city": "Oslo"}), ("toolu_2", "get_time", {})]
    expected = tuple(
        RawCall(call_id=call_id, name=name, arguments=json.dumps(value) if streamed else value)
        for call_id, name, value in calls
    )
    assert expected == turn.calls
    assert "I look both up." == turn.text
    assert (Stop.CALLS, Tokens(input=3, output=9)) == (turn.stop, turn.tokens)
    assert ({"role": "assistant", "content": CONTENT},) == turn.messages
    assert [] == misfits(MessageParam, turn.messages[0])


def test_a_message_of_the_sdk_is_read(client: Anthropic) -> None:
    check(FORMAT.turn(client.messages.create(**REQUEST)), streamed=False)


def test_the_events_of_a_stream_are_read(client: Anthropic) -> None:
    check(read(FORMAT, client.messages.create(**REQUEST, stream=True)).turn, streamed=True)


def test_the_events_of_a_stream_that_accumulates_are_counted_once(client: Anthropic) -> None:
    """
    It hands out each delta twice: as it came, and as an event of its own.
    """
    with client.messages.stream(**REQUEST) as stream:
        seen = [*stream]
        final = stream.get_final_message()
    kinds = {each.type for each in seen}

    assert {"text", "input_json", "thinking", "signature"} <= kinds
    check(read(FORMAT, seen).turn, streamed=True)
    assert "I look both up." == read(FORMAT, seen).text
    check(FORMAT.turn(final), streamed=False)


def test_a_block_that_the_sdk_does_not_know_goes_back_and_warns_nobody() -> None:
    """
    The SDK reads without validation, so that an old one meets new blocks.
    """
    block = {"type": "hologram", "shape": {"corners": [1, 2]}}
    message = Message.construct(**{**MESSAGE, "content": [block, *CONTENT]})

    assert [block, *CONTENT] == FORMAT.turn(message).messages[0]["content"]
