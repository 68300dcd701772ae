"""
`toolcell export`: definitions of tools as a provider's request takes them.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from toolcell_client.cli.exits import Exit, UsageError
from toolcell_client.cli.screen import Screen
from toolcell_client.formats.providers import PROVIDERS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from toolcell_client.client import Client
    from toolcell_client.formats.loosened import Loosened, Strictness


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """
    Add the command and its flags.
    """
    parser = commands.add_parser(
        "export", parents=[common], help="write tools as an LLM provider takes them"
    )
    parser.set_defaults(run=run)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these; default: all")
    parser.add_argument("--provider", required=True, choices=list(PROVIDERS), help="for whom")
    held = parser.add_mutually_exclusive_group()
    held.add_argument("--strict", action="store_true", help="every tool in strict mode, or none")
    held.add_argument("--where-possible", action="store_true", help="those that can be strict")
    only = "of these names only those, called as they would be among all; may be repeated"
    parser.add_argument("--only", action="append", metavar="NAME", help=only)
    parser.add_argument("--category", default="", help="only of this category")
    parser.add_argument("--tag", action="append", default=[], help="only with this tag")
    parser.add_argument("--session", default="", metavar="ID", help="and of that session of yours")


def run(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
        UsageError: a tool is not there, or cannot be offered so.
    """
    strict: Strictness = "where_possible" if options.where_possible else options.strict
    try:
        tools = client.toolset(
            *options.names,
            category=options.category,
            tags=options.tag,
            session_id=options.session,
        )
        definitions = tools.definitions(options.provider, strict=strict, only=options.only)
        notes = tools.explain(options.provider, strict=strict, only=options.only)
    except ValueError as exc:
        raise UsageError(str(exc)) from exc
    _explain(notes)
    json.dump(definitions, sys.stdout, ensure_ascii=True, indent=2)
    sys.stdout.write("\n")
    return Exit.OK


def _explain(notes: Iterable[Loosened]) -> None:
    screen = Screen.of_stderr()
    for each in notes:
        screen.line(f"{'not strict: ' if each.prevents_strict else ''}{each}")
