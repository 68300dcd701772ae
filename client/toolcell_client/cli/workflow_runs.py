"""
`toolcell workflow run|watch|runs|cancel|resume`: runs of workflows.
"""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell.v1 import workflow_pb2 as pb

from toolcell_client.cli.exits import Exit, Terminated, UsageError
from toolcell_client.cli.following import show
from toolcell_client.cli.listing import for_people, print_json, print_table
from toolcell_client.cli.pairs import arguments_of
from toolcell_client.cli.screen import DIM, RED, Screen
from toolcell_client.plain import short_name, to_plain

if TYPE_CHECKING:
    import argparse

    from toolcell_client.client import Client
    from toolcell_client.workflow_stream import WorkflowStream

HEADINGS = ("RUN", "WORKFLOW", "STATE", "ACCEPTED", "WAITS FOR")


def add_runs(inner: Any, common: argparse.ArgumentParser) -> None:
    """
    Add the subcommands that are about runs.
    """
    running = inner.add_parser(
        "run", parents=[common], help="run a workflow, by name or from a file"
    )
    running.set_defaults(run=run_run)
    running.add_argument("what", metavar="NAME|FILE|-", help="a file has a dot in its name")
    running.add_argument("pairs", nargs="*", default=[], metavar="KEY=VALUE", help="an input")
    running.add_argument("-d", "--data", metavar="JSON", help="all inputs as JSON")
    running.add_argument("--version", type=int, default=0, metavar="NUMBER")
    running.add_argument("--request-id", help="idempotency key (default: a new one)")
    running.add_argument("--session", default="", metavar="ID", help="that all calls are in")
    running.add_argument("--detach", action="store_true", help="print the run's id and leave it")
    running.add_argument("-q", "--quiet", action="store_true", help="show the outputs only")
    watching = inner.add_parser("watch", parents=[common], help="follow a run")
    watching.set_defaults(run=run_watch)
    watching.add_argument("run_id", metavar="RUN")
    watching.add_argument("-q", "--quiet", action="store_true", help="show the outputs only")
    listing = inner.add_parser("runs", parents=[common], help="list runs, newest first")
    listing.set_defaults(run=run_list)
    listing.add_argument("--state", default="", metavar="STATE", help="interrupted, running, …")
    listing.add_argument("--most", type=int, default=50, metavar="COUNT", help="default: 50")
    cancelling = inner.add_parser("cancel", parents=[common], help="end a run")
    cancelling.set_defaults(run=run_cancel)
    cancelling.add_argument("run_id", metavar="RUN")
    resuming = inner.add_parser("resume", parents=[common], help="go on with an interrupted run")
    resuming.set_defaults(run=run_resume)
    resuming.add_argument("run_id", metavar="RUN")
    resuming.add_argument("decision", choices=("retry", "skip", "fail"))


def run_run(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the run was refused or not answered.
        UsageError: the definition or the inputs cannot be sent.
    """
    from toolcell_client.cli.workflow import definition_of  # which adds these commands

    is_file = options.what == "-" or "." in options.what or Path(options.what).is_file()
    what: str | bytes = definition_of(options.what) if is_file else options.what
    stream = client.workflows.run(
        what,
        _inputs(options),
        version=options.version,
        request_id=options.request_id,
        session_id=options.session,
    )
    if options.detach:
        next(stream)
        print_json({"run_id": stream.run_id})
        return Exit.OK
    try:
        return _follow(stream, options)
    except (KeyboardInterrupt, Terminated):
        stream.cancel()
        raise


def run_watch(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: there is no such run, or the server does not answer.
    """
    return _follow(client.workflows.watch(options.run_id), options)


def run_list(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
        UsageError: there is no such state.
    """
    try:
        listed = client.workflows.list_runs(state=options.state)
        found = list(itertools.islice(listed, max(0, options.most)))
    except ValueError as exc:
        raise UsageError(str(exc)) from exc
    if for_people(options):
        print_table(HEADINGS, [_row(run) for run in found])
    else:
        print_json([to_plain(run) for run in found])
    return Exit.OK


def run_cancel(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: there is no such run, or the server does not answer.
    """
    print_json(to_plain(client.workflows.cancel(options.run_id)))
    return Exit.OK


def run_resume(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the run does not wait for a decision, or the server does not answer.
    """
    print_json(to_plain(client.workflows.resume(options.run_id, options.decision)))
    return Exit.OK


def _inputs(options: Any) -> dict[str, Any] | str:
    if options.data is not None and options.pairs:
        raise UsageError("give the inputs as KEY=VALUE or as -d JSON, not both")
    return options.data if options.data is not None else arguments_of(options.pairs, {})


def _follow(stream: WorkflowStream, options: Any) -> Exit:
    screen = Screen.of_stderr()
    with stream:
        try:
            for event in stream:
                if options.json:
                    print_json(_plain(event))
                    sys.stdout.flush()
                elif not options.quiet:
                    _show(event, screen)
        finally:
            screen.end()
        ended = stream.result()
    if ended.ok:
        if not options.json:
            print_json(ended.outputs)
        return Exit.OK
    screen.line(f"toolcell: {ended.state}: {ended.message}", RED)
    if ended.state == "interrupted":
        screen.line(f"toolcell workflow resume {ended.run_id} retry|skip|fail")
    return Exit.TOOL_FAILED


def _show(event: pb.RunWorkflowResponse, screen: Screen) -> None:
    kind = event.WhichOneof("event") or ""
    where = event.step + (f"[{event.item}]" if event.HasField("item") else "")
    where = f"compensation of {where}" if event.compensation else where
    match kind:
        case "execution":
            show(event.execution, screen)
        case "step_finished":
            state = short_name(pb.StepState, event.step_finished.state)
            screen.line(f"{where}: {state} {_why(event.step_finished)}".rstrip(), DIM)
        case "step_waiting":
            screen.line(f"{where}: waits for approval {event.step_waiting.approval_id}", DIM)
        case _:
            screen.line(f"{where or 'workflow'}: {kind.removeprefix('step_')}", DIM)


def _why(finished: pb.StepFinished) -> str:
    return finished.problem.message or finished.refused.message or finished.outcome.message


def _plain(event: pb.RunWorkflowResponse) -> dict[str, Any]:
    kind = event.WhichOneof("event") or "unknown"
    plain = to_plain(event)
    return {**plain, "event": kind, kind: plain.get(kind, {})}


def _row(run: pb.WorkflowRun) -> tuple[str, ...]:
    state = short_name(pb.WorkflowRunState, run.state)
    accepted = run.accepted_time.ToJsonString()
    return run.run_id, run.workflow or json.dumps(None), state, accepted, run.interrupted_step
