"""
Streams of an Anthropic model, event by event.
"""

from __future__ import annotations

from typing import Any

import pytest
from chunking import read
from toolcell_client.formats import OfferedTool, Toolset
from toolcell_client.formats.anthropic_messages import FORMAT
from toolcell_client.formats.turns import Problem, RawCall, Stop, Tokens

TOOL = OfferedTool(name="get_weather", parameters={"type": "object"})
HEAD: dict[str, Any] = {
    "role": "assistant",
    "model": "claude-test",
    "content": [],
    "stop_reason": None,
}
WEATHER = RawCall(call_id="toolu_1", name="get_weather", arguments='{"city":"Oslo"}')


def began(usage: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "message_start", "message": {**HEAD, "usage": usage or {}}}


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": each} for each in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text(index: int, *pieces: str) -> list[dict[str, Any]]:
    deltas = [{"type": "text_delta", "text": each} for each in pieces]
    return block(index, {"type": "text", "text": ""}, *deltas)


def call(index: int, *pieces: str, **more: Any) -> list[dict[str, Any]]:
    deltas = [{"type": "input_json_delta", "partial_json": each} for each in pieces]
    start = {"type": "tool_use", "id": f"toolu_{index}", "name": "get_weather", "input": {}}
    return block(index, {**start, **more}, *deltas)


def ended(reason: str | None, **usage: int) -> list[dict[str, Any]]:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return [
        {"type": "message_delta", "delta": delta, "usage": usage},
        {"type": "message_stop"},
    ]


def test_a_call_is_put_together_and_handed_out_once_it_is_whole() -> None:
    """
    The first piece is empty, as the provider sends it.
    """
    events = [
        began(),
        {"type": "ping"},
        *text(0, "I ", "look."),
        *call(1, "", '{"ci', 'ty":"Oslo"}'),
        *ended("tool_use"),
    ]
    seen = read(FORMAT, events)

    assert ("I ", "look.") == seen.texts
    assert (WEATHER,) == seen.calls == seen.turn.calls
    assert "I look." == seen.turn.text
    assert (Stop.CALLS, "claude-test") == (seen.turn.stop, seen.turn.model)
    content = [
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Oslo"}},
    ]
    assert ({"role": "assistant", "content": content},) == seen.turn.messages


@pytest.mark.parametrize("pieces", [(), ("",)], ids=["no piece", "an empty piece"])
def test_a_tool_without_arguments_is_called_with_none(pieces: tuple[str, ...]) -> None:
    turn = read(FORMAT, [began(), *call(0, *pieces), *ended("tool_use")]).turn

    assert {} == turn.messages[0]["content"][0]["input"]
    assert {} == Toolset([TOOL]).read("anthropic", turn).calls[0].arguments
    assert None is turn.calls[0].problem


def test_an_input_that_came_with_the_start_is_the_input() -> None:
    """
    Some gateways do not cut it into deltas.
    """
    seen = read(FORMAT, [began(), *call(0, input={"city": "Oslo"}), *ended("tool_use")])

    assert {"city": "Oslo"} == seen.calls[0].arguments
    assert {"city": "Oslo"} == seen.turn.messages[0]["content"][0]["input"]


def test_a_call_is_handed_out_as_soon_as_the_next_block_starts() -> None:
    """
    So that the first runs while the model writes the second.
    """
    accumulator = FORMAT.accumulator()
    brought = [accumulator.add(each) for each in [*call(1, '{"city":"Oslo"}'), *call(2)[:1]]]

    assert [(), (), (), (WEATHER,)] == [tuple(each) for each in brought]


@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded", None])
def test_a_cut_call_is_never_handed_out_even_if_it_reads_well(reason: str | None) -> None:
    """
    `{"days": 1` of `{"days": 14}` is closed by some gateways, and is another call.
    """
    seen = read(FORMAT, [began(), *call(0, "{}"), *call(1, '{"days": 1}'), *ended(reason)])

    assert ["toolu_0"] == [each.call_id for each in seen.calls]
    assert [None, Problem.TRUNCATED] == [each.problem for each in seen.turn.calls]
    assert 2 == len(seen.turn.messages[0]["content"])


def test_a_block_that_never_stopped_is_half_whatever_follows_it() -> None:
    """
    Blocks do not overlap, so what follows proves nothing of one that is still open.
    """
    seen = read(FORMAT, [began(), *call(0, "{}")[:-1], *call(1, "{}"), *ended("tool_use")])

    assert ["toolu_1"] == [each.call_id for each in seen.calls]
    assert [Problem.TRUNCATED, None] == [each.problem for each in seen.turn.calls]


def test_a_lost_connection_leaves_the_last_block_half() -> None:
    seen = read(FORMAT, [began(), *call(0, "{}"), *call(1, '{"days": 1')[:-1]])

    assert [None, Problem.TRUNCATED] == [each.problem for each in seen.turn.calls]
    assert {} == seen.turn.messages[0]["content"][1]["input"]
    assert Stop.UNKNOWN is seen.turn.stop


def test_an_error_of_the_provider_is_told_and_leaves_the_last_block_half() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    turn = read(FORMAT, [began(), *call(0, "{}"), error]).turn

    assert (Stop.FAILED, "Overloaded") == (turn.stop, turn.reason)
    assert [Problem.TRUNCATED] == [each.problem for each in turn.calls]


def test_input_that_is_no_json_is_answered_to_the_model() -> None:
    """
    The pieces are only promised to be JSON where the provider does not stream them eagerly.
    """
    seen = read(FORMAT, [began(), *call(0, '{"city": Os', "lo}"), *ended("tool_use")])
    (judged,) = Toolset([TOOL]).read("anthropic", seen.turn).calls

    assert Problem.MALFORMED is judged.problem
    assert '{"city": Oslo}' in judged.detail
    assert {} == seen.turn.messages[0]["content"][0]["input"]


def test_thinking_goes_back_with_its_signature() -> None:
    """
    The provider verifies it; what was cut off before it was signed cannot go back.
    """
    start = {"type": "thinking", "thinking": "", "signature": ""}
    thought = {"type": "thinking_delta", "thinking": "Hm, "}
    signed = {"type": "signature_delta", "signature": "EqQBCg=="}
    redacted = {"type": "redacted_thinking", "data": "EmwKAhgB"}
    whole = [*block(0, start, thought, thought, signed), *block(1, redacted), *text(2, "Cold.")]
    cut = [*text(0, "Well."), *block(1, start, thought)[:-1]]
    turn = read(FORMAT, [began(), *whole, *ended("end_turn")]).turn

    assert [
        {"type": "thinking", "thinking": "Hm, Hm, ", "signature": "EqQBCg=="},
        redacted,
        {"type": "text", "text": "Cold."},
    ] == turn.messages[0]["content"]
    assert "Cold." == turn.text
    said = [{"type": "text", "text": "Well."}]
    assert said == read(FORMAT, [began(), *cut]).turn.messages[0]["content"]


def test_citations_and_tools_of_the_provider_go_back() -> None:
    citation = {"type": "char_location", "cited_text": "3 C", "document_index": 0}
    cited = {"type": "citations_delta", "citation": citation}
    server = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    query = {"type": "input_json_delta", "partial_json": '{"query":"x"}'}
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    said = block(2, {"type": "text", "text": ""}, {"type": "text_delta", "text": "3 C"}, cited)
    turn = read(FORMAT, [began(), *block(0, server, query), *block(1, found), *said]).turn

    assert [
        {**server, "input": {"query": "x"}},
        found,
        {"type": "text", "text": "3 C", "citations": [citation]},
    ] == turn.messages[0]["content"]
    assert () == turn.calls


def test_usage_is_cumulative_and_what_is_left_out_stays() -> None:
    usage = {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1}
    turn = read(FORMAT, [began(usage), *text(0, "a"), *ended("end_turn", output_tokens=9)]).turn

    assert Tokens(input=15, output=9, cached=5) == turn.tokens


def test_what_repeats_is_not_read_twice() -> None:
    """
    Deltas after the stop, a block that starts again, and the events of the SDK's own making.
    """
    again = [*call(1, "{}"), *call(1, '{"city":"Rome"}')]
    extra = [{"type": "text", "text": "a", "snapshot": "a"}, {"type": "input_json"}]
    seen = read(FORMAT, [began(), *text(0, "a"), *extra, *again, *ended("tool_use")])

    assert ("a", "a", "{}") == (seen.text, seen.turn.text, seen.calls[0].arguments)
    assert 1 == len(seen.turn.calls)
