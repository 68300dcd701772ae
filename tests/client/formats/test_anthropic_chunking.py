"""
However an Anthropic message is cut into a stream, it reads the same, and nothing wrecks the reader.
"""

from __future__ import annotations

from typing import Any

import pytest
from chunking import Chunking, argument_texts, chunkings, read, texts
from exampling import few
from hypothesis import given
from hypothesis import strategies as st
from toolcell_client.formats import OfferedTool, Toolset
from toolcell_client.formats.anthropic_messages import FORMAT
from toolcell_client.formats.arguments import read_arguments
from wrecking import JUNK, survived, wrecked

Block = dict[str, Any]

DELTAS = {
    "text": ("text_delta", "text"),
    "thinking": ("thinking_delta", "thinking"),
    "tool_use": ("input_json_delta", "partial_json"),
}
REASONS = ["end_turn", "tool_use", "max_tokens", "refusal", "stop_sequence", None]
TOOLSET = Toolset([OfferedTool(name="get_weather", parameters={"type": "object"})])


def blocks() -> st.SearchStrategy[Block]:
    """
    Blocks as they are in the stream: the input of a call is its text.
    """
    said = st.builds(lambda text: {"type": "text", "text": text}, texts())
    thought = st.builds(
        lambda text: {"type": "thinking", "thinking": text, "signature": "EqQBCg=="}, texts()
    )
    call = st.builds(
        lambda written, number: {
            "type": "tool_use",
            "id": f"toolu_{number}",
            "name": "get_weather",
            "input": written,
        },
        argument_texts(),
        st.integers(0, 5),
    )
    return st.one_of(said, thought, call)


def stream(content: list[Block], reason: str | None, chunking: Chunking) -> list[dict[str, Any]]:
    """
    The events of a message.
    """
    head = {"role": "assistant", "model": "claude-test", "usage": {"input_tokens": 3}}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": head}]
    for index, block in enumerate(content):
        events += _events(index, block, chunking)
    end = {"stop_reason": reason, "stop_sequence": None}
    return [*events, {"type": "message_delta", "delta": end, "usage": {"output_tokens": 9}}]


def _events(index: int, block: Block, chunking: Chunking) -> list[dict[str, Any]]:
    kind, field = DELTAS[block["type"]]
    grown = "input" if block["type"] == "tool_use" else block["type"]
    deltas = [{"type": kind, field: each} for each in chunking.cut(block[grown])]
    if "signature" in block:
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    start = {**block, grown: {} if grown == "input" else ""}
    start |= {"signature": ""} if "signature" in block else {}
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": each} for each in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def whole(content: list[Block], reason: str | None) -> dict[str, Any]:
    """
    The same message as a response that is not streamed.
    """
    read_inputs = [
        {**each, "input": read_arguments(each["input"])} if each["type"] == "tool_use" else each
        for each in content
    ]
    usage = {"input_tokens": 3, "output_tokens": 9}
    said = {"role": "assistant", "model": "claude-test", "stop_reason": reason, "usage": usage}
    return {**said, "content": read_inputs}


@few
@given(st.lists(blocks(), max_size=5), st.sampled_from(REASONS), chunkings())
def test_any_chunking_gives_the_same_turn(
    content: list[Block], reason: str | None, chunking: Chunking
) -> None:
    """
    As the message that was not cut at all, in which inputs are objects already.
    """
    seen = read(FORMAT, stream(content, reason, chunking))

    expected = TOOLSET.turn("anthropic", whole(content, reason))
    judged = TOOLSET.read("anthropic", seen.turn)
    assert expected.messages == judged.messages
    assert expected.text == judged.text == seen.text
    assert (expected.stop, expected.tokens) == (judged.stop, judged.tokens)
    assert [(each.arguments, each.problem) for each in expected.calls] == [
        (each.arguments, each.problem) for each in judged.calls
    ]
    assert seen.calls == tuple(each for each in seen.turn.calls if each.problem is None)


FULL = stream(
    [
        {"type": "thinking", "thinking": "Hm.", "signature": "EqQBCg=="},
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": '{"city":"Oslo"}'},
        {"type": "tool_use", "id": "toolu_2", "name": "get_weather", "input": ""},
    ],
    "tool_use",
    Chunking((3,)),
)


@few
@given(wrecked(FULL))
def test_no_stream_of_objects_wrecks_the_reader(events: list[dict[str, Any]]) -> None:
    """
    What a model or a gateway sends is answered to the model, never raised.
    """
    survived(FORMAT, events)


@few
@given(JUNK)
def test_what_is_no_event_is_a_value_error(event: Any) -> None:
    if isinstance(event, dict):
        assert () == tuple(FORMAT.accumulator().add(event))
        return
    with pytest.raises(ValueError, match="no response, message or event"):
        FORMAT.accumulator().add(event)
