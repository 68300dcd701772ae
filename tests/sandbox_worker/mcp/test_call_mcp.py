from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import mcp_server
import pytest
from performing import Performance, perform
from toolcell_worker.bundle import BundleSpec, load
from toolcell_worker.wire import Frame

CARRIERS = BundleSpec(name="registered", package="toolcell_worker.carriers")
SCRIPT = Path(mcp_server.__file__)
ERAS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28")


def run(tool: str, arguments: Any = None, *server: str, **carried: Any) -> Performance:
    told = {"argv": [sys.executable, str(SCRIPT), *server], "tool": tool, **carried}
    carrier = load(CARRIERS).tools["call_mcp", "1"]
    return perform(carrier, {"carried": told, "arguments": arguments or {}}, result_bytes=2**20)


@pytest.mark.parametrize("era", ERAS)
def test_a_server_of_every_era_is_spoken_to(era: str) -> None:
    assert run("echo", {"text": "é"}, era).result == {"text": "é"}


@pytest.mark.parametrize("era", ["2023-01-01", "2099-01-01"])
def test_a_server_of_another_era_is_refused(era: str) -> None:
    assert run("echo", {}, era).raised["code"] == "MCP_VERSION"


def test_tools_are_listed_page_by_page() -> None:
    listed = run("").result["tools"]

    assert [tool["name"] for tool in listed] == [tool["name"] for tool in mcp_server.TOOLS]
    assert listed[1]["outputSchema"] == mcp_server.TOTAL


def test_a_declared_result_is_the_value_itself() -> None:
    assert run("add", {"a": 2, "b": 3}, structured=True).result == {"total": 5}
    undeclared = run("add", {"a": 2, "b": 3}).result
    assert undeclared == {"text": '{"total": 5}', "structured": {"total": 5}}


def test_what_is_no_text_is_passed_on_with_its_type_and_nothing_else_of_it() -> None:
    assert run("show").result == {
        "text": "see",
        "content": [
            {"type": "image", "data": "aGVsbG8=", "mime_type": "image/png"},
            {"type": "resource_link", "uri": "file:///a", "name": "a"},
            {"type": "resource", "uri": "a://b", "mime_type": "a/b", "text": "words"},
            {"type": "?"},
        ],
    }


def test_progress_and_logs_become_events_and_requests_are_answered() -> None:
    """
    The server itself checks that its request for a model is refused and that its ping is answered.
    """
    performance = run("tell")

    assert performance.result == {"text": "told"}
    assert performance.of(Frame.PROGRESS) == [
        {"fraction": 0.5, "message": "step 1"},
        {"fraction": 1.0, "message": "step 2"},
    ]
    log = performance.of(Frame.LOG)[0]
    assert (log["level"], log["message"], log["fields"]) == ("error", '{"a":1}', {"logger": "l"})


def test_a_tool_that_fails_says_why() -> None:
    raised = run("fail").raised

    assert (raised["code"], raised["message"]) == ("MCP_TOOL_FAILED", "it cannot be done")


def test_a_wrong_call_is_the_callers() -> None:
    raised = run("nothing").raised

    assert (raised["code"], raised["category"]) == ("MCP_32602", "user")
    assert "unknown tool nothing" in raised["message"]


def test_a_large_argument_and_a_large_answer_pass_at_once() -> None:
    """
    Neither side waits for the other over two full pipes.
    """
    words = "x" * 900_000

    assert run("echo", {"text": words}).result == {"text": words}


FAULTS = {
    "ends": "MCP_ENDED",
    "holds its pipe": "MCP_ENDED",
    "writes one line without end": "MCP_TOO_LONG",
    "writes notices without end": "MCP_TOO_LONG",
    "writes what is no JSON without end": "MCP_MALFORMED",
    "answers neither way": "MCP_MALFORMED",
    "answers with a list": "MCP_MALFORMED",
    "answers with content that is none": "RESULT_INVALID",
    "answers without what it declares": "RESULT_INVALID",
    "answers with what is no base64": "RESULT_INVALID",
    "asks a person": "MCP_NOT_SUPPORTED",
    "makes a task of it": "MCP_NOT_SUPPORTED",
    "refuses": "MCP_32603",
    "writes numbers that are none": "MCP_ENDED",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_call_ends_with_a_reason_if_the_server(fault: str) -> None:
    declared = fault == "answers without what it declares"

    assert run("echo", {}, "2025-06-18", fault, structured=declared).raised["code"] == FAULTS[fault]


@pytest.mark.parametrize("fault", ["lists without end", "lists too much", "lists no list"])
def test_a_list_ends_with_a_reason_if_the_server(fault: str) -> None:
    assert run("", {}, "2025-06-18", fault).raised["code"] in {"MCP_TOO_LONG", "MCP_MALFORMED"}


def test_a_program_that_is_not_there_is_named() -> None:
    carrier = load(CARRIERS).tools["call_mcp", "1"]
    told = {"argv": ["/nowhere/server"], "tool": "echo"}
    raised = perform(carrier, {"carried": told, "arguments": {}}).raised

    assert "server cannot be started" in raised["message"]
