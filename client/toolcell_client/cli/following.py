"""
Follows a stream for `call` and `watch`: shows what happens, then prints the result.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from toolcell.v1 import execution_pb2 as pb

from toolcell_client.cli.exits import Exit
from toolcell_client.cli.listing import for_people, print_json, print_text
from toolcell_client.cli.screen import DIM, RED, Screen
from toolcell_client.plain import event_to_plain, short_name

if TYPE_CHECKING:
    from toolcell_client.result import Result
    from toolcell_client.stream import Stream


def follow(stream: Stream, options: Any) -> Exit:
    """
    Show a stream to its end, and say by the exit code how it ended.

    Raises:
        ToolcellError: as iterating the stream.
    """
    screen = Screen.of_stderr()
    with stream:
        try:
            for event in stream:
                if options.json:
                    print_json(event_to_plain(event))
                    sys.stdout.flush()
                elif not options.quiet:
                    show(event, screen)
        finally:
            screen.end()
        result = stream.result()
    if not options.json:
        _print_result(result, options)
    if not result.ok or result.result_left_out:
        _explain(result, screen)
    return _exit_of(result)


def show(event: pb.ExecuteResponse, screen: Screen) -> None:
    """
    One event on the screen, if it says something to a person.
    """
    match event.WhichOneof("event"):
        case "output":
            _show_output(event.output, screen)
        case "log":
            level = short_name(pb.LogLevel, event.log.level)
            fields = event.log.fields_json.decode(errors="replace")
            screen.line(f"{level}: {event.log.message} {fields}".rstrip(), DIM)
        case "progress":
            known = event.progress.HasField("fraction")
            screen.progress(event.progress.fraction if known else None, event.progress.message)
        case "partial":
            screen.line(f"partial: {event.partial.value_json.decode(errors='replace')}", DIM)
        case "denied":
            screen.line(_denied(event.denied), DIM)
        case "retrying":
            screen.line(f"attempt {event.retrying.attempt} ended; trying again", DIM)
        case "fell_back":
            said = event.fell_back
            screen.line(f"{said.fallback} runs in place of {said.tool}", DIM)
        case "finished":
            for warning in event.finished.warnings:
                screen.line(f"warning: {warning.message}", DIM)


def _show_output(output: pb.Output, screen: Screen) -> None:
    if output.skipped_bytes:
        screen.line(f"… {output.skipped_bytes} bytes left out …", DIM)
    screen.output(output.stream, output.data)


def _print_result(result: Result, options: Any) -> None:
    if not result.result_json:
        return
    if for_people(options):
        print_text(json.dumps(result.value, indent=2, ensure_ascii=False))
    else:
        sys.stdout.buffer.write(result.result_json + b"\n")
        sys.stdout.flush()


def _explain(result: Result, screen: Screen) -> None:
    outcome = result.outcome
    said = ("toolcell", result.label, outcome.failed.exception, outcome.message)
    screen.line(": ".join(filter(None, said)), RED)
    if outcome.hint:
        screen.line(f"hint: {outcome.hint}")
    for denied in outcome.denials:
        screen.line(_denied(denied))


def _denied(denied: pb.Denied) -> str:
    wall = short_name(pb.Wall, denied.wall)
    what = "not denied, only reported" if denied.reported_only else "denied"
    return f"{what}: {denied.operation} {denied.target} ({denied.reason}; wall: {wall})"


def _exit_of(result: Result) -> Exit:
    if result.ok:
        return Exit.OK
    timed = result.outcome.exceeded.limit in (pb.LIMIT_WALL, pb.LIMIT_TIMEOUT)
    return Exit.TIMED_OUT if timed else Exit.TOOL_FAILED
