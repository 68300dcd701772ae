"""
`toolcell batch`: runs several calls.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell.v1 import execution_pb2 as pb

from toolcell_client.batching import NotRun
from toolcell_client.cli.exits import Exit, UsageError
from toolcell_client.cli.following import show
from toolcell_client.cli.listing import for_people, print_json, print_table
from toolcell_client.cli.quantities import seconds
from toolcell_client.cli.screen import DIM, Screen
from toolcell_client.plain import short_name, to_plain
from toolcell_client.result import Result

if TYPE_CHECKING:
    import argparse

    from toolcell_client.client import Client

HEADINGS = ("CALL", "STATE", "EXECUTION", "RESULT")


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """
    Add the command and its flags.
    """
    parser = commands.add_parser(
        "batch",
        parents=[common],
        help="run several calls",
        description="Runs the calls of a file: a JSON list of objects, or one object a line, each"
        ' {"tool": …, "arguments": {…}, "call_id": …}.  Prints one line of JSON for each call.',
    )
    parser.set_defaults(run=run)
    parser.add_argument("file", metavar="FILE|-")
    parser.add_argument("--parallel", type=int, default=0, metavar="COUNT", help="1: in order")
    parser.add_argument("--stop", action="store_true", help="begin no more once one has failed")
    parser.add_argument("--timeout", metavar="SECONDS", help="of all of them")
    parser.add_argument("-q", "--quiet", action="store_true", help="show the results only")


def run(client: Client, options: Any) -> Exit:
    """
    Raises:
        UsageError: the calls cannot be read or sent.
        ToolcellError: the batch was refused as a whole or not answered.
    """
    screen = Screen.of_stderr()
    try:
        stream = client.batch(
            calls_of(options.file),
            max_parallel=options.parallel,
            stop_on_failure=options.stop,
            timeout=seconds(options.timeout) if options.timeout else None,
        )
    except (TypeError, ValueError) as exc:
        raise UsageError(str(exc)) from exc
    with stream:
        for event in stream:
            if not options.quiet and event.HasField("execution"):
                show(event.execution, screen)
            if not options.quiet and event.execution.HasField("finished"):
                screen.line(f"call {event.call_id} has ended", DIM)
        _print(stream.results(), stream.summary or pb.BatchFinished(), options)
    return Exit.OK if stream.summary and stream.summary.completed else Exit.TOOL_FAILED


def calls_of(name: str) -> list[Any]:
    """
    The calls of a file: a list, or one a line.

    Raises:
        UsageError: it cannot be read, or is not JSON.
    """
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text()
        if text.lstrip().startswith("["):
            return list(json.loads(text))
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except OSError as exc:
        raise UsageError(f"{name}: {exc.strerror}") from exc
    except ValueError as exc:
        raise UsageError(f"{name}: neither a JSON list nor one JSON object a line: {exc}") from exc


def _print(results: dict[str, Any], summary: pb.BatchFinished, options: Any) -> None:
    states = {each.call_id: short_name(pb.BatchCallState, each.state) for each in summary.calls}
    if for_people(options):
        rows = [
            (each.call_id, states[each.call_id], each.execution_id, _brief(results[each.call_id]))
            for each in summary.calls
        ]
        print_table(HEADINGS, rows)
        return
    for call_id, ending in results.items():
        print_json({"call_id": call_id, "state": states[call_id], **_told(ending)})


def _brief(ending: Any) -> str:
    """
    What it returned, or why it did not.
    """
    if isinstance(ending, Result):
        return json.dumps(ending.value) if ending.ok else ending.outcome.message
    return f"{ending.failed_call_id} failed" if isinstance(ending, NotRun) else str(ending)


def _told(ending: Any) -> dict[str, Any]:
    if isinstance(ending, Result):
        told: dict[str, Any] = {"execution_id": ending.execution_id}
        return told | ({"result": ending.value} if ending.ok else to_plain(ending.outcome))
    if isinstance(ending, NotRun):
        return {"failed_call_id": ending.failed_call_id}
    return {"reason": ending.reason, "message": str(ending)}
