"""
Arguments that a Gemini model on Vertex AI streams in pieces.
"""

from __future__ import annotations

from typing import Any

import pytest
from chunking import read
from google.genai import types
from toolcell_client.formats.gemini import FORMAT
from toolcell_client.formats.gemini_partial import BadPiece, PartialArguments, steps
from toolcell_client.formats.pieces import Room
from toolcell_client.formats.turns import Problem

STARTED: dict[str, Any] = {"name": "order", "willContinue": True}
BROKEN: dict[str, list[dict[str, Any]]] = {
    "a piece without a path": [{"stringValue": "x"}],
    "a piece without a value": [{"jsonPath": "$.a"}],
    "a path that is none": [{"jsonPath": "a.b", "boolValue": True}],
    "the whole of the arguments": [{"jsonPath": "$", "boolValue": True}],
    "arguments that are an array": [{"jsonPath": "$[0]", "boolValue": True}],
    "a wildcard": [{"jsonPath": "$.a[*]", "boolValue": True}],
    "an array with a hole": [{"jsonPath": "$.a[5]", "boolValue": True}],
    "an object in place of a number": [
        {"jsonPath": "$.a", "numberValue": 1},
        {"jsonPath": "$.a.b", "numberValue": 1},
    ],
    "a number that is none": [{"jsonPath": "$.a", "numberValue": float("nan")}],
    "a path without end": [{"jsonPath": "$" + ".a" * 65, "boolValue": True}],
}


def chunks(*calls: dict[str, Any], finish: str = "STOP") -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = [
        {"candidates": [{"content": {"role": "model", "parts": [{"functionCall": each}]}}]}
        for each in calls
    ]
    return [*told, {"candidates": [{"finishReason": finish}]}]


def going_on(*pieces: Any) -> dict[str, Any]:
    return {"partialArgs": list(pieces), "willContinue": True}


def test_a_call_in_pieces_is_one_whole_call() -> None:
    """
    As a call that came at once; numbers are doubles on the wire.
    """
    seen = read(
        FORMAT,
        chunks(
            STARTED,
            going_on({"jsonPath": "$.note", "stringValue": "two ", "willContinue": True}),
            going_on({"jsonPath": "$.note", "stringValue": "please"}),
            going_on({"jsonPath": "$.items[0].name", "stringValue": "tea"}),
            going_on({"jsonPath": "$.items[0]['the count']", "numberValue": 2.0}),
            going_on({"jsonPath": "$.items[1].name", "nullValue": "NULL_VALUE"}),
            going_on({"jsonPath": "$.price", "numberValue": 2.5}),
            going_on({"jsonPath": "$.gift", "boolValue": False}),
            {},
            {"name": "get_time", "args": {}},
        ),
    )

    arguments = {
        "note": "two please",
        "items": [{"name": "tea", "the count": 2}, {"name": None}],
        "price": 2.5,
        "gift": False,
    }
    assert [("order", arguments), ("get_time", {})] == [
        (each.name, each.arguments) for each in seen.calls
    ]
    assert seen.calls == seen.turn.calls
    assert isinstance(arguments["price"], float)
    parts = seen.turn.messages[0]["parts"]
    assert {"functionCall": {"name": "order", "args": arguments}} == parts[0]
    types.Content.model_validate(seen.turn.messages[0])


@pytest.mark.parametrize(
    "calls",
    [
        [STARTED],
        [STARTED, going_on({"jsonPath": "$.gift", "boolValue": True})],
        [STARTED, {"name": "get_time", "args": {}}],
        [STARTED, {"partialArgs": [{"jsonPath": "$.a", "stringValue": "x", "willContinue": True}]}],
    ],
    ids=["only a name", "pieces without end", "another call", "a string without end"],
)
def test_half_a_call_is_never_executed_but_answered(calls: list[dict[str, Any]]) -> None:
    seen = read(FORMAT, chunks(*calls))

    assert "order" not in {each.name for each in seen.calls}
    assert Problem.TRUNCATED is seen.turn.calls[0].problem
    assert "order" == seen.turn.messages[0]["parts"][0]["functionCall"]["name"]


@pytest.mark.parametrize("sentence", BROKEN)
def test_pieces_that_make_no_sense_are_answered(sentence: str) -> None:
    seen = read(FORMAT, chunks(STARTED, going_on(*BROKEN[sentence]), {}))

    assert () == seen.calls
    assert Problem.MALFORMED is seen.turn.calls[0].problem


def test_pieces_beyond_the_room_are_refused() -> None:
    arguments = PartialArguments({}, Room(40))
    arguments.add({"jsonPath": "$.a", "stringValue": "x" * 20})

    with pytest.raises(BadPiece, match="too long"):
        arguments.add({"jsonPath": "$.b", "stringValue": "x" * 20})


def test_a_path_may_be_quoted() -> None:
    """
    As RFC 9535 has it, where a name is no word.
    """
    assert ("a b", "it's", 'say "x"', 3) == steps("""$['a b']['it\\'s']["say \\"x\\""][3]""")
