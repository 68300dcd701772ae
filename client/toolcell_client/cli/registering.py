"""
`toolcell tools register` and its kin: tools that are registered while the server runs.
"""

from __future__ import annotations

import itertools
import json
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell.v1 import registry_pb2 as pb

from toolcell_client.cli.exits import Exit, UsageError
from toolcell_client.cli.listing import for_people, print_json, print_table, print_text
from toolcell_client.cli.screen import RED, Screen
from toolcell_client.definitions import message
from toolcell_client.plain import short_name, to_plain

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from toolcell_client.client import Client

SCOPES = ("global", "principal", "session")
HEADINGS = ("TIME", "CHANGE", "NAME", "VERSION", "SCOPE", "BY", "REASON")


def add(inner: Any, common: argparse.ArgumentParser) -> None:
    """
    Add the subcommands and their flags.
    """
    registering = inner.add_parser("register", parents=[common], help="register tools of files")
    registering.set_defaults(run=run_register)
    registering.add_argument("files", nargs="+", metavar="FILE", help=".toml or .json")
    registering.add_argument("--scope", default="", choices=SCOPES, help="for whom")
    registering.add_argument(
        "--each", action="store_true", help="those that can be, not all or none"
    )
    registering.add_argument("--session", default="", metavar="ID", help="one of your sessions")
    registering.add_argument("--replace", action="store_true", help="what is registered already")
    for word, run, said in (
        ("unregister", run_unregister, "remove a registered tool"),
        ("deprecate", run_deprecate, "say that a tool should no longer be used"),
        ("reactivate", run_reactivate, "take a deprecation back"),
    ):
        changing = inner.add_parser(word, parents=[common], help=said)
        changing.set_defaults(run=run)
        changing.add_argument("tool", metavar="NAME")
        changing.add_argument("--version", default="", help="exact version (default: all)")
        changing.add_argument("--scope", default="", choices=SCOPES, help="where it is registered")
        changing.add_argument("--principal", default="", help="whose it is, if not your own")
        changing.add_argument("--session", default="", help="of which session")
        if word == "deprecate":
            changing.add_argument("--reason", required=True, help="and what to use instead")
            changing.add_argument(
                "--sunset", default="", metavar="DATE", help="refused from then on"
            )
    watching = inner.add_parser("watch", parents=[common], help="follow what changes among tools")
    watching.set_defaults(run=run_watch)
    watching.add_argument("--resume", default="", metavar="TOKEN", help="go on after that message")
    looking = inner.add_parser("history", parents=[common], help="who did what to registered tools")
    looking.set_defaults(run=run_history)
    looking.add_argument("tool", nargs="?", default="", metavar="NAME")
    looking.add_argument("--most", type=int, default=50, metavar="COUNT", help="default: 50")


def run_register(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
        UsageError: a file cannot be read, or holds no definition.
    """
    named = list(_definitions(options.files, options.scope))
    answers = client.registry.register(
        [definition for _, definition in named],
        all_or_nothing=not options.each,
        replace=options.replace,
        session_id=options.session,
    )
    tools = [tool for answer in answers for tool in answer.tools]
    show(tools, options)
    screen = Screen.of_stderr()
    for (file, _), answer in zip(named, answers, strict=True):
        for fault in answer.faults:
            screen.line(f"toolcell: {file}: {fault.path}: {fault.code}: {fault.message}", RED)
        for left in answer.skipped:
            screen.line(f"toolcell: {file}: left out: {left.path}: {left.message}")
    return Exit.REFUSED if any(answer.faults for answer in answers) else Exit.OK


def run_unregister(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
    """
    show(client.registry.unregister(options.tool, options.version, **_whose(options)), options)
    return Exit.OK


def run_deprecate(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
        UsageError: the date is none.
    """
    sunset = _date(options.sunset) if options.sunset else None
    changed = client.registry.deprecate(
        options.tool, options.reason, version=options.version, sunset=sunset, **_whose(options)
    )
    show(changed, options)
    return Exit.OK


def run_reactivate(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
    """
    show(client.registry.reactivate(options.tool, options.version, **_whose(options)), options)
    return Exit.OK


def run_watch(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses, or does not answer any more.
    """
    for told in client.registry.watch(options.resume):
        if for_people(options):
            for line in _lines(told):
                print_text(line)
        else:
            print_json(to_plain(told))
        sys.stdout.flush()
    return Exit.OK


def run_history(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
    """
    entries = list(itertools.islice(client.registry.history(options.tool), max(0, options.most)))
    if for_people(options):
        print_table(HEADINGS, [_row(entry) for entry in entries])
    else:
        print_json([to_plain(entry) for entry in entries])
    return Exit.OK


def _definitions(files: Sequence[str], scope: str) -> Iterator[tuple[str, pb.ToolDefinition]]:
    for file in files:
        for value in _listed(_read(file)):
            try:
                yield file, message(value, scope)
            except (TypeError, ValueError) as exc:
                raise UsageError(f"{file} holds no definition of a tool: {exc}") from exc


def _read(file: str) -> Any:
    if file.endswith((".py", ".zip", ".whl")):
        raise UsageError(f"{file} is code: register it by `toolcell tools upload {file}`")
    try:
        data = Path(file).read_bytes()
        return json.loads(data) if file.endswith(".json") else tomllib.loads(data.decode())
    except OSError as exc:
        raise UsageError(f"cannot read {file}: {exc.strerror}") from exc
    except (ValueError, RecursionError) as exc:
        kind = "JSON" if file.endswith(".json") else "TOML"
        raise UsageError(f"{file} is not {kind}: {exc}") from exc


def _listed(value: Any) -> Any:
    """
    The definitions of a file: one, or several in a list, or in a list under `tools`.
    """
    if isinstance(value, list):
        return value
    return value["tools"] if isinstance(value.get("tools"), list) else [value]


def _whose(options: Any) -> Any:
    return {name: getattr(options, name) for name in ("scope", "principal", "session")}


def _date(text: str) -> datetime:
    """
    The beginning of a day, or a moment; in UTC if it does not say where.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is no date; write it as 2027-01-31 or 2027-01-31T12:00Z"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def show(tools: Sequence[pb.Tool], options: Any) -> None:
    """
    Print the tools that were changed.
    """
    if for_people(options):
        print_table(("NAME", "VERSION", "SCOPE", "DEPRECATED"), [_brief(tool) for tool in tools])
    else:
        print_json([to_plain(tool) for tool in tools])


def _brief(tool: pb.Tool) -> tuple[str, ...]:
    until = tool.sunset_time.ToJsonString() if tool.HasField("sunset_time") else ""
    said = f"{tool.deprecated} (refused from {until} on)" if until else tool.deprecated
    return tool.name, tool.version, short_name(pb.ToolScope, tool.scope), said


def _lines(told: pb.WatchToolsResponse) -> Iterator[str]:
    if told.HasField("missed"):
        yield "some changes were missed; all tools follow"
    for tool in told.snapshot.tools:
        yield f"is there       {tool.name} {tool.version}"
    if told.HasField("change"):
        tool = told.change.tool
        kind = short_name(pb.ToolChangeKind, told.change.kind)
        why = tool.broken_reason or tool.deprecated
        yield f"{kind:14} {tool.name} {tool.version}  {why}".rstrip()


def _row(entry: pb.ToolHistoryEntry) -> tuple[str, ...]:
    return (
        entry.time.ToJsonString(),
        short_name(pb.ToolChangeKind, entry.kind),
        entry.name,
        entry.version,
        "/".join(
            filter(None, (short_name(pb.ToolScope, entry.scope), entry.principal, entry.session))
        ),
        entry.changed_by,
        entry.reason,
    )
