"""
What a client is told of a call: what is hostile in it does not reach the wire.
"""

from __future__ import annotations

import json
from typing import Any

import mcp_types as types
import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_client.mcp_server.answering import (
    MAXIMUM_DEPTH,
    MAXIMUM_RESULT_BYTES,
    answer,
    readable,
)
from toolcell_client.mcp_server.shapes import shape_of
from toolcell_client.result import Result

ANY = shape_of(None, modern=True)


def ended(result_json: bytes, stdout: bytes = b"") -> Result:
    return Result(
        execution_id="e",
        call_id="c",
        outcome=pb.Outcome(completed=pb.Completed()),
        result_json=result_json,
        stdout=stdout,
        stderr=b"",
        usage=pb.Usage(),
        isolation=None,
    )


def told(result: Result, shape: Any = ANY) -> types.CallToolResult:
    """
    The answer, as it goes over a pipe.
    """
    made = answer(result, shape)
    return types.CallToolResult.model_validate_json(made.model_dump_json(by_alias=True))


def texts(result: types.CallToolResult) -> list[str]:
    return [each.text for each in result.content if isinstance(each, types.TextContent)]


def test_the_text_is_the_tools_json_byte_for_byte() -> None:
    """
    A number that a double cannot hold, and the way it was written.
    """
    written = b'{"b": 1.10, "a": 123456789012345678901234567890}'

    assert [written.decode()] == texts(told(ended(written)))
    assert ["plain"] == texts(told(ended(b'"plain"')))


def test_half_a_letter_does_not_end_the_connection() -> None:
    """
    JSON can write it, UTF-8 cannot.
    """
    result = told(ended(b'{"a": "\\ud83d", "b": ["\\udc00x"]}'))

    assert {"a": "?", "b": ["?x"]} == result.structured_content
    assert not result.is_error


@pytest.mark.parametrize(
    ("written", "error"),
    [
        (b"[" * (MAXIMUM_DEPTH + 2) + b"]" * (MAXIMUM_DEPTH + 2), "result_too_large"),
        (b'"' + b"x" * MAXIMUM_RESULT_BYTES + b'"', "result_too_large"),
        (b"[" * 100_000, "unreachable"),
        (b"{", "unreachable"),
    ],
    ids=["deep", "large", "endless", "half"],
)
def test_what_no_client_could_read_is_an_error(written: bytes, error: str) -> None:
    """
    Rather than a message that breaks it.
    """
    result = told(ended(written))

    assert (True, error) == (result.is_error, result.structured_content["error"])
    assert result.structured_content == json.loads(texts(result)[0])
    assert {"toolcell/executionId": "e"} == result.meta


def test_what_was_printed_follows_and_is_cut() -> None:
    """
    The end of it: what a program says last explains most.
    """
    short = texts(told(ended(b"1", b"said\n")))
    long = texts(told(ended(b"1", b"\xff" + b"ab" * 5000 + b"end")))

    assert ["1", "[printed by the tool, all of it]\nsaid\n"] == short
    assert long[1].startswith("[printed by the tool, the last 2000 characters]\n")
    assert long[1].endswith("abend")


def test_a_person_reads_no_tricks() -> None:
    """
    Nothing that moves the cursor or turns text round.
    """
    assert "a�[2Jb�c…" == readable("a\x1b[2Jb\u202ecdef", 8)
