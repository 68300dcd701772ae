"""
Streams of a Gemini model, chunk by chunk.
"""

from __future__ import annotations

from typing import Any

from chunking import read
from google.genai import types
from toolcell_client.formats.gemini import FORMAT
from toolcell_client.formats.turns import Problem, RawCall, Stop, Tokens

OSLO = {
    "functionCall": {"name": "get_weather", "args": {"city": "Oslo"}},
    "thoughtSignature": "AAE=",
}
ROME = {"functionCall": {"name": "get_weather", "args": {"city": "Rome"}}}


def chunk(*parts: Any, finish: str | None = None, **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "responseId": "r1", **more}


def text(written: str, **more: Any) -> dict[str, Any]:
    return {"text": written, **more}


def test_text_grows_together_and_signatures_stay_in_their_places() -> None:
    """
    The provider wants a signature back in the part in which it came, even an empty one.
    """
    seen = read(
        FORMAT,
        [
            chunk(text("Hm", thought=True), text(", cold.", thought=True)),
            chunk(text("It is ")),
            chunk(text("3 "), text("C")),
            chunk(text("."), text(" Brr", thoughtSignature="AAE=")),
            chunk(text(".")),
            chunk(text("", thoughtSignature="AAI="), finish="STOP"),
        ],
    )

    assert "It is 3 C. Brr." == seen.text == seen.turn.text
    parts = [
        text("Hm, cold.", thought=True),
        text("It is 3 C."),
        text(" Brr", thoughtSignature="AAE="),
        text("."),
        text("", thoughtSignature="AAI="),
    ]
    assert ({"role": "model", "parts": parts},) == seen.turn.messages
    types.Content.model_validate(seen.turn.messages[0])


def test_a_call_is_handed_out_once_it_is_whole() -> None:
    """
    As soon as something follows it, or the response has ended well.
    """
    accumulator = FORMAT.accumulator()
    first = RawCall(call_id="r1_0", name="get_weather", arguments={"city": "Oslo"})
    second = RawCall(call_id="r1_1", name="get_weather", arguments={"city": "Rome"})

    assert [] == [*accumulator.add(chunk(OSLO))]
    assert [] == [*accumulator.add(chunk(text("")))]
    assert [first] == [*accumulator.add(chunk(ROME))]
    assert [second] == [*accumulator.add(chunk(finish="STOP"))]
    assert (first, second) == accumulator.turn().calls
    assert ({"role": "model", "parts": [OSLO, ROME]},) == accumulator.turn().messages


def test_a_cut_call_is_never_handed_out() -> None:
    for end in ([chunk(finish="MAX_TOKENS")], [], [{"error": {"message": "Internal"}}]):
        seen = read(FORMAT, [chunk(OSLO), chunk(ROME), *end])

        assert ["r1_0"] == [each.call_id for each in seen.calls]
        assert [None, Problem.TRUNCATED] == [each.problem for each in seen.turn.calls]


def test_an_error_in_the_stream_is_told() -> None:
    turn = read(FORMAT, [chunk(text("It")), {"error": {"code": 500, "message": "Internal"}}]).turn

    assert (Stop.FAILED, "Internal", "It") == (turn.stop, turn.reason, turn.text)


def test_a_model_that_says_stop_in_every_chunk_is_read_to_the_end() -> None:
    seen = read(FORMAT, [chunk(text("a"), finish="STOP"), chunk(OSLO, finish="STOP")])

    assert ("a", 1, Stop.END) == (seen.text, len(seen.calls), seen.turn.stop)


def test_usage_is_of_the_last_chunk_that_says_it() -> None:
    first = {"promptTokenCount": 10, "candidatesTokenCount": 1}
    last = {"promptTokenCount": 10, "candidatesTokenCount": 5, "thoughtsTokenCount": 2}
    turn = read(
        FORMAT, [chunk(usageMetadata=first), chunk(usageMetadata=last, finish="STOP"), chunk()]
    ).turn

    assert Tokens(input=10, output=7, reasoning=2) == turn.tokens


def test_only_the_first_candidate_is_read() -> None:
    other = {"content": {"parts": [OSLO]}, "index": 1, "finishReason": "STOP"}
    seen = read(FORMAT, [{"candidates": [other]}, chunk(text("a")), {"candidates": [other]}])

    assert ("a", ()) == (seen.text, seen.turn.calls)


def test_a_blocked_prompt_is_a_refusal() -> None:
    turn = read(FORMAT, [{"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}]).turn

    assert (Stop.REFUSED, "PROHIBITED_CONTENT") == (turn.stop, turn.reason)
