"""
What Anthropic's API checks of tools and of the choice among them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers.anthropic_words import field, invalid, only, typed
from toolcell_client.testing.providers.view import SeenTool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

NAME = r"^[a-zA-Z0-9_-]{1,128}$"
PROPERTY = r"^[a-zA-Z0-9_.-]{1,64}$"
# Those of `ToolParam` in the anthropic package.
_TOOL_FIELDS = """
allowed_callers cache_control defer_loading description eager_input_streaming input_examples
input_schema name strict type
"""
TOOL_FIELDS = frozenset(_TOOL_FIELDS.split())
MAX_STRICT_TOOLS = 20
MAX_STRICT_OPTIONAL = 24
MAX_STRICT_UNIONS = 16
_NOT_STRICT = """
minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength maxItems
uniqueItems patternProperties not if then else dependentRequired dependentSchemas prefixItems
contains propertyNames minProperties maxProperties unevaluatedProperties
"""
NOT_STRICT = frozenset(_NOT_STRICT.split())


def check_tools(tools: Any) -> tuple[SeenTool, ...]:
    """
    Raises:
        Refused: Anthropic would not take them.
    """
    seen = []
    for at, tool in enumerate(typed(tools, list, "tools")):
        seen.append(_tool(typed(tool, dict, f"tools.{at}"), at))
    if len({each.name for each in seen}) != len(seen):
        raise invalid("tools", "Tool names must be unique.")
    _check_strict([each for each in seen if each.strict])
    return tuple(seen)


def check_choice(choice: Any, tools: Sequence[SeenTool]) -> tuple[str, tuple[str, ...], bool]:
    """
    The mode, the names that are allowed, and whether calls may be parallel.
    """
    if choice is None:
        return ("auto" if tools else "none"), (), True
    kind = field(typed(choice, dict, "tool_choice"), "type", str, "tool_choice")
    known = {"auto": "auto", "any": "required", "none": "none", "tool": "one"}
    if kind not in known:
        raise invalid(
            "tool_choice",
            f"Input tag '{kind}' found using 'type' does not match any of"
            " the expected tags: 'auto', 'any', 'tool', 'none'",
        )
    extra = {"name"} if kind == "tool" else set()
    extra |= set() if kind == "none" else {"disable_parallel_tool_use"}
    only(choice, frozenset({"type"} | extra), f"tool_choice.{kind}")
    if not tools:
        raise invalid("tool_choice", "may only be specified while providing tools")
    parallel = not choice.get("disable_parallel_tool_use", False)
    if kind != "tool":
        return known[kind], (), parallel
    name = field(choice, "name", str, "tool_choice.tool")
    if all(each.name != name for each in tools):
        raise invalid("tool_choice", f"Tool '{name}' not found in provided tools")
    return "one", (name,), parallel


def _tool(tool: Mapping[str, Any], at: int) -> SeenTool:
    where = f"tools.{at}.custom"
    if tool.get("type") not in (None, "custom"):
        raise invalid(
            f"tools.{at}",
            f"Input tag '{tool['type']}' found using 'type' is not known to this server",
        )
    only(tool, TOOL_FIELDS, where)
    name = field(tool, "name", str, where)
    if not re.match(NAME, name):
        raise invalid(f"{where}.name", f"String should match pattern '{NAME}'")
    schema = field(tool, "input_schema", dict, where)
    if "type" not in schema:
        raise invalid(f"{where}.input_schema.type", "Field required")
    if schema["type"] != "object":
        raise invalid(f"{where}.input_schema.type", "Input should be 'object'")
    for keyword in ("oneOf", "allOf", "anyOf"):
        if keyword in schema:
            raise invalid(
                f"{where}.input_schema",
                "input_schema does not support oneOf, allOf, or anyOf at the top level",
            )
    for each in _schemas(schema):
        for key in each.get("properties") or {}:
            if not re.match(PROPERTY, key):
                raise invalid(
                    f"{where}.input_schema.properties",
                    f"Property keys should match pattern '{PROPERTY}'",
                )
    strict = typed(tool.get("strict") or False, bool, f"{where}.strict")
    description = typed(tool.get("description") or "", str, f"{where}.description")
    return SeenTool(name, description, schema, strict)


def _check_strict(tools: Sequence[SeenTool]) -> None:
    if len(tools) > MAX_STRICT_TOOLS:
        raise invalid("tools", f"at most {MAX_STRICT_TOOLS} tools may be strict")
    optional = unions = 0
    for tool in tools:
        for each in _schemas(tool.parameters):
            if each.get("type") == "object" and each.get("additionalProperties") is not False:
                raise invalid(
                    "tools",
                    "For 'object' type, 'additionalProperties' must be explicitly set to false",
                )
            for keyword in sorted(NOT_STRICT & set(each)):
                raise invalid("tools", f"property '{keyword}' is not supported")
            if each.get("minItems", 0) not in (0, 1):
                raise invalid("tools", "'minItems' values other than 0 or 1 are not supported")
            properties = each.get("properties") or {}
            optional += len(set(properties) - set(each.get("required") or ()))
            unions += "anyOf" in each or isinstance(each.get("type"), list)
    if optional > MAX_STRICT_OPTIONAL or unions > MAX_STRICT_UNIONS:
        raise invalid("tools", "Schemas contains too many optional or union-typed parameters")


def _schemas(schema: Any) -> Iterator[Mapping[str, Any]]:
    """
    A schema and all below it.
    """
    if not isinstance(schema, dict):
        return
    yield schema
    for keyword in ("properties", "$defs", "definitions"):
        for below in (schema.get(keyword) or {}).values():
            yield from _schemas(below)
    for keyword in ("items", "additionalProperties"):
        yield from _schemas(schema.get(keyword))
    for keyword in ("anyOf", "oneOf", "allOf"):
        for below in schema.get(keyword) or ():
            yield from _schemas(below)
