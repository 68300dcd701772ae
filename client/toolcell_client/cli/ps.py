"""
`toolcell ps`: lists executions.
"""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

from toolcell.v1 import execution_pb2 as pb

from toolcell_client.cli.exits import Exit
from toolcell_client.cli.listing import for_people, print_json, print_table
from toolcell_client.plain import short_name, to_plain

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from toolcell_client.client import Client

HEADINGS = ("EXECUTION", "TOOL", "STATE", "AGE", "OUTCOME", "PRINCIPAL")


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """
    Add the command and its flags.
    """
    parser = commands.add_parser("ps", parents=[common], help="list executions")
    parser.set_defaults(run=run)
    parser.add_argument("-a", "--all", action="store_true", help="finished ones too")
    parser.add_argument("--tool", default="", help="only of this tool")
    parser.add_argument("--most", type=int, default=50, metavar="COUNT", help="default: 50")


def run(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
    """
    found = list(itertools.islice(_executions(client, options), max(0, options.most)))
    if for_people(options):
        print_table(HEADINGS, [_row(execution) for execution in found])
    else:
        print_json([to_plain(execution) for execution in found])
    return Exit.OK


def _executions(client: Client, options: Any) -> Iterator[pb.Execution]:
    states = [""] if options.all else ["running", "queued"]
    for state in states:
        yield from client.list_executions(state=state, tool=options.tool)


def _row(execution: pb.Execution) -> tuple[str, ...]:
    age = max(0, int(time.time() - execution.accepted_time.seconds))
    return (
        execution.execution_id,
        execution.tool,
        short_name(pb.ExecutionState, execution.state),
        f"{age}s" if age < 3600 else f"{age // 3600}h{age % 3600 // 60:02d}m",
        execution.outcome.WhichOneof("kind") or "",
        execution.principal,
    )
