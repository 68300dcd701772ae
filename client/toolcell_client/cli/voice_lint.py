"""
`toolcell tools lint --voice`: what makes tools hard to use by voice.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_client.cli import connecting
from toolcell_client.cli.exits import Exit, UsageError
from toolcell_client.cli.listing import for_people, print_json, print_table
from toolcell_client.formats.offered import OfferedTool

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from toolcell_client.voice.lint import Finding

HEADINGS = ("TOOL", "LEVEL", "CODE", "PLACE", "WHAT", "REMEDY")
MOST_BYTES = 16 * 2**20  # arbitrary; of a file of definitions


def add(inner: Any, common: argparse.ArgumentParser) -> None:
    """
    Add the command and its flags.
    """
    parser = inner.add_parser("lint", parents=[common], help="say what is hard to use by voice")
    parser.set_defaults(alone=run_lint)
    parser.add_argument("--voice", action="store_true", required=True, help="by the rules of voice")
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="definitions, JSON or TOML; none: a server's tools"
    )
    parser.add_argument("--tool", action="append", default=[], metavar="NAME", help="only this one")
    parser.add_argument(
        "--fail-on",
        default="error",
        choices=("error", "warning", "note", "never"),
        help="exit with 1 from this level on (default: error)",
    )


def run_lint(options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
        UsageError: a file cannot be read, or holds no definitions.
    """
    from toolcell_client.voice.lint import LEVELS, lint

    tools = [each for each in _tools(options) if not options.tool or each.name in options.tool]
    if not tools:
        raise UsageError("there is no tool to look at; see --tool, or: toolcell tools list")
    found = lint(tools)
    _show(found, options)
    bad = LEVELS[: LEVELS.index(options.fail_on) + 1] if options.fail_on != "never" else ()
    return Exit.TOOL_FAILED if any(each.level in bad for each in found) else Exit.OK


def _show(found: Sequence[Finding], options: Any) -> None:
    if for_people(options):
        rows = [
            (each.tool, each.level, each.code, each.place, each.sentence, each.remedy)
            for each in found
        ]
        print_table(HEADINGS, rows)
    else:
        print_json([dataclasses.asdict(each) for each in found])


def _tools(options: Any) -> Iterator[OfferedTool]:
    if options.files:
        for file in options.files:
            yield from _read(file)
        return
    with connecting.client(options) as client:
        for tool in client.list_tools(state="available"):
            yield OfferedTool.of(tool)


def _read(file: str) -> list[OfferedTool]:
    try:
        data = sys.stdin.buffer.read(MOST_BYTES) if file == "-" else Path(file).read_bytes()
    except OSError as exc:
        raise UsageError(f"cannot read {file}: {exc.strerror}") from exc
    try:
        text = data.decode()
        value = tomllib.loads(text) if file.endswith(".toml") else _json(text)
    except (ValueError, RecursionError) as exc:
        raise UsageError(f"{file} is neither JSON nor, by its name, TOML: {exc}") from exc
    return [_tool(each, file) for each in _listed(value)]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        lines = [each for each in text.splitlines() if each.strip()]
        if len(lines) < 2:
            raise
        return [json.loads(each) for each in lines]


def _listed(value: Any) -> list[Any]:
    if isinstance(value, dict):
        inner = value.get("tools", value.get("tool", value))
        return inner if isinstance(inner, list) else [inner]
    return value if isinstance(value, list) else [value]


def _tool(value: Any, file: str) -> OfferedTool:
    """
    A definition: with the keys of a manifest, or as a provider takes it.
    """
    if isinstance(value, dict):
        value = value.get("function", value) if value.get("type") == "function" else value
        name = value.get("name")
        schema = value.get("parameters", value.get("input_schema", value.get("inputSchema", {})))
        described = value.get("description", "")
        if isinstance(name, str) and isinstance(schema, dict) and isinstance(described, str):
            effects = str(value.get("effects", "writes"))
            return OfferedTool(name=name, description=described, parameters=schema, effects=effects)
    raise UsageError(
        f"{file} holds something that is no definition; each must be an object with name,"
        " description and parameters"
    )
