"""
However a Gemini response is cut into chunks, it reads the same, and nothing wrecks the reader.
"""

from __future__ import annotations

from typing import Any

import pytest
from chunking import Chunking, argument_objects, chunkings, read, texts
from exampling import few
from hypothesis import given
from hypothesis import strategies as st
from toolcell_client.formats.gemini import FORMAT
from wrecking import JUNK, survived, wrecked

Part = dict[str, Any]
REASONS = ["STOP", "MAX_TOKENS", "SAFETY", "MALFORMED_FUNCTION_CALL", "OTHER"]
USAGE = {"promptTokenCount": 3, "candidatesTokenCount": 9}


def parts() -> st.SearchStrategy[Part]:
    """
    Parts as a response has them; signatures are on any.
    """
    said = st.builds(lambda text: {"text": text}, texts())
    thought = st.builds(lambda text: {"text": text, "thought": True}, texts())
    call = st.builds(
        lambda arguments, call_id: {
            "functionCall": {"name": "get_weather", "args": arguments, **call_id}
        },
        argument_objects(),
        st.sampled_from([{}, {"id": "a1"}]),
    )
    code = st.just({"executableCode": {"language": "PYTHON", "code": "1"}})
    signature = st.sampled_from([{}, {}, {"thoughtSignature": "AAE="}])
    return st.builds(lambda part, signed: part | signed, said | thought | call | code, signature)


def merged(content: list[Part]) -> list[Part]:
    """
    Text that nothing divides is one part, as it is in a response that is not streamed.
    """
    made: list[Part] = []
    for part in content:
        last = made[-1] if made else {}
        if _grows(part) and _grows(last) and part.get("thought") is last.get("thought"):
            made[-1] = {**last, "text": last["text"] + part["text"]}
        elif not _grows(part) or part["text"]:
            made.append(part)
    return made


def _grows(part: Part) -> bool:
    return "text" in part and part.keys() <= {"text", "thought"}


def stream(content: list[Part], reason: str, chunking: Chunking) -> list[dict[str, Any]]:
    """
    Chunks of a response: text in pieces, and several parts in one chunk or one each.
    """
    cut = [piece for part in content for piece in _pieces(part, chunking)]
    chunks: list[list[Part]] = [[]]
    for width, piece in zip(chunking.cut("x" * len(cut)), cut, strict=False):
        chunks[-1].append(piece)
        if len(width) % 2:
            chunks.append([])
    chunks[-1] += cut[sum(len(each) for each in chunks) :]
    events = [_chunk({"content": {"role": "model", "parts": each}}) for each in chunks]
    return [*events, {**_chunk({"finishReason": reason}), "usageMetadata": USAGE}]


def _pieces(part: Part, chunking: Chunking) -> list[Part]:
    if not _grows(part):
        return [part]
    return [{**part, "text": each} for each in chunking.cut(part["text"])]


def _chunk(candidate: dict[str, Any]) -> dict[str, Any]:
    return {"candidates": [candidate], "modelVersion": "gemini-test", "responseId": "r1"}


@few
@given(st.lists(parts(), max_size=5).map(merged), st.sampled_from(REASONS), chunkings())
def test_any_chunking_gives_the_same_turn(
    content: list[Part], reason: str, chunking: Chunking
) -> None:
    """
    As the response that was not cut at all.
    """
    seen = read(FORMAT, stream(content, reason, chunking))

    whole = {"content": {"role": "model", "parts": content}, "finishReason": reason}
    expected = FORMAT.turn({**_chunk(whole), "usageMetadata": USAGE})
    assert expected == seen.turn
    assert expected.text == seen.text
    assert seen.calls == tuple(each for each in expected.calls if each.problem is None)
    assert content == ([*expected.messages[0]["parts"]] if content else [])


FULL = [
    _chunk({"content": {"role": "model", "parts": [{"text": "Hm", "thought": True}]}}),
    _chunk({"content": {"role": "model", "parts": [{"text": "I look.", "thoughtSignature": "A"}]}}),
    _chunk({"content": {"parts": [{"functionCall": {"name": "a", "args": {"city": "Oslo"}}}]}}),
    _chunk({"content": {"parts": [{"functionCall": {"name": "b", "willContinue": True}}]}}),
    _chunk(
        {
            "content": {
                "parts": [
                    {
                        "functionCall": {
                            "partialArgs": [{"jsonPath": "$.a[0]", "stringValue": "x"}],
                            "willContinue": True,
                        }
                    }
                ]
            }
        }
    ),
    _chunk({"content": {"parts": [{"functionCall": {}}]}, "finishReason": "STOP"}),
    {"promptFeedback": {"blockReason": "OTHER"}, "usageMetadata": USAGE, "error": {"message": "x"}},
]


@few
@given(wrecked(FULL))
def test_no_stream_of_objects_wrecks_the_reader(events: list[dict[str, Any]]) -> None:
    """
    What a model or a gateway sends is answered to the model, never raised.
    """
    survived(FORMAT, events)


@few
@given(JUNK)
def test_what_is_no_chunk_is_a_value_error(event: Any) -> None:
    if isinstance(event, dict):
        assert () == tuple(FORMAT.accumulator().add(event))
        return
    with pytest.raises(ValueError, match="no response, message or event"):
        FORMAT.accumulator().add(event)
