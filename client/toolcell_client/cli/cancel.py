"""
`toolcell cancel`: ends executions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.cli.exits import Exit
from toolcell_client.cli.listing import for_people, print_json, print_text
from toolcell_client.plain import to_plain

if TYPE_CHECKING:
    import argparse

    from toolcell_client.client import Client


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """
    Add the command and its flags.
    """
    parser = commands.add_parser("cancel", parents=[common], help="end executions")
    parser.set_defaults(run=run)
    parser.add_argument("execution_ids", nargs="+", metavar="ID")


def run(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: an execution is not known, or the server does not answer.
    """
    for execution_id in options.execution_ids:
        execution = client.cancel(execution_id)
        if for_people(options):
            kind = execution.outcome.WhichOneof("kind") or "ending"
            print_text(f"{execution.execution_id}  {execution.tool}  {kind}")
        else:
            print_json(to_plain(execution))
    return Exit.OK
