"""
Results of tools that would make every later request of a conversation fail.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from google.genai import types
from toolcell.v1 import execution_pb2 as pb

if TYPE_CHECKING:
    from toolcell_client.testing import FakeServer
    from turning import Turn

CALL = {"functionCall": {"name": "odd", "args": {}}}
RESPONSE = {"candidates": [{"finishReason": "STOP", "content": {"parts": [CALL]}}]}


def finished(result: bytes) -> pb.Finished:
    outcome = pb.Outcome(completed=pb.Completed())
    return pb.Finished(outcome=outcome, result_json=result, usage=pb.Usage())


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        (b"1e999", "Infinity"),
        (b'{"a":[-1e999,"NaN"]}', {"a": ["-Infinity", "NaN"]}),
        (b"NaN", "NaN"),
        (b"[" * 300 + b"]" * 300, "[" * 300 + "]" * 300),
        (b'{"a":"\\ud800"}', {"a": "?"}),
    ],
    ids=["infinity", "infinities", "nan", "deep", "half a character"],
)
def test_whatever_a_tool_returns_can_be_sent(
    server: FakeServer, turn: Turn, result: bytes, shown: Any
) -> None:
    server.tool("odd", finished(result))
    done = turn(RESPONSE, provider="gemini")
    assert done.answers[0].value == shown
    for each in done.messages:
        sent = types.Content.model_validate(each).model_dump(mode="json", exclude_none=True)
        assert json.dumps(sent, allow_nan=False, ensure_ascii=False).encode()
