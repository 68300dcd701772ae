"""
`toolcell tools export` and `toolcell tools import`: registered tools as a file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell.v1 import registry_pb2 as pb

from toolcell_client.cli.exits import Exit, UsageError
from toolcell_client.cli.listing import for_people, print_json, print_table
from toolcell_client.cli.screen import RED, Screen
from toolcell_client.plain import short_name, to_plain

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from toolcell_client.client import Client

FORM = "toolcell_tools"
VERSION = 1
HEADINGS = ("OUTCOME", "TOOLS", "WHY")
MOST_AT_ONCE = 1000  # definitions, and bytes: what one request takes
BYTES_AT_ONCE = 8 * 2**20
CHOICES = ("fail", "skip", "replace")
SCOPES = ("global", "principal", "session")


def add(inner: Any, common: argparse.ArgumentParser) -> None:
    """
    Add both commands and their flags.
    """
    giving = inner.add_parser("export", parents=[common], help="write registered tools as JSON")
    giving.set_defaults(run=run_export)
    giving.add_argument("names", nargs="*", metavar="NAME", help="only these; * for any letters")
    giving.add_argument("--scope", default="", choices=SCOPES, help="only of this scope")
    taking = inner.add_parser("import", parents=[common], help="register what was exported")
    taking.set_defaults(run=run_import)
    taking.add_argument("file", metavar="FILE", help="as export wrote it; - for standard input")
    taking.add_argument("--on-conflict", default="fail", choices=CHOICES, help="default: fail")
    taking.add_argument("--dry-run", action="store_true", help="say what would be, do nothing")


def run_export(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
    """
    found = list(client.registry.export(options.names, options.scope))
    found.sort(key=lambda each: (each.get("scope", ""), each.get("names", [])))
    json.dump({FORM: VERSION, "tools": found}, sys.stdout, ensure_ascii=False, indent=1)
    sys.stdout.write("\n")
    return Exit.OK


def run_import(client: Client, options: Any) -> Exit:
    """
    More than one request takes are all tried before any is done.

    Raises:
        ToolcellError: the server refuses or does not answer.
        UsageError: the file cannot be read, or is no export.
    """
    batches = list(_batches(_read(options.file)))
    how = {"on_conflict": options.on_conflict}
    if options.dry_run or len(batches) > 1:
        answers = [client.registry.import_(each, validate_only=True, **how) for each in batches]
        if options.dry_run or any(map(_refused, answers)):
            return _show(answers, options)
    return _show([client.registry.import_(each, **how) for each in batches], options)


def _show(answers: Sequence[pb.ImportToolsResponse], options: Any) -> Exit:
    found = [each for answer in answers for each in answer.definitions]
    if for_people(options):
        print_table(HEADINGS, [_row(each) for each in found])
    else:
        print_json([to_plain(each) for each in found])
    refused = any(map(_refused, answers))
    if refused:
        Screen.of_stderr().line("toolcell: nothing was imported", RED)
    return Exit.REFUSED if refused else Exit.OK


def _refused(answer: pb.ImportToolsResponse) -> bool:
    return any(each.outcome == pb.IMPORT_OUTCOME_REFUSED for each in answer.definitions)


def _row(imported: pb.ImportedDefinition) -> tuple[str, ...]:
    why = "; ".join(f"{each.path} {each.code}: {each.message}" for each in imported.faults)
    outcome = short_name(pb.ImportOutcome, imported.outcome)
    return outcome, ", ".join(imported.tools), why


def _read(file: str) -> list[dict[str, Any]]:
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        value = json.loads(data)
    except OSError as exc:
        raise UsageError(f"cannot read {file}: {exc.strerror}") from exc
    except (ValueError, RecursionError) as exc:
        raise UsageError(f"{file} is no export, which is JSON: {exc}") from exc
    tools = value.get("tools") if isinstance(value, dict) else None
    if not isinstance(tools, list) or value.get(FORM) != VERSION:
        remedy = (
            f'it must be {{"{FORM}": {VERSION}, "tools": […]}}, as toolcell tools export writes'
        )
        raise UsageError(f"{file} is no export of tools; {remedy}")
    if not tools:
        raise UsageError(f"{file} holds no tools")
    return tools


def _batches(tools: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    size = 0
    for tool in tools:
        length = len(json.dumps(tool))
        if batch and (len(batch) == MOST_AT_ONCE or size + length > BYTES_AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append(tool)
        size += length
    yield batch
