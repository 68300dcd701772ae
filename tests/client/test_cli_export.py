"""
`toolcell export`: what stands on stdout, what is explained on stderr, and how it ends.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from toolcell.v1 import registry_pb2

if TYPE_CHECKING:
    from command_line import Toolcell
    from toolcell_client.testing import FakeServer

READ = {
    "type": "object",
    "properties": {"path": {"type": "string", "minLength": 1}, "lines": {"type": "integer"}},
    "required": ["path"],
}
FREE = {"type": "object", "additionalProperties": {"type": "string"}}


@pytest.fixture(autouse=True)
def tools(server: FakeServer) -> None:
    """
    One tool that can be strict, one that cannot, and one that cannot be called.
    """
    server.tool("read", parameters=READ, description="Reads.")
    server.tool("label", parameters=FREE)
    server.tool("broken", parameters=READ, state=registry_pb2.TOOL_STATE_BROKEN)


def exported(toolcell: Toolcell, *flags: str) -> tuple[int, Any, str]:
    """
    The exit code, the definitions, and what was said beside them.
    """
    ended = toolcell("export", *flags)
    value = json.loads(ended.stdout) if ended.stdout else None
    return ended.returncode, value, ended.stderr.decode()


def test_definitions_are_what_a_request_takes(toolcell: Toolcell) -> None:
    """
    A program in any language may read them, so nothing else is on stdout.
    """
    code, value, said = exported(toolcell, "--provider", "openai")

    assert (0, "") == (code, said)
    assert ["label", "read"] == [each["function"]["name"] for each in value]
    assert READ == value[1]["function"]["parameters"]


def test_what_is_strict_is_strict_and_the_rest_is_explained(toolcell: Toolcell) -> None:
    code, value, said = exported(toolcell, "--provider", "openai", "--where-possible")

    assert (0, [False, True]) == (code, [each["function"]["strict"] for each in value])
    assert "not strict: label: additionalProperties: keys are free" in said
    assert "\nread: minLength at /properties/path: " in said


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        ([], 2, "required: --provider"),
        (["--provider", "nobody"], 2, "invalid choice: 'nobody'"),
        (["--provider", "openai", "--strict", "--where-possible"], 2, "not allowed with"),
        (["--provider", "openai", "--strict"], 2, "label: additionalProperties: keys are free"),
        (["--provider", "gemini", "--strict"], 2, "gemini has no strict mode; leave strict out"),
        (["--provider", "openai", "reed"], 2, "close: read"),
        (["--provider", "openai", "broken"], 2, "it is broken"),
        (["--provider", "openai", "read", "--only", "label"], 2, "no tool here is called 'label'"),
        (["--provider", "openai", "--target", "127.0.0.1:1"], 3, "toolcell serve"),
    ],
    ids=lambda value: " ".join(value) or "no flag" if isinstance(value, list) else "",
)
def test_what_cannot_be_exported_is_said_and_nothing_is_written(
    toolcell: Toolcell, flags: list[str], code: int, said: str
) -> None:
    """
    Half an export would be taken for a whole one.
    """
    found = exported(toolcell, *flags)

    assert (code, None) == found[:2]
    assert said in found[2]
    assert "Traceback" not in found[2]


def test_names_and_only_choose(toolcell: Toolcell) -> None:
    _, named, _ = exported(toolcell, "--provider", "anthropic", "read")
    _, only, _ = exported(toolcell, "--provider", "anthropic", "--only", "read", "--strict")

    assert ["read"] == [each["name"] for each in named] == [each["name"] for each in only]
