"""
Any chunking of a response of OpenAI gives the same turn, and no stream breaks the reader.
"""

from __future__ import annotations

from typing import Any

from chunking import Chunking, argument_texts, chunkings, read, texts
from exampling import few
from hypothesis import given
from hypothesis import strategies as st
from openai_streams import (
    call,
    chat_chunks,
    chunk,
    completion,
    function_call,
    message,
    response,
    response_events,
)
from toolcell_client.formats import Stop, format_of
from wrecking import survived, wrecked

CHAT = format_of("openai")
FUNCTIONS = format_of("openai-functions")
RESPONSES = format_of("openai-responses")

NAMES = st.sampled_from(["get_weather", "get_time", "a-b_C9"])
CALLED = st.lists(st.tuples(NAMES, argument_texts() | texts()), max_size=4)
USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}


@few
@given(chunkings(), texts(), st.none() | texts(), CALLED)
def test_any_chunking_of_a_completion_gives_the_same_turn(
    chunking: Chunking, text: str, thought: str | None, called: list[tuple[str, str]]
) -> None:
    """
    Calls are interleaved, and texts are cut anywhere, within an escape or within a character.
    """
    said: dict[str, Any] = {"content": text, "refusal": None}
    if thought is not None:
        said["reasoning_content"] = thought
    if called:
        said["tool_calls"] = [call(f"call_{at}", *each) for at, each in enumerate(called)]
    whole = completion(said, "tool_calls" if called else "stop", usage=USAGE)
    streamed = read(CHAT, chat_chunks(whole, chunking))

    assert CHAT.turn(whole) == streamed.turn
    assert text == streamed.text == streamed.turn.text
    assert tuple(called) == tuple((each.name, each.arguments) for each in streamed.calls)
    assert streamed.turn.calls == streamed.calls


@few
@given(chunkings(), NAMES, argument_texts() | texts())
def test_any_chunking_of_a_function_call_gives_the_same_turn(
    chunking: Chunking, name: str, arguments: str
) -> None:
    called = {"name": name, "arguments": arguments}
    whole = completion({"content": None, "function_call": called}, "function_call")
    streamed = read(FUNCTIONS, chat_chunks(whole, chunking))

    assert FUNCTIONS.turn(whole) == streamed.turn
    assert ((name, arguments),) == tuple((each.name, each.arguments) for each in streamed.calls)


@few
@given(chunkings(), st.lists(texts(), max_size=2), CALLED, st.booleans())
def test_any_chunking_of_a_response_gives_the_same_turn(
    chunking: Chunking, said: list[str], called: list[tuple[str, str]], reasoned: bool
) -> None:
    """
    As with completions; items are interleaved.
    """
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "b64"}
    output = [reasoning] if reasoned else []
    output += [message(each, f"msg_{at}") for at, each in enumerate(said)]
    output += [function_call(f"call_{at}", *each) for at, each in enumerate(called)]
    whole = response(*output)
    streamed = read(RESPONSES, response_events(whole, chunking))

    assert RESPONSES.turn(whole) == streamed.turn
    assert "".join(said) == streamed.text == streamed.turn.text
    assert set(called) == {(each.name, each.arguments) for each in streamed.calls}
    assert output == list(streamed.turn.messages)


CHAT_STREAM = chat_chunks(
    completion(
        {
            "content": "so 😀",
            "refusal": None,
            "reasoning_content": "hm",
            "tool_calls": [call("call_1", "get_weather", '{"city":"Oslo"}'), call("c2", "b", "")],
        },
        "tool_calls",
        usage=USAGE,
    ),
    Chunking((3,)),
)
RESPONSE_STREAM = response_events(
    response(
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "a"}]},
        message("so 😀"),
        function_call("call_1", "get_weather", '{"city":"Oslo"}', caller={"type": "direct"}),
        {"type": "custom_tool_call", "id": "c", "call_id": "c2", "name": "b", "input": "free"},
        usage={"input_tokens": 1, "output_tokens": 2, "input_tokens_details": {}},
    ),
    Chunking((5,)),
)

ODD = chunk(
    {
        "content": [{"type": "text", "text": "a"}, {"type": "thinking", "thinking": []}],
        "audio": {"id": "a1", "transcript": "b"},
        "function_call": {"name": "get_time", "arguments": "{}"},
        "reasoning_details": [{"type": "reasoning.text", "text": "c"}],
    }
)


@few
@given(wrecked([ODD, *CHAT_STREAM, ODD]))
def test_no_stream_of_chunks_breaks_the_reader(events: list[Any]) -> None:
    """
    Wrong types, missing keys, huge indexes and nulls come from servers that mean well, too.
    """
    survived(CHAT, events)
    survived(FUNCTIONS, events)


@few
@given(wrecked(RESPONSE_STREAM))
def test_no_stream_of_events_breaks_the_reader(events: list[Any]) -> None:
    survived(RESPONSES, events)


@few
@given(st.integers(0, len(CHAT_STREAM) - 3))
def test_a_broken_off_stream_of_chunks_has_no_call_to_execute(came: int) -> None:
    """
    Without a finish_reason nobody knows whether the arguments were all.
    """
    streamed = read(CHAT, CHAT_STREAM[:came])

    assert () == streamed.calls
    assert all(each.problem is not None for each in streamed.turn.calls)
    assert Stop.UNKNOWN is streamed.turn.stop


@few
@given(st.integers(0, len(RESPONSE_STREAM) - 2))
def test_a_broken_off_stream_of_events_has_the_calls_that_were_whole(came: int) -> None:
    events = RESPONSE_STREAM[:came]
    streamed = read(RESPONSES, events)
    done = [each["item"] for each in events if each["type"] == "response.output_item.done"]
    whole = [each["call_id"] for each in done if each["type"] == "function_call"]

    assert whole == [each.call_id for each in streamed.turn.calls if each.problem is None]
