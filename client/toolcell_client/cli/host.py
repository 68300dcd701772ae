"""
`toolcell host`: offers the functions of a module or a file as tools, until it is told to end.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_client.cli.exits import Exit, UsageError
from toolcell_client.cli.screen import Screen
from toolcell_client.hosting.definition import MARK, BadTool, HostedTool
from toolcell_client.hosting.options import SCOPES

if TYPE_CHECKING:
    import argparse
    from types import ModuleType

    from toolcell_client.client import Client


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """
    Add the command and its flags.
    """
    parser = commands.add_parser(
        "host", parents=[common], help="offer functions of a module or file as tools"
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "place", metavar="MODULE_OR_FILE", help="with functions that @hosted marks, or HostedTools"
    )
    scopes = [scope for scope in SCOPES if scope]
    parser.add_argument("--scope", default="", choices=scopes, help="for whom (default: principal)")
    parser.add_argument(
        "--concurrency", type=int, default=8, metavar="COUNT", help="calls at once (default: 8)"
    )


def run(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses what is offered, or does not answer.
        UsageError: there is nothing that could be offered.
    """
    try:
        tools = tools_of(_loaded(options.place))
        host = client.host(*tools, scope=options.scope, concurrency=options.concurrency)
    except (BadTool, ValueError) as exc:
        raise UsageError(str(exc)) from exc
    names = ", ".join(tool.name for tool in tools)
    host.run(lambda: Screen.of_stderr().line(f"toolcell: hosting {names}"))
    return Exit.OK


def tools_of(module: ModuleType) -> list[HostedTool]:
    """
    What a module offers, in the order in which it says so.

    Raises:
        BadTool: a function cannot be hosted as it is.
        UsageError: it offers nothing.
    """
    found = [
        HostedTool.of(value)
        for value in vars(module).values()
        if isinstance(value, HostedTool) or hasattr(value, MARK)
    ]
    if not found:
        raise UsageError(
            f"{module.__name__} offers nothing; mark functions with @hosted"
            " (from toolcell_client.hosting import hosted)"
        )
    return found


def _loaded(place: str) -> ModuleType:
    """
    Raises:
        UsageError: there is no such module or file, or it does not load.
    """
    try:
        if not place.endswith(".py"):
            sys.path.insert(0, "")
            return importlib.import_module(place)
        spec = importlib.util.spec_from_file_location(Path(place).stem, place)
        assert spec is not None, "a file that ends in .py has a loader"
        assert spec.loader is not None, "a file that ends in .py has a loader"
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    except Exception as exc:
        raise UsageError(f"{place} cannot be loaded: {type(exc).__name__}: {exc}") from exc
    return module
