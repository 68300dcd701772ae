"""
`toolcell tools add-openapi` and `add-mcp`: the operations of a document and the tools of a server.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_client.cli.exits import Exit, UsageError
from toolcell_client.cli.quantities import limit
from toolcell_client.cli.registering import SCOPES, show
from toolcell_client.cli.screen import RED, Screen

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from toolcell_client.client import Client

ACCESSES = ("read", "write", "staged")


def add(inner: Any, common: argparse.ArgumentParser) -> None:
    """
    Add the subcommands and their flags.
    """
    documents = inner.add_parser(
        "add-openapi", parents=[common], help="register the operations of an OpenAPI document"
    )
    documents.set_defaults(run=run_openapi)
    documents.add_argument("file", metavar="FILE", help="the document, JSON or YAML")
    documents.add_argument("--base-url", default="", help="where it is (default: as it says)")
    documents.add_argument("--credential", default="", help="of the operator's, to send with each")
    documents.add_argument("--prefix", default="", help="before each name")
    servers = inner.add_parser(
        "add-mcp", parents=[common], help="register the tools of an MCP server that runs in cells"
    )
    servers.set_defaults(run=run_mcp)
    servers.add_argument("name", metavar="NAME", help="before each name of its tools")
    servers.add_argument("argv", nargs="+", metavar="COMMAND", help="after --: program, arguments")
    servers.add_argument(
        "--path", action="append", default=[], metavar="ACCESS:PATH", help="read:/srv"
    )
    servers.add_argument("--domain", action="append", default=[], metavar="HOST:PORT")
    servers.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    servers.add_argument(
        "--limit", action="append", default=[], metavar="NAME=VALUE", help="memory=3GiB"
    )
    for each in (documents, servers):
        each.add_argument(
            "--only", action="append", default=[], metavar="NAME", help="only this one"
        )
        each.add_argument("--scope", default="", choices=SCOPES, help="for whom")
        each.add_argument("--replace", action="store_true", help="what is registered already")


def run_openapi(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
        UsageError: the file cannot be read.
    """
    try:
        document = Path(options.file).read_bytes()
    except OSError as exc:
        raise UsageError(f"cannot read {options.file}: {exc.strerror}") from exc
    source = {
        "document": document,
        "base_url": options.base_url,
        "operations": options.only,
        "prefix": options.prefix,
        "credential": options.credential,
    }
    return _register(client, {"openapi": source}, options)


def run_mcp(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
        UsageError: a flag is malformed.
    """
    source = {
        "argv": options.argv,
        "env": dict(map(_variable, options.env)),
        "tools": options.only,
        "prefix": f"{options.name}_",
    }
    definition: dict[str, Any] = {"mcp": source}
    if options.path:
        definition["paths"] = [_path(text) for text in options.path]
    if options.domain:
        definition["domains"] = options.domain
    if options.limit:
        definition["limits"] = dict(map(_limit, options.limit))
    return _register(client, definition, options)


def _register(client: Client, definition: Mapping[str, Any], options: Any) -> Exit:
    how: dict[str, Any] = {"scope": options.scope, "replace": options.replace}
    [answer] = client.registry.register([definition], all_or_nothing=False, **how)
    show(list(answer.tools), options)
    screen = Screen.of_stderr()
    for fault in answer.faults:
        screen.line(f"toolcell: {fault.path}: {fault.code}: {fault.message}", RED)
    for left in answer.skipped:
        screen.line(f"toolcell: left out: {left.path}: {left.message}")
    return Exit.REFUSED if answer.faults else Exit.OK


def _path(text: str) -> dict[str, str]:
    access, separator, path = text.partition(":")
    if not separator or access not in ACCESSES:
        raise UsageError(f"--path {text!r} is none; write it as read:/srv/data or write:/srv/data")
    return {"path": path if "{" in path else os.path.abspath(path), "access": access}  # noqa: PTH100


def _variable(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise UsageError(f"--env {text!r} is none; write it as NAME=VALUE")
    return name, value


def _limit(text: str) -> tuple[str, float]:
    name, value = limit(text)
    return name, int(value) if value == int(value) else value
