"""
`toolcell watch`: follows an execution, from any event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.cli.following import follow

if TYPE_CHECKING:
    import argparse

    from toolcell_client.cli.exits import Exit
    from toolcell_client.client import Client


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """
    Add the command and its flags.
    """
    parser = commands.add_parser(
        "watch",
        parents=[common],
        help="follow an execution",
        description="Shows the events of an execution.  Ctrl-C leaves it running.",
    )
    parser.set_defaults(run=run)
    parser.add_argument("execution_id", metavar="ID")
    parser.add_argument("-q", "--quiet", action="store_true", help="show the result only")
    parser.add_argument(
        "--after", type=int, default=0, metavar="SEQUENCE", help="events after this one (default 0)"
    )


def run(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the execution is not known, or the server does not answer.
    """
    return follow(client.watch(options.execution_id, max(0, options.after)), options)
