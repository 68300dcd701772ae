"""
Metrics: what is counted, and that nothing a caller sends becomes a label.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from scripted_executor import (
    ScriptedExecutor,
    StopsShort,
    completed,
    execution,
    finished,
    run,
    started,
)
from toolcell.v1 import execution_pb2 as pb
from toolcell_server import logs, metrics_listener, outcomes
from toolcell_server.addresses import Address, AddressTaken
from toolcell_server.clocked import ClockedExecutor
from toolcell_server.logged import LoggedExecutor
from toolcell_server.metered import MeteredExecutor
from toolcell_server.metrics import MAXIMUM_TOOL_LABELS, Metrics

if TYPE_CHECKING:
    from toolcell_server.executor import Executor

OUTCOMES = {
    "completed": pb.Outcome(completed=pb.Completed()),
    "failed": pb.Outcome(failed=pb.Failed()),
    "exceeded_wall": pb.Outcome(exceeded=pb.Exceeded(limit=pb.LIMIT_WALL)),
    "violated": pb.Outcome(violated=pb.Violated()),
    "cancelled": pb.Outcome(cancelled=pb.Cancelled()),
    "lost": pb.Outcome(lost=pb.Lost()),
}


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return metrics.registry.get_sample_value(name, labels) or 0


def ended(metrics: Metrics, outcome: str, tool: str = "echo") -> float:
    return value(metrics, "toolcell_executions_total", tool=tool, outcome=outcome)


async def drained(executor: Executor, tool: str = "echo") -> list[pb.ExecuteResponse]:
    return [event async for event in executor.execute(execution(tool=tool))]


def test_every_kind_of_outcome_has_a_label() -> None:
    """
    An ending that is added to the contract must not become a KeyError in the metrics.
    """
    kinds = {field.name for field in pb.Outcome.DESCRIPTOR.oneofs_by_name["kind"].fields}

    assert kinds == {outcome.WhichOneof("kind") for outcome in OUTCOMES.values()}
    assert list(OUTCOMES) == [outcomes.label(outcome) for outcome in OUTCOMES.values()]


def test_every_limit_has_a_word_and_any_other_number_one_word() -> None:
    """
    The label set is closed even if a peer of a newer version sends a limit that we do not know.
    """
    words = {outcomes.limit(limit) for limit in pb.Limit.values()}

    assert {"wall", "cpu", "memory", "open_files", "timeout"} < words
    assert outcomes.limit(99) == "unspecified"  # type: ignore[arg-type]


@pytest.mark.parametrize("label", OUTCOMES)
def test_an_execution_is_counted_once_by_its_outcome(label: str) -> None:
    """
    Output and progress never count; only the ending does.
    """
    metrics = Metrics()
    run(drained(MeteredExecutor(ScriptedExecutor(started(), finished(OUTCOMES[label])), metrics)))

    assert ended(metrics, label) == 1
    assert sum(ended(metrics, other) for other in OUTCOMES) == 1


def test_an_execution_counts_even_if_its_reader_stops_at_the_ending() -> None:
    """
    The server does stop there: it closes the chain instead of asking for more.
    """
    metrics = Metrics()

    async def scenario() -> None:
        chain = MeteredExecutor(ScriptedExecutor(completed()), metrics)
        events = chain.execute(execution())
        assert (await anext(aiter(events))).HasField("finished")
        await events.aclose()  # type: ignore[attr-defined]

    run(scenario())

    assert ended(metrics, "completed") == 1
    assert ended(metrics, "lost") == 0


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([started(), ValueError()], id="it raises"),
        pytest.param([started(), StopsShort()], id="it stops without an ending"),
    ],
)
def test_an_execution_without_an_ending_counts_as_lost(script: list[Any]) -> None:
    """
    It is what becomes of it, and the one outcome that wakes somebody up.
    """
    metrics = Metrics()

    async def scenario() -> None:
        with contextlib.suppress(ValueError):
            await drained(MeteredExecutor(ScriptedExecutor(*script), metrics))

    run(scenario())

    assert ended(metrics, "lost") == 1


def test_usage_is_observed_only_where_a_cell_was_built() -> None:
    """
    Zeros of calls that were cancelled in the queue would drown the real numbers.
    """
    metrics = Metrics()
    usage = pb.Usage(memory_peak_bytes=2**23, stdout_bytes=7, stderr_bytes=9)
    usage.cpu_user.FromMilliseconds(250)
    usage.cpu_system.FromMilliseconds(500)
    ran = pb.Finished(outcome=OUTCOMES["failed"], usage=usage, isolation=pb.IsolationReport())
    run(drained(MeteredExecutor(ScriptedExecutor(pb.ExecuteResponse(finished=ran)), metrics)))
    run(drained(MeteredExecutor(ScriptedExecutor(finished(OUTCOMES["cancelled"])), metrics)))

    assert value(metrics, "toolcell_execution_cpu_seconds_sum") == 0.75
    assert value(metrics, "toolcell_execution_cpu_seconds_count") == 1
    assert value(metrics, "toolcell_execution_memory_peak_bytes_sum") == 2**23
    assert value(metrics, "toolcell_output_bytes_total", stream="stdout") == 7
    assert value(metrics, "toolcell_output_bytes_total", stream="stderr") == 9


def test_each_stage_is_observed_where_it_ended() -> None:
    """
    An execution that never began has waited, and has neither a cell nor a run.
    """
    metrics = Metrics()
    run(drained(ClockedExecutor(ScriptedExecutor(started(), completed()), metrics)))
    run(drained(ClockedExecutor(ScriptedExecutor(finished(OUTCOMES["lost"])), metrics)))
    counts = {
        stage: value(metrics, "toolcell_execution_duration_seconds_count", stage=stage)
        for stage in ("queue", "cell", "run")
    }

    assert counts == {"queue": 2, "cell": 1, "run": 1}


def test_only_the_first_tools_have_a_label_of_their_own() -> None:
    """
    A bundle of thousands of generated tools must not fill Prometheus.
    """
    metrics = Metrics()
    labels = {metrics.tool_label(f"tool_{number}") for number in range(1000)}

    assert len(labels) == MAXIMUM_TOOL_LABELS + 1
    assert metrics.tool_label("tool_0") == "tool_0"
    assert metrics.tool_label("tool_999") == "other"


def test_the_walls_of_each_bundle_are_shown() -> None:
    """
    An operator sees a host whose walls have become weaker before anybody uses that.
    """
    metrics = Metrics()
    active = pb.WallReport(wall=pb.WALL_SECCOMP, status=pb.WALL_STATUS_ACTIVE)
    degraded = pb.WallReport(wall=pb.WALL_RESOURCES, status=pb.WALL_STATUS_DEGRADED)
    absent = pb.WallReport(wall=pb.WALL_LANDLOCK, status=pb.WALL_STATUS_ABSENT)
    report = pb.IsolationReport(level=pb.ISOLATION_LEVEL_STRONG, walls=[active, degraded, absent])
    metrics.show_isolation("mine", report)

    assert value(metrics, "toolcell_isolation_level", bundle="mine") == 3
    assert value(metrics, "toolcell_wall_status", bundle="mine", wall="seccomp") == 2
    assert value(metrics, "toolcell_wall_status", bundle="mine", wall="resources") == 1
    assert value(metrics, "toolcell_wall_status", bundle="mine", wall="landlock") == 0


def test_the_listener_serves_every_metric_on_its_address_and_lets_go_of_it() -> None:
    """
    A second server of the same process must be able to listen there at once.
    """
    metrics = Metrics()
    with metrics_listener.listening(Address("127.0.0.1", 0), metrics.registry) as address:
        with urllib.request.urlopen(f"http://{address}/metrics") as response:
            text = response.read().decode()
        with pytest.raises(AddressTaken, match=r"is in use; choose another with --metrics-listen"):
            metrics_listener.listening(address, metrics.registry).__enter__()
    with metrics_listener.listening(address, metrics.registry):
        pass

    for name in ("toolcell_build_info", "process_resident_memory_bytes", "toolcell_refusals_total"):
        assert name in text
    assert socket.gethostname() not in text


def logged(script: list[Any], formatter: logging.Formatter, **fields: Any) -> list[str]:
    """
    The lines that the log has of one execution.
    """
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(formatter.format(record))  # type: ignore[method-assign]
    logger = logging.getLogger("toolcell_server.logged")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)

    async def scenario() -> None:
        chain = LoggedExecutor(ScriptedExecutor(*script))
        with contextlib.suppress(ValueError):
            async for _ in chain.execute(execution(**fields)):
                pass

    try:
        run(scenario())
    finally:
        logger.removeHandler(handler)
    return lines


def test_an_execution_is_one_line_of_json_with_the_words_of_the_metrics() -> None:
    """
    One line holds everything, so that no join is needed to ask what happened.
    """
    denied = pb.ExecuteResponse(denied=pb.Denied(operation="open"))
    reported = pb.ExecuteResponse(denied=pb.Denied(operation="connect", reported_only=True))
    (line,) = logged(
        [started(), denied, reported, started(), finished(OUTCOMES["exceeded_wall"])],
        logs.JsonFormatter(),
        call_id="call-1",
    )
    read = json.loads(line)

    assert read["message"] == "execution finished"
    assert (read["tool"], read["outcome"], read["call_id"]) == ("echo", "exceeded_wall", "call-1")
    assert (read["attempts"], read["denials"], read["reported_only"]) == (2, 1, 1)


def test_an_execution_that_stops_without_an_ending_is_logged_as_lost() -> None:
    """
    Otherwise the log would hold fewer executions than the metrics.
    """
    (line,) = logged([ValueError()], logs.JsonFormatter())

    assert json.loads(line)["outcome"] == "lost"
    assert json.loads(line)["level"] == "error"


@pytest.mark.parametrize("formatter", [logs.JsonFormatter(), logs.TextFormatter()])
def test_a_caller_cannot_forge_a_line_of_the_log(formatter: logging.Formatter) -> None:
    """
    An id with a line feed in it would otherwise write what it likes below ours.
    """
    lines = logged([completed()], formatter, call_id="a\n2026 INFO execution finished tool=evil")

    assert [line.count("\n") for line in lines] == [0]
