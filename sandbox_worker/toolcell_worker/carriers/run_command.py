"""
Carries commands.
"""

from __future__ import annotations

from typing import Any

import msgspec

from toolcell_worker import Context, tool
from toolcell_worker.command import CommandTool


class Command(msgspec.Struct, kw_only=True):
    """
    As `CommandTool` is made of; `parameters` is the schema of the arguments.
    """

    argv: list[str]
    stdin: str
    result: str
    parameters: dict[str, Any]


@tool(profile="subprocess", effects="destructive", returns={})
def run_command(carried: Command, arguments: dict[str, Any], context: Context) -> Any:
    """
    Run a registered command.

    Args:
        carried: How it is called.
        arguments: Its arguments.
    """
    command = CommandTool(
        manifest={"parameters": carried.parameters},
        argv=tuple(carried.argv),
        stdin=carried.stdin,
        result=carried.result,
        folder="/",
    )
    return command.call(arguments, context)
