"""
`toolcell mcp`: the tools of a server, for any MCP client, over stdio or HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.cli.exits import Exit, UsageError
from toolcell_client.cli.screen import Screen

if TYPE_CHECKING:
    import argparse

    from toolcell_client.client import Client
    from toolcell_client.mcp_server.binding import Listening
    from toolcell_client.options import ClientOptions

EXTRA = "`toolcell mcp` needs the MCP SDK: pip install 'toolcell[mcp]'"


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """
    Add the command and its flags.
    """
    parser = commands.add_parser(
        "mcp", parents=[common], help="serve the tools to an MCP client, over stdio or HTTP"
    )
    parser.set_defaults(run=run)
    flag = parser.add_argument
    flag("--tool", action="append", default=[], metavar="NAME", help="only these; * in a name")
    flag("--category", action="append", default=[], help="only of these categories")
    flag("--tag", action="append", default=[], help="only with all of these tags")
    flag("--search", action="store_true", help="two tools instead of all: to find and to call")
    flag("--http", default="", metavar="HOST:PORT", help="over HTTP, at /mcp (default: stdio)")
    flag("--http-certificate", default="", metavar="FILE", help="of the bridge itself, PEM")
    flag("--http-key", default="", metavar="FILE", help="its private key")
    flag("--http-host", action="append", default=[], metavar="NAME", help="a name of the bridge")
    flag("--http-origin", action="append", default=[], metavar="URL", help="of web pages, allowed")
    flag("--behind-proxy", action="store_true", help="a proxy in front ends TLS")
    flag("--share-identity", action="store_true", help="clients are our principal (loopback only)")


def run(client: Client, options: Any) -> Exit:
    """
    Raises:
        UsageError: the SDK is missing, or the bridge would not be safe.
        ToolcellError: the server does not answer.
    """
    try:
        from toolcell_client.mcp_server import http, stdio
        from toolcell_client.mcp_server.choosing import Choice
    except ImportError as exc:
        raise UsageError(f"{EXTRA} ({exc})") from exc
    choice = Choice(
        names=tuple(options.tool),
        categories=frozenset(options.category),
        tags=frozenset(options.tag),
    )
    if not options.http:
        return stdio.serve(client.options, choice, search=options.search)
    listening = _listening(client.options, options)
    try:
        http.serve(client.options, choice, listening, _announce)
    except (OSError, ValueError) as exc:
        raise UsageError(f"cannot serve on {options.http}: {exc}") from exc
    return Exit.OK


def _listening(connection: ClientOptions, options: Any) -> Listening:
    """
    Raises:
        UsageError: the flags do not go together.
    """
    from toolcell_client.mcp_server.binding import Listening, address, check

    if bool(options.http_certificate) != bool(options.http_key):
        raise UsageError("--http-certificate and --http-key go together")
    try:
        host, port = address(options.http)
        listening = Listening(
            host=host,
            port=port,
            certificate=options.http_certificate,
            key=options.http_key,
            share_identity=options.share_identity,
            behind_proxy=options.behind_proxy,
            hosts=tuple(options.http_host),
            origins=tuple(options.http_origin),
            search=options.search,
        )
        check(listening, has_identity=connection.has_identity)
    except ValueError as exc:
        raise UsageError(str(exc)) from exc
    return listening


def _announce(url: str) -> None:
    Screen.of_stderr().line(f"toolcell: MCP at {url}")
