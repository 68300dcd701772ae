"""
Calls that another tool serves in place of the one that was called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from repeating import kinds, metrics, say
from toolcell_client.errors import SwitchedOff

if TYPE_CHECKING:
    from pathlib import Path

    from running_server import Server
    from toolcell_client import Client


def test_a_tool_that_fails_is_stood_in_for_and_the_result_says_so(
    repeating: Client, repeating_server: Server, saying: Path
) -> None:
    say(saying, "down")
    told, result = kinds(repeating, "leading", {"path": str(saying)})
    warning = result.warnings[0]

    assert ["accepted", "started", "fell_back", "started", "finished"] == told
    assert "stood in: True" == result.raise_for_outcome().value
    assert ("FELL_BACK", "stand_in ran in place of leading") == (warning.reason, warning.message)
    assert metrics(repeating_server)['toolcell_fallbacks_total{cause="temporary"}'] >= 1
    assert 0 == metrics(repeating_server)['toolcell_cells{state="running"}']


def test_a_tool_that_works_is_not_stood_in_for(repeating: Client, saying: Path) -> None:
    told, result = kinds(repeating, "leading", {"path": str(saying)})

    assert ["accepted", "started", "finished"] == told
    assert ("up", ()) == (result.value, result.warnings)


def test_a_tool_that_is_switched_off_is_stood_in_for(repeating: Client, saying: Path) -> None:
    stream = repeating.execute("switched_off", {"path": str(saying)})
    (fell_back,) = [event.fell_back for event in stream if event.HasField("fell_back")]
    result = stream.result().raise_for_outcome()

    assert "stood in: True" == result.value
    assert ["FELL_BACK"] == [warning.reason for warning in result.warnings]
    assert ("switched_off", "stand_in", "1") == (
        fell_back.tool,
        fell_back.fallback,
        fell_back.fallback_version,
    )
    assert "SWITCHED_OFF" == fell_back.refusal
    assert [str(saying)] == [path.path for path in fell_back.grants.paths]


def test_a_call_with_a_request_id_is_stood_in_for_once(repeating: Client, saying: Path) -> None:
    """
    The id belongs to the tool that was called, whichever one ran.
    """
    asked = {"path": str(saying)}
    first = repeating.run("switched_off", asked, request_id="once")
    again = repeating.run("switched_off", asked, request_id="once")
    direct = repeating.run("stand_in", asked, request_id="once")

    assert first.execution_id == again.execution_id
    assert again.replayed
    assert first.execution_id != direct.execution_id


def test_arguments_that_do_not_fit_are_refused_for_the_tool_that_was_called(
    repeating: Client, saying: Path
) -> None:
    with pytest.raises(SwitchedOff):
        repeating.run("switched_off", {"path": str(saying), "more": 1})


def test_a_fallback_that_would_do_more_than_the_tool_is_never_used(
    repeating: Client, repeating_server: Server, saying: Path
) -> None:
    say(saying, "down")
    result = repeating.run("careless", {"path": str(saying)})

    assert "failed" == result.label
    assert ["FALLBACK_REFUSED"] == [warning.reason for warning in result.warnings]
    assert "down" == saying.read_text()
    assert "a fallback cannot be used" in repeating_server.log.read_text()
