"""
`toolcell tools`: what can be called.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from toolcell.v1 import execution_pb2, registry_pb2

from toolcell_client.cli import (
    foreign,
    porting,
    registering,
    searching,
    sources,
    tool_stats,
    voice_lint,
)
from toolcell_client.cli.exits import Exit
from toolcell_client.cli.listing import for_people, print_json, print_table, print_text
from toolcell_client.plain import short_name, to_plain

if TYPE_CHECKING:
    import argparse

    from toolcell_client.client import Client

HEADINGS = ("NAME", "VERSION", "STATE", "EFFECTS", "DESCRIPTION")


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """
    Add the command, its subcommands and their flags.
    """
    parser = commands.add_parser("tools", help="list, find, register, check and change tools")
    inner = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = inner.add_parser("list", parents=[common], help="list tools")
    listing.set_defaults(run=run_list)
    listing.add_argument("--category", default="", help="only of this category")
    listing.add_argument("--tag", action="append", default=[], help="only with this tag")
    listing.add_argument("--session", default="", metavar="ID", help="and of that session of yours")
    searching.add(inner, common)
    inner.add_parser("validate", add_help=False, help="say what is wrong with definitions, offline")
    describing = inner.add_parser("describe", parents=[common], help="describe one tool")
    describing.set_defaults(run=run_describe)
    describing.add_argument("tool", metavar="NAME")
    describing.add_argument("--version", default="", help="exact version")
    tool_stats.add(inner, common)
    registering.add(inner, common)
    sources.add(inner, common)
    foreign.add(inner, common)
    porting.add(inner, common)
    voice_lint.add(inner, common)


def run_list(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
    """
    tools = list(
        client.list_tools(category=options.category, tags=options.tag, session_id=options.session)
    )
    if for_people(options):
        print_table(HEADINGS, [_row(tool) for tool in tools])
    else:
        print_json([to_plain(tool) for tool in tools])
    return Exit.OK


def run_describe(client: Client, options: Any) -> Exit:
    """
    Raises:
        ToolcellError: the server refuses or does not answer.
    """
    tool = client.get_tool(options.tool, options.version)
    if for_people(options):
        print_text(_description(tool))
    else:
        print_json(to_plain(tool))
    return Exit.OK


def _row(tool: registry_pb2.Tool) -> tuple[str, ...]:
    text = tool.broken_reason or tool.title or tool.description
    if tool.reload_error:
        text = f"(as before: {tool.reload_error}) {text}"
    return (
        tool.name,
        tool.version,
        short_name(registry_pb2.ToolState, tool.state),
        short_name(registry_pb2.Effects, tool.effects),
        text.partition("\n")[0],
    )


def _description(tool: registry_pb2.Tool) -> str:
    state = short_name(registry_pb2.ToolState, tool.state)
    effects = short_name(registry_pb2.Effects, tool.effects)
    lines = [f"{tool.name} {tool.version}  ({state}, {effects}, from {tool.bundle})"]
    lines += [text for text in (tool.title, tool.description) if text]
    if tool.broken_reason:
        lines.append(f"broken: {tool.broken_reason}")
    if tool.reload_error:
        lines.append(f"served as before; its source does not load: {tool.reload_error}")
    if tool.code_sha256:
        lines.append(f"runs the uploaded code {tool.code_sha256}")
    if tool.deprecated:
        lines.append(f"deprecated: {tool.deprecated}")
    if tool.HasField("sunset_time"):
        lines.append(f"refused from: {tool.sunset_time.ToJsonString()}")
    if tool.scope not in (registry_pb2.TOOL_SCOPE_UNSPECIFIED, registry_pb2.TOOL_SCOPE_GLOBAL):
        lines.append(f"for: this {short_name(registry_pb2.ToolScope, tool.scope)} alone")
    lines += ["", "arguments:", *_parameters(tool.parameters_json)]
    lines += ["", "limits:"]
    lines += [f"  {name} = {value}" for name, value in to_plain(tool.limits).items()]
    grants = [f"  {_access(grant)} {grant.path}" for grant in tool.paths]
    grants += [f"  connect {domain}" for domain in tool.domains]
    return "\n".join([*lines, "", "may reach:", *(grants or ["  nothing"])])


def _access(grant: execution_pb2.PathGrant) -> str:
    return short_name(execution_pb2.PathAccess, grant.access or execution_pb2.PATH_ACCESS_READ)


def _parameters(parameters_json: bytes) -> list[str]:
    try:
        schema = json.loads(parameters_json or b"{}")
        properties = dict(schema.get("properties", {}))
    except (ValueError, AttributeError):
        return ["  (the schema cannot be read)"]
    required = schema.get("required", [])
    return [
        _parameter(name, each if isinstance(each, dict) else {}, name in required)
        for name, each in properties.items()
    ] or ["  none"]


def _parameter(name: str, schema: dict[str, Any], required: bool) -> str:  # noqa: FBT001
    kind = schema.get("type", "any")
    kind = "|".join(kind) if isinstance(kind, list) else str(kind)
    need = "required" if required else f"default {json.dumps(schema.get('default'))}"
    return f"  {name} ({kind}, {need})  {schema.get('description', '')}".rstrip()
