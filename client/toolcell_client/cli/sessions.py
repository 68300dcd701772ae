"""
`toolcell sessions`: workspaces that persist across calls.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell.v1 import session_pb2 as pb

from toolcell_client.cli.exits import Exit, UsageError
from toolcell_client.cli.listing import for_people, print_json, print_table, print_text
from toolcell_client.cli.quantities import byte_count, seconds
from toolcell_client.plain import short_name, to_plain

if TYPE_CHECKING:
    import argparse

    from toolcell_client.client import Client
    from toolcell_client.session_requests import SessionOptions

HEADINGS = ("SESSION", "USED", "EXPIRES", "RUNNING")
FILE_HEADINGS = ("KIND", "SIZE", "MODIFIED", "PATH")


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """
    Add the command, its subcommands and their flags.
    """
    parser = commands.add_parser("sessions", help="workspaces that persist across calls")
    words = "create|list|show|delete|files|put|get|rm"
    inner = parser.add_subparsers(required=True, metavar=words)
    creating = inner.add_parser("create", parents=[common], help="make one, and print its id")
    creating.set_defaults(run=run_create)
    creating.add_argument("--id", default="", help="of your own choice (default: a random one)")
    creating.add_argument("--lifetime", metavar="SECONDS", help="how long it lasts: 3600, 2h")
    creating.add_argument("--idle", metavar="SECONDS", help="how long it lasts unused")
    creating.add_argument("--bytes", metavar="BYTES", help="that it may hold: 64MiB")
    creating.add_argument("--files", type=int, default=0, metavar="COUNT", help="that it may hold")
    listing = inner.add_parser("list", parents=[common], help="list your sessions, newest first")
    listing.set_defaults(run=run_list)
    listing.add_argument("--most", type=int, default=50, metavar="COUNT", help="default: 50")
    for word, run, said in (
        ("show", run_show, "show one, and what it holds"),
        ("delete", run_delete, "end one: its calls and its files"),
    ):
        _of_one(inner, common, word, said).set_defaults(run=run)
    files = _of_one(inner, common, "files", "list what lies in its workspace")
    files.set_defaults(run=run_files)
    files.add_argument("path", nargs="?", default="", help="only below this folder")
    files.add_argument("--digests", action="store_true", help="with SHA-256")
    putting = _of_one(inner, common, "put", "copy a file into its workspace")
    putting.set_defaults(run=run_put)
    putting.add_argument("file", metavar="FILE|-")
    putting.add_argument("path", nargs="?", default="", help="in the workspace (default: its name)")
    getting = _of_one(inner, common, "get", "copy a file out of its workspace")
    getting.set_defaults(run=run_get)
    getting.add_argument("path")
    getting.add_argument("file", nargs="?", default="-", metavar="FILE|-", help="default: stdout")
    removing = _of_one(inner, common, "rm", "remove a file of its workspace")
    removing.set_defaults(run=run_rm)
    removing.add_argument("path")
    removing.add_argument("-r", "--recursive", action="store_true", help="a folder, with all in it")


def _of_one(inner: Any, common: argparse.ArgumentParser, word: str, said: str) -> Any:
    parser = inner.add_parser(word, parents=[common], help=said)
    parser.add_argument("session_id", metavar="ID")
    return parser


def run_create(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
        UsageError: a quantity is none.
    """
    asked: SessionOptions = {"session_id": options.id, "quota_files": options.files}
    if options.lifetime:
        asked["lifetime"] = seconds(options.lifetime)
    if options.idle:
        asked["idle"] = seconds(options.idle)
    if options.bytes:
        asked["quota_bytes"] = byte_count(options.bytes)
    try:
        session = client.sessions.create(**asked)
    except ValueError as exc:
        raise UsageError(str(exc)) from exc
    if for_people(options):
        print_text(session.session_id)
    else:
        print_json(to_plain(session))
    return Exit.OK


def run_list(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
    """
    found = list(itertools.islice(client.sessions.list(), max(0, options.most)))
    if for_people(options):
        print_table(HEADINGS, [_row(session) for session in found])
    else:
        print_json([to_plain(session) for session in found])
    return Exit.OK


def run_show(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: there is none, or the server does not answer.
    """
    session = client.sessions.get(options.session_id)
    if for_people(options):
        print_table(HEADINGS, [_row(session)])
        print_text(f"{session.bytes} of {session.quota_bytes} bytes")
        print_text(f"{session.files} of {session.quota_files} files")
    else:
        print_json(to_plain(session))
    return Exit.OK


def run_delete(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: there is none, or the server does not answer.
    """
    client.sessions.delete(options.session_id)
    return Exit.OK


def run_files(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: there is no such session, or the server does not answer.
    """
    found = list(client.sessions.files(options.session_id, options.path, digests=options.digests))
    if for_people(options):
        print_table(FILE_HEADINGS, [_file_row(file) for file in found])
    else:
        print_json([to_plain(file) for file in found])
    return Exit.OK


def run_put(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
        UsageError: the file cannot be read, or has no name.
    """
    from_stdin = options.file == "-"
    path = options.path or ("" if from_stdin else Path(options.file).name)
    if not path:
        raise UsageError("put: give the PATH that it shall have in the workspace")
    try:
        data = sys.stdin.buffer.read() if from_stdin else Path(options.file).read_bytes()
    except OSError as exc:
        raise UsageError(f"{options.file}: {exc.strerror}") from exc
    print_json(to_plain(client.sessions.upload(options.session_id, path, data)))
    return Exit.OK


def run_get(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: there is no such file, or the server does not answer.
        UsageError: the file cannot be written.
    """
    data = client.sessions.download(options.session_id, options.path)
    if options.file == "-":
        sys.stdout.buffer.write(data)
        return Exit.OK
    try:
        Path(options.file).write_bytes(data)
    except OSError as exc:
        raise UsageError(f"{options.file}: {exc.strerror}") from exc
    return Exit.OK


def run_rm(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: there is nothing of that name, or the server does not answer.
    """
    client.sessions.delete_file(options.session_id, options.path, recursive=options.recursive)
    return Exit.OK


def _row(session: pb.Session) -> tuple[str, ...]:
    return (
        session.session_id,
        session.used_time.ToJsonString(),
        session.expires_time.ToJsonString(),
        str(session.running),
    )


def _file_row(file: pb.SessionFile) -> tuple[str, ...]:
    kind = short_name(pb.SessionFileKind, file.kind)
    return kind, str(file.size), file.modified_time.ToJsonString(), file.path
