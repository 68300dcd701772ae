"""
The gate that screens arguments: what refuses, what is only reported, and what neither shows.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from typing import Any

import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.gates import Call
from toolcell_server.limits import Limits
from toolcell_server.principal import ANYBODY
from toolcell_server.refusals import Screened
from toolcell_server.screens.screening import Screening
from toolcell_server.settings.arguments import ScreenSettings
from toolcell_server.status import to_status
from toolcell_server.tool import Tool

INJECTION = "x' or '1'='1"


def tool(**fields: Any) -> Tool:
    return Tool(name="query", bundle="b", version="1", **fields)


def call(of: Tool, arguments: dict[str, Any], **fields: Any) -> Call:
    return Call(
        request=pb.RunRequest(tool="query", **fields),
        principal=ANYBODY,
        tool=of,
        limits=Limits(),
        arguments=arguments,
        data=json.dumps(arguments).encode(),
    )


def let_pass(screening: Screening, asked: Call) -> Call:
    with contextlib.ExitStack() as resources:
        return asyncio.run(screening.let_pass(asked, resources))


def test_a_call_without_screens_passes_as_it_is() -> None:
    asked = call(tool(), {"q": INJECTION})

    assert asked is let_pass(Screening(), asked)


def test_a_harmless_call_passes_as_it_is() -> None:
    asked = call(tool(screens={"/q": ("sql",)}), {"q": "O'Brien"})

    assert asked is let_pass(Screening(), asked)


def test_a_hit_is_refused_by_place_and_kind_and_nothing_more() -> None:
    """
    What in the text was found would be a manual for the next try.
    """
    of = tool(screens={"/q": ("html", "sql")})
    with pytest.raises(Screened) as refused:
        let_pass(Screening(), call(of, {"q": INJECTION}))
    status = to_status(refused.value)

    assert ("INVALID_ARGUMENT", "SCREENED") == (refused.value.code, refused.value.reason)
    assert [("arguments_json/q", "looks like an injection (sql)")] == refused.value.violations
    assert "1'='1" not in str(status)
    assert not refused.value.retryable
    assert refused.value.hint


PLACES: dict[str, tuple[str, Any, str]] = {
    "below the place": ("/filter", {"filter": {"a": [{"b": INJECTION}]}}, "/filter/a/0/b"),
    "a key": ("/filter", {"filter": {INJECTION: 1}}, "/filter"),
    "an item of a list": ("/rows/*/q", {"rows": [{"q": "a"}, {"q": INJECTION}]}, "/rows/1/q"),
    "anywhere": ("", {"deep": {"er": INJECTION}}, "/deep/er"),
    "a name with a slash": ("/a~1b", {"a/b": INJECTION}, "/a~1b"),
}


@pytest.mark.parametrize(("place", "arguments", "at"), PLACES.values(), ids=PLACES)
def test_texts_at_and_below_a_place_are_screened(place: str, arguments: Any, at: str) -> None:
    with pytest.raises(Screened) as refused:
        let_pass(Screening(), call(tool(screens={place: ("sql",)}), arguments))

    assert f"arguments_json{at}" == refused.value.violations[0][0]


def test_elsewhere_nothing_is_screened() -> None:
    asked = call(tool(screens={"/q": ("sql",)}), {"q": "a", "other": INJECTION})

    assert asked is let_pass(Screening(), asked)


def test_a_report_passes_and_is_told_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    counted: list[tuple[str, str]] = []
    screening = Screening(counted=lambda kind, action: counted.append((kind, action)))
    of = tool(screens={"/q": ("sql",)}, screen_action="report")
    with caplog.at_level(logging.WARNING):
        passed = let_pass(screening, call(of, {"q": INJECTION}))
    [report] = passed.reports

    assert ("screen", "arguments_json/q", "sql") == (report.operation, report.target, report.reason)
    assert report.reported_only
    assert [("sql", "reported")] == counted
    assert "screened" in caplog.text
    assert INJECTION not in str([vars(record) for record in caplog.records])


def test_an_operator_makes_every_report_a_refusal() -> None:
    of = tool(screens={"/q": ("sql",)}, screen_action="report")
    with pytest.raises(Screened):
        let_pass(Screening(refuse_all=True), call(of, {"q": INJECTION}))


@pytest.mark.parametrize(("name", "screened"), [("*", True), ("query", True), ("other", False)])
def test_an_operator_screens_tools_that_do_not(name: str, screened: bool) -> None:
    of = ScreenSettings(tool=name, at="/q", kinds=("sql",))
    asked = call(tool(), {"q": INJECTION})
    if screened:
        with pytest.raises(Screened):
            let_pass(Screening((of,)), asked)
    else:
        assert asked is let_pass(Screening((of,)), asked)


def test_a_refusal_wins_over_a_report() -> None:
    report = ScreenSettings(at="/a", kinds=("sql",), action="report")
    refuse = ScreenSettings(at="/b", kinds=("sql",), action="refuse")
    with pytest.raises(Screened) as refused:
        let_pass(Screening((report, refuse)), call(tool(), {"a": INJECTION, "b": INJECTION}))

    assert ["arguments_json/b"] == [at for at, _ in refused.value.violations]


@pytest.mark.parametrize("text", ["a" * 40_000, "\ufdfa" * 8000])
def test_what_is_too_long_to_be_screened_is_not_called_harmless(text: str) -> None:
    with pytest.raises(Screened, match="unreadable"):
        let_pass(Screening(), call(tool(screens={"/q": ("sql",)}), {"q": text}))


HOSTILE: dict[str, dict[str, Any]] = {
    "many texts": {"q": ["a"] * 200_000},
    "a long key above many texts": {"q": {"k" * 16_000: ["a"] * 100_000}},
    "a long key above many numbers": {"k" * 16_000: [1] * 100_000},
    "many hits": {"q": [INJECTION] * 100_000},
}


@pytest.mark.parametrize("arguments", HOSTILE.values(), ids=HOSTILE)
def test_no_arguments_make_screening_slow(arguments: dict[str, Any]) -> None:
    """
    What is told of them is bounded, and so is the time; measured: below 0.1 s.
    """
    of = tool(screens={"/q": ("sql",), "/*/*": ("sql",)}, screen_action="report")
    begun = time.process_time()
    passed = let_pass(Screening(), call(of, arguments))

    assert time.process_time() - begun < 5
    assert len(passed.reports) <= 64


def test_a_call_that_is_only_checked_leaves_no_trace_in_a_count() -> None:
    counted: list[tuple[str, str]] = []
    screening = Screening(counted=lambda kind, action: counted.append((kind, action)))
    with pytest.raises(Screened):
        let_pass(
            screening, call(tool(screens={"/q": ("sql",)}), {"q": INJECTION}, validate_only=True)
        )

    assert [] == counted
