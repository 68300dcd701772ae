"""
`toolcell workflow`: work made of several calls.
"""

from __future__ import annotations

import itertools
import json
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_client.cli.exits import Exit, UsageError
from toolcell_client.cli.listing import for_people, print_json, print_table, print_text
from toolcell_client.cli.workflow_runs import add_runs
from toolcell_client.plain import to_plain

if TYPE_CHECKING:
    import argparse

    from toolcell.v1 import workflow_pb2 as pb

    from toolcell_client.client import Client

HEADINGS = ("NAME", "VERSION", "DEFINED", "DESCRIPTION")


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """
    Add the command, its subcommands and their flags.
    """
    parser = commands.add_parser("workflow", help="define and run work made of several calls")
    inner = parser.add_subparsers(
        required=True, metavar="validate|define|list|show|delete|run|watch|runs|cancel|resume"
    )
    for word, said, run in (
        ("validate", "check a definition and tell all that is wrong", run_validate),
        ("define", "keep a definition as the next version of its name", run_define),
    ):
        one = inner.add_parser(word, parents=[common], help=said)
        one.set_defaults(run=run)
        one.add_argument("file", metavar="FILE|-", help="JSON, or TOML if it ends in .toml")
    listing = inner.add_parser("list", parents=[common], help="list definitions by name")
    listing.set_defaults(run=run_list)
    listing.add_argument("--most", type=int, default=50, metavar="COUNT", help="default: 50")
    for word, said, run in (
        ("show", "print a definition", run_show),
        ("delete", "delete a definition; its history stays", run_delete),
    ):
        one = inner.add_parser(word, parents=[common], help=said)
        one.set_defaults(run=run)
        one.add_argument("name", metavar="NAME")
        one.add_argument("--version", type=int, default=0, metavar="NUMBER")
    add_runs(inner, common)


def definition_of(name: str) -> bytes:
    """
    The definition in a file, as JSON.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        if not name.endswith(".toml"):
            return data  # the server is the one that reads it strictly
        return json.dumps(tomllib.loads(data.decode())).encode()
    except OSError as exc:
        raise UsageError(f"{name}: {exc.strerror}") from exc
    except (ValueError, TypeError) as exc:
        raise UsageError(f"{name}: no TOML that JSON can say: {exc}") from exc


def run_validate(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
        UsageError: the file cannot be read.
    """
    problems = client.workflows.validate(definition_of(options.file))
    if for_people(options):
        for each in problems:
            print_text(f"{each.path or '/'}: {each.code}: {each.message}")
        if not problems:
            print_text("nothing is wrong with it")
    else:
        print_json([to_plain(each) for each in problems])
    return Exit.REFUSED if problems else Exit.OK


def run_define(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
        UsageError: the file cannot be read.
    """
    workflow = client.workflows.define(definition_of(options.file))
    print_json({"name": workflow.name, "version": workflow.version})
    return Exit.OK


def run_list(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
    """
    found = list(itertools.islice(client.workflows.list(), max(0, options.most)))
    if for_people(options):
        print_table(HEADINGS, [_row(each) for each in found])
    else:
        print_json([to_plain(each) for each in found])
    return Exit.OK


def run_show(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: there is none, or the server does not answer.
    """
    print_json(to_plain(client.workflows.get(options.name, options.version)))
    return Exit.OK


def run_delete(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: there is none, or the server does not answer.
        UsageError: a version is named.
    """
    if options.version:
        raise UsageError("all versions of a name are deleted at once; leave --version out")
    deleted = client.workflows.delete(options.name)
    print_json({"name": deleted.name, "version": deleted.version})
    return Exit.OK


def _row(workflow: pb.Workflow) -> tuple[str, ...]:
    defined = workflow.defined_time.ToJsonString()
    return workflow.name, str(workflow.version), defined, workflow.description
