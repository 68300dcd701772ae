"""
Chat completions that are streamed, as OpenAI does it and as other servers do.
"""

from __future__ import annotations

from typing import Any

import pytest
from chunking import read
from openai.types.chat import ChatCompletionChunk
from openai_requests import CHAT_MESSAGES, complaints
from openai_streams import chunk
from toolcell_client.formats import Problem, RawCall, Stop, format_of
from toolcell_client.formats.pieces import ARGUMENT_BYTES, CALLS, TEXT_BYTES

CHAT = format_of("openai")

OSLO, NOON = ("call_1", "get_weather", '{"city":"Oslo"}'), ("call_2", "get_time", "{}")


def delta(index: int | None, arguments: str | None = None, **more: Any) -> dict[str, Any]:
    """
    A chunk with a part of one call; `name` and `id` where they are given.
    """
    called = {"name": more.pop("name", None), "arguments": arguments}
    made = {"index": index, "function": called, **more}
    called = {key: each for key, each in called.items() if each is not None}
    made = {key: each for key, each in made.items() if each is not None}
    return chunk({"tool_calls": [{**made, "function": called}]})


def brought(*chunks: dict[str, Any], finish: str = "tool_calls") -> list[tuple[str, str, str]]:
    """
    The calls of a stream of these chunks; all are without problems.
    """
    streamed = read(CHAT, [*chunks, chunk(finish_reason=finish)])
    assert streamed.turn.calls == streamed.calls
    assert [] == complaints(CHAT_MESSAGES, streamed.turn.messages)
    sent = streamed.turn.messages[0]["tool_calls"]
    assert [each["function"]["arguments"] for each in sent] == [
        each.arguments for each in streamed.calls
    ]
    return [(each.call_id, each.name, str(each.arguments)) for each in streamed.calls]


FIRST = delta(0, "", id="call_1", type="function", name="get_weather")
SECOND = delta(1, "", id="call_2", type="function", name="get_time")

STREAMS = {
    "interleaved, with empty first arguments": [
        *(FIRST, delta(0, '{"ci'), SECOND, delta(0, 'ty":"Oslo"}'), delta(1, "{}")),
    ],
    "the id and the name in every chunk": [
        *(FIRST, SECOND, delta(1, "{}", id="call_2", name="get_time")),
        *(delta(0, each, id="call_1", name="get_weather") for each in ('{"ci', 'ty":"Oslo"}')),
    ],
    "another id in every chunk, and the name in the first": [
        *(FIRST, delta(0, '{"city":', id="x"), delta(0, '"Oslo"}', id="y"), SECOND, delta(1, "{}")),
    ],
    "no index, and the id in every chunk": [
        delta(None, '{"city":', id="call_1", name="get_weather"),
        delta(None, "{", id="call_2", name="get_time"),
        *(delta(None, '"Oslo"}', id="call_1"), delta(None, "}", id="call_2")),
    ],
    "no index, and the id in the first chunk": [
        *(delta(None, '{"city":', id="call_1", name="get_weather"), delta(None, '"Oslo"}')),
        *(delta(None, "", id="call_2", name="get_time"), delta(None, "{}")),
    ],
    "the index 0 for all": [
        delta(0, '{"city":"Oslo"}', id="call_1", name="get_weather"),
        delta(0, "{}", id="call_2", name="get_time"),
    ],
    "the later index first": [
        *(SECOND, delta(1, "{}"), FIRST, delta(0, '{"city":"Oslo"}')),
    ],
    "names in pieces": [
        *(delta(0, id="call_1", name="get_"), delta(0, name="weather")),
        *(delta(0, '{"city":"Oslo"}'), SECOND, delta(1, "{}")),
    ],
    "nulls everywhere": [
        chunk({"content": None, "tool_calls": None, "function_call": None, "refusal": None}),
        *(FIRST, delta(0, '{"city":"Oslo"}'), SECOND, delta(1, "{}")),
        {"choices": None, "usage": None},
    ],
}


@pytest.mark.parametrize("sentence", STREAMS)
def test_calls_are_put_together_from(sentence: str) -> None:
    """
    Fixture 1, and what servers that speak the same format do otherwise.
    """
    assert [OSLO, NOON] == brought(*STREAMS[sentence])


def test_the_finish_reason_stop_brings_calls_as_well() -> None:
    assert [OSLO] == brought(FIRST, delta(0, '{"city":"Oslo"}'), finish="stop")


def test_a_finish_reason_in_every_chunk_brings_each_call_once() -> None:
    chunks = [
        delta(0, OSLO[2], id="call_1", name="get_weather"),
        delta(1, NOON[2], id="call_2", name="get_time"),
    ]
    for each in chunks:
        each["choices"][0]["finish_reason"] = "tool_calls"
    late = delta(0, "late")

    assert [OSLO, NOON] == brought(*chunks, late)


def test_arguments_that_are_an_object_become_text() -> None:
    """
    As a history has text in their place.
    """
    called = {"name": "get_weather", "arguments": {"city": "Oslo"}}
    odd = chunk({"tool_calls": [{"index": 0, "id": "call_1", "function": called}]})

    assert [("call_1", "get_weather", '{"city": "Oslo"}')] == brought(odd)


def test_a_truncated_stream_brings_no_call() -> None:
    """
    Fixture 2.
    """
    streamed = read(CHAT, [FIRST, delta(0, '{"city":"Oslo"}'), chunk(finish_reason="length")])

    assert () == streamed.calls
    assert [(Problem.TRUNCATED, OSLO[2])] == [
        (each.problem, each.arguments) for each in streamed.turn.calls
    ]
    assert Stop.LENGTH is streamed.turn.stop


def test_a_refusal_comes_in_pieces() -> None:
    pieces = [chunk({"refusal": each}) for each in ("I will ", "not.")]
    streamed = read(CHAT, [*pieces, chunk(finish_reason="stop")])

    assert ("I will ", "not.") == streamed.texts
    assert ("I will not.", Stop.REFUSED) == (streamed.turn.text, streamed.turn.stop)


def test_other_choices_are_not_read() -> None:
    second = chunk({"content": "b"})
    second["choices"][0]["index"] = 1
    streamed = read(CHAT, [chunk({"content": "a"}), second, chunk(finish_reason="stop")])

    assert "a" == streamed.turn.text


def test_the_last_chunk_has_the_usage_and_no_choices() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
    last = chunk(usage=usage) | {"choices": []}
    streamed = read(CHAT, [chunk({"content": "a"}), chunk(finish_reason="stop"), last])

    assert (9, 4) == (streamed.turn.tokens.input, streamed.turn.tokens.output)


def test_an_error_within_a_stream_fails_it() -> None:
    error = {"error": {"message": "the provider is gone"}}
    streamed = read(CHAT, [FIRST, delta(0, OSLO[2]), error])

    assert () == streamed.calls
    assert (Stop.FAILED, "the provider is gone") == (streamed.turn.stop, streamed.turn.reason)
    assert [Problem.TRUNCATED] == [each.problem for each in streamed.turn.calls]


def test_chunks_of_the_sdk_are_read_like_the_json_that_they_are_of() -> None:
    chunks = [*STREAMS["interleaved, with empty first arguments"], chunk(finish_reason="stop")]
    objects = [ChatCompletionChunk.model_validate(each) for each in chunks]

    assert read(CHAT, chunks) == read(CHAT, objects)


@pytest.mark.parametrize("junk", [None, 7, "text", b"bytes", ["list"]])
def test_what_is_no_event_is_an_error(junk: Any) -> None:
    with pytest.raises(ValueError, match="no response, message or event"):
        CHAT.accumulator().add(junk)


def test_more_calls_than_there_may_be_are_answered_by_one() -> None:
    """
    The model is told once, and nothing grows with what it does not stop to send.
    """
    many = [delta(at, "{}", id=f"call_{at}", name="get_time") for at in range(CALLS * 3)]
    streamed = read(CHAT, [*many, chunk(finish_reason="tool_calls")])

    assert CALLS == len(streamed.calls)
    *whole, last = streamed.turn.calls
    assert streamed.calls == tuple(whole)
    assert (Problem.TRUNCATED, True) == (last.problem, str(CALLS) in last.detail)
    assert CALLS + 1 == len(streamed.turn.messages[0]["tool_calls"])


def test_arguments_that_never_end_are_cut() -> None:
    piece = "x" * 2**20
    endless = [FIRST, *(delta(0, piece) for _ in range(9)), SECOND, delta(1, "{}")]
    streamed = read(CHAT, [*endless, chunk(finish_reason="tool_calls")])

    first, second = streamed.turn.calls
    assert ARGUMENT_BYTES == len(first.arguments)
    assert [Problem.TRUNCATED] * 2 == [first.problem, second.problem]
    assert "too long" in first.detail
    assert () == streamed.calls


def test_text_that_never_ends_is_cut() -> None:
    endless = [chunk({"content": "x" * 2**20, "more": "y" * 2**20}) for _ in range(20)]
    streamed = read(CHAT, [*endless, chunk(finish_reason="stop")])

    assert TEXT_BYTES == len(streamed.text) == len(streamed.turn.text)
    assert Stop.LENGTH is streamed.turn.stop


def test_half_a_character_that_stays_alone_is_replaced() -> None:
    """
    No encoder takes it, so that the next request could not be sent.
    """
    parts = [chunk({"content": "a\ud83d"}), delta(0, '"\udc00"', id="\ud83d", name="n")]
    streamed = read(CHAT, [*parts, chunk(finish_reason="tool_calls")])

    assert "a\ufffd" == streamed.turn.text
    assert RawCall(call_id="\ufffd", name="n", arguments='"\ufffd"') == streamed.turn.calls[0]
