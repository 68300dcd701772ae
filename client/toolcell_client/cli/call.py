"""
`toolcell call`: runs a tool.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_client.cli import confirming
from toolcell_client.cli.exits import Exit, UsageError
from toolcell_client.cli.following import follow
from toolcell_client.cli.listing import print_json
from toolcell_client.cli.pairs import arguments_of
from toolcell_client.cli.quantities import limit, seconds
from toolcell_client.errors import ApprovalPinWrong, ApprovalRequired
from toolcell_client.limits import LIMIT_NAMES

if TYPE_CHECKING:
    import argparse

    from toolcell_client.client import Client
    from toolcell_client.stream import Stream


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """
    Add the command and its flags.
    """
    parser = commands.add_parser(
        "call",
        parents=[common],
        help="run a tool",
        description="Runs a tool.  Its result is printed on stdout, what it writes on stderr.",
        epilog=f"limits: {', '.join(LIMIT_NAMES)}",
    )
    parser.set_defaults(run=run)
    parser.add_argument("tool", metavar="NAME")
    parser.add_argument(
        "pairs",
        nargs="*",
        default=[],  # or argparse says that one is required
        metavar="KEY=VALUE",
        help="an argument, typed by the tool's schema; KEY:=JSON is taken as it stands",
    )
    parser.add_argument("-d", "--data", metavar="JSON|@FILE|-", help="all arguments as JSON")
    parser.add_argument("-q", "--quiet", action="store_true", help="show the result only")
    parser.add_argument("--version", default="", help="exact version of the tool")
    parser.add_argument("--timeout", metavar="SECONDS", help="from receipt to ending: 30, 500ms")
    parser.add_argument(
        "--limit", action="append", default=[], metavar="NAME=VALUE", help="memory=64MiB, wall=5s"
    )
    parser.add_argument("--minimum-isolation", default="", choices=("basic", "strong", "full"))
    parser.add_argument("--label", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--call-id", default="", help="your own id of this call")
    parser.add_argument("--request-id", help="idempotency key (default: a new one)")
    parser.add_argument(
        "--approval-token",
        default="",
        metavar="TOKEN",
        help="that this same call was told to bring",
    )
    parser.add_argument("--session", default="", metavar="ID", help="whose workspace it uses")
    parser.add_argument("--validate-only", action="store_true", help="check all, run nothing")
    parser.add_argument("--no-cache", action="store_true", help="never answer from the cache")
    parser.add_argument(
        "--detach", action="store_true", help="print the execution's id and leave it running"
    )


def run(client: Client, options: Any) -> Exit:
    """
    Raises:
        UsageError: the arguments or a flag cannot be sent.
        ToolcellError: the call was refused or not answered.
    """
    arguments = _arguments(client, options)
    answer = confirming.Answer(options.approval_token)
    try:
        return _run(client, options, arguments, answer)
    except ApprovalRequired as required:
        confirmed = confirming.confirmed(client, required)
        if confirmed is None:
            raise
        answer = confirmed
    while True:
        try:
            return _run(client, options, arguments, answer)
        except ApprovalPinWrong as wrong:  # none was typed yet, or this one
            if not wrong.attempts_left:
                raise
            answer = confirming.asked_for_pin(answer)


def _run(
    client: Client, options: Any, arguments: dict[str, Any] | bytes, answer: confirming.Answer
) -> Exit:
    try:
        stream = client.execute(
            options.tool,
            arguments,
            version=options.version,
            timeout=seconds(options.timeout) if options.timeout else None,
            limits=dict(map(limit, options.limit)),
            minimum_isolation=options.minimum_isolation or 0,
            labels=dict(map(_label, options.label)),
            call_id=options.call_id,
            request_id=options.request_id,
            validate_only=options.validate_only,
            approval_token=answer.token,
            approval_pin=answer.pin,
            no_cache=options.no_cache,
            session_id=options.session,
            detached=options.detach,
        )
    except ValueError as exc:
        raise UsageError(str(exc)) from exc
    return _leave(stream) if options.detach else follow(stream, options)


def _leave(stream: Stream) -> Exit:
    with stream:
        next(stream)
        print_json({"execution_id": stream.execution_id})
    return Exit.OK


def _arguments(client: Client, options: Any) -> dict[str, Any] | bytes:
    if options.data is not None and options.pairs:
        raise UsageError("give the arguments as KEY=VALUE or as -d JSON, not both")
    if options.data is not None:
        return _data(options.data)
    if not options.pairs:
        return {}
    tool = client.get_tool(options.tool, options.version)
    try:
        schema = json.loads(tool.parameters_json or b"{}")
    except ValueError:
        schema = {}
    return arguments_of(options.pairs, schema)


def _data(data: str) -> bytes:
    # The bytes go as they are: the server is the one that reads them strictly.
    if data in ("-", "@-"):
        return sys.stdin.buffer.read()
    if not data.startswith("@"):
        return data.encode(errors="surrogateescape")
    try:
        return Path(data[1:]).read_bytes()
    except OSError as exc:
        raise UsageError(f"-d {data}: {exc.strerror}") from exc


def _label(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator:
        raise UsageError(f"--label {text}: write KEY=VALUE")
    return key, value
