"""
Results that act on whoever shows them: reported, stripped or withheld.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
import scripted_executor as scripted
from scripted_executor import ScriptedExecutor, completed, kinds
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.approved import ApprovedExecutor
from toolcell_server.charged import ChargedExecutor
from toolcell_server.fallbacks.fell_back import FellBackExecutor
from toolcell_server.redaction import Redactor
from toolcell_server.redaction.redacted import RedactedExecutor
from toolcell_server.reported import ReportedExecutor
from toolcell_server.retrying.retried import RetriedExecutor
from toolcell_server.screens import results as result_screens
from toolcell_server.screens.screened import ScreenedExecutor
from toolcell_server.settings.arguments import ResultSettings

ALL = ("html", "control")
ACTS = b'{"page":"<script>x()</script>","ok":"<b>1<2</b>"}'
ESCAPES = b'["\\u001b[31mred\\u001b[0m","a\\u0000b","tab\\tline\\n"]'

STRIPPED: dict[str, tuple[bytes, Any, list[tuple[str, str]]]] = {
    "a script": (
        ACTS,
        {"page": "&lt;script>x()&lt;/script>", "ok": "<b>1<2</b>"},
        [("/page", "html")],
    ),
    "escape sequences": (
        ESCAPES,
        ["red", "ab", "tab\tline\n"],
        [("/0", "control"), ("/1", "control")],
    ),
    "a title of a terminal": (b'"\\u001b]0;evil\\u0007x"', "x", [("", "control")]),
    "one that never ends": (b'"\\u001b]0;evil"', "0;evil", [("", "control")]),
    "an eight-bit one": (b'"a\\u009b31mb"', "ab", [("", "control")]),
    "turned text": ('"a\u202eb"'.encode(), "ab", [("", "control")]),
    "a handler that a NUL cuts up": (
        b'"<img src=x on\\u0000error=y>"',
        "&lt;img src=x onerror=y>",
        [("", "control"), ("", "html")],
    ),
    "a key": (b'{"<iframe>": 1}', {"&lt;iframe>": 1}, [("", "html")]),
    "a link that runs": (b'"[x](javascript:y())"', "[x](javascript&colon;y())", [("", "html")]),
}


@pytest.mark.parametrize(("data", "left", "hits"), STRIPPED.values(), ids=STRIPPED)
def test_what_acts_is_found_and_stripped(data: bytes, left: Any, hits: Any) -> None:
    looked = result_screens.look(data, ALL)

    assert left == json.loads(looked.stripped)
    assert hits == list(looked.hits)
    assert () == result_screens.look(looked.stripped, ALL).hits


@pytest.mark.parametrize(
    "data",
    [b'{"a":"<b>bold</b> 1<2"}', b'"tab\\t\\n"', '"ünï \u200d"'.encode(), b"1.10", b"", b"no json"],
)
def test_what_does_not_is_left_as_it_was(data: bytes) -> None:
    looked = result_screens.look(data, ALL)

    assert ((), data) == (looked.hits, looked.stripped)


@pytest.mark.parametrize("data", [b'{"a":"<script>","a":1}', b'["<script>"', b"[" * 5000 + b"<"])
def test_what_cannot_be_read_is_no_harmless_value(data: bytes) -> None:
    """
    Values that a tool yields are checked by nobody before.
    """
    looked = result_screens.look(data, ALL)

    assert ((("", "unreadable"),), b"null") == (looked.hits, looked.stripped)


@pytest.mark.parametrize("part", ["<a ", "<", "\\u001b]", "\\u001b[", "javascript", "a", "\\ufdfa"])
def test_no_result_makes_a_screen_slow(part: str) -> None:
    """
    The largest result that an operator may allow; measured: below 2 s, and no expression that
    backtracks.
    """
    text = part * (4 * 2**20 // len(part))
    begun = time.process_time()
    looked = result_screens.look(f'["{text}"]'.encode(), ALL)

    assert time.process_time() - begun < 30
    assert json.loads(looked.stripped)


def told(executor: Any, of: Any) -> list[pb.ExecuteResponse]:
    async def scenario() -> list[pb.ExecuteResponse]:
        return [event async for event in executor.execute(of)]

    return scripted.run(scenario())


def partial(data: bytes) -> pb.ExecuteResponse:
    return pb.ExecuteResponse(partial=pb.Partial(value_json=data))


def screened(*events: Any, action: str, **fields: Any) -> list[pb.ExecuteResponse]:
    settings = ResultSettings(screens=ALL, action=action)
    return told(ScreenedExecutor(ScriptedExecutor(*events), settings), scripted.execution(**fields))


def test_a_report_leaves_the_result_and_tells_where() -> None:
    events = screened(partial(ACTS), completed(ACTS), action="report")

    assert ["denied", "partial", "denied", "finished"] == kinds(events)
    assert ["partial/page", "result/page"] == [events[0].denied.target, events[2].denied.target]
    assert events[0].denied.reported_only
    assert events[-1].finished.result_json == ACTS


def test_a_stripped_result_is_told_too() -> None:
    events = screened(partial(ACTS), completed(ACTS), action="strip")

    assert b"<script" not in events[1].partial.value_json + events[-1].finished.result_json
    assert "completed" == events[-1].finished.outcome.WhichOneof("kind")


def test_a_refused_result_is_withheld_and_the_execution_has_failed() -> None:
    """
    A value that was yielded is withheld, and the result behind it.
    """
    for events in (
        screened(completed(ACTS), action="refuse"),
        screened(partial(ACTS), completed(b"1"), action="refuse"),
    ):
        [finished] = [event.finished for event in events]
        assert "ResultScreened" == finished.outcome.failed.exception
        assert b"" == finished.result_json
        assert finished.outcome.hint


def test_what_a_tool_asks_for_is_joined_to_what_the_operator_does() -> None:
    """
    The stricter action wins.
    """
    of = scripted.execution()
    strict = ScreenedExecutor(ScriptedExecutor(completed(ACTS)), ResultSettings())
    object.__setattr__(of.tool, "result_screens", ("html",))
    object.__setattr__(of.tool, "result_action", "refuse")

    assert "failed" == told(strict, of)[-1].finished.outcome.WhichOneof("kind")


def test_layers_that_nobody_asks_for_are_not_there() -> None:
    """
    The very iterator of the executor underneath: nothing is added to any event.
    """
    base = _Remembering()
    for layer in (
        ScreenedExecutor(base, ResultSettings()),
        RedactedExecutor(base, Redactor.of()),
        ReportedExecutor(base),
        ChargedExecutor(base),
        ApprovedExecutor(base),
        RetriedExecutor(base),
        FellBackExecutor(base),
    ):
        assert base.made is layer.execute(scripted.execution())


class _Remembering:
    def __init__(self) -> None:
        self.made: Any = iter(())

    def execute(self, execution: Any) -> Any:
        return self.made


def test_reports_of_the_gates_come_first_and_once() -> None:
    report = pb.Denied(operation="screen", reported_only=True)
    events = told(
        ReportedExecutor(ScriptedExecutor(scripted.started(), completed())),
        scripted.execution(reports=(report,)),
    )

    assert ["denied", "started", "finished"] == kinds(events)


def test_a_gap_in_the_output_leaves_no_half_of_a_secret() -> None:
    """
    And what was held back comes before the ending.
    """
    gap = pb.Output(stream=pb.OUTPUT_STREAM_STDOUT, data=b"et-s3cret z s3", skipped_bytes=9)
    events = told(
        RedactedExecutor(
            ScriptedExecutor(
                scripted.output(b"a s3cret-s3"), pb.ExecuteResponse(output=gap), completed()
            ),
            Redactor.of(["s3cret-s3cret"]),
        ),
        scripted.execution(),
    )
    data = [event.output.data for event in events if event.HasField("output")]

    assert [b"a ", b"[redacted]", b"[redacted] z ", b"s3"] == data
    assert 9 == sum(event.output.skipped_bytes for event in events)
    assert events[-1].HasField("finished")


def test_a_large_piece_is_redacted_among_many_secrets() -> None:
    """
    In order, whoever does it.
    """
    secrets = [f"s3cret-number-{number}" for number in range(20)]
    piece = b"x" * 100_000 + secrets[7].encode()[:9]
    rest = secrets[7].encode()[9:] + b"\n"
    events = told(
        RedactedExecutor(
            ScriptedExecutor(scripted.output(piece), scripted.output(rest), completed()),
            Redactor.of(secrets),
        ),
        scripted.execution(),
    )

    assert b"x" * 100_000 + b"[redacted]\n" == b"".join(event.output.data for event in events)


def test_a_large_result_does_not_stop_the_loop() -> None:
    """
    Other calls go on while it is looked at.
    """
    data = json.dumps([{"a": "hello: x", "b": index} for index in range(60_000)]).encode()
    settings = ResultSettings(screens=ALL)
    layers = RedactedExecutor(
        ScreenedExecutor(ScriptedExecutor(completed(data)), settings),
        Redactor.of(["s3cret-s3cret"], (), ["a"]),
    )

    async def scenario() -> tuple[int, list[pb.ExecuteResponse]]:
        async def whole() -> list[pb.ExecuteResponse]:
            return [event async for event in layers.execute(scripted.execution())]

        turns, task = 0, asyncio.create_task(whole())
        while not task.done():
            await asyncio.wait((task,), timeout=0.005)
            turns += 1
        return turns, await task

    turns, events = scripted.run(scenario())

    assert turns > 5  # of the loop; whoever holds it lets one or two be
    assert "hello" not in events[-1].finished.result_json.decode()
