"""
What the Gemini API checks of function declarations and of the configuration of calls.

Source: `FunctionDeclaration`, `Schema` and `FunctionCallingConfig` in `google/genai/types.py`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers.gemini_words import invalid, take, wrong
from toolcell_client.testing.providers.view import SeenTool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}")
PARAMETER = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,63}")
TYPES = ("STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL")
MODES = {"AUTO": "auto", "ANY": "required", "NONE": "none", "VALIDATED": "auto"}
DECLARATION = {
    "name": str,
    "description": str,
    "parameters": dict,
    "parametersJsonSchema": object,
    "response": dict,
    "responseJsonSchema": object,
    "behavior": str,
}
_TOOL = """
codeExecution computerUse fileSearch functionDeclarations googleMaps googleSearch
googleSearchRetrieval mcpServers urlContext
"""
TOOL: dict[str, type] = dict.fromkeys(_TOOL.split(), object)
_SCHEMA = """
anyOf default description enum example format items maxItems maxLength maxProperties maximum
minItems minLength minProperties minimum nullable pattern properties propertyOrdering required title
type
"""
SCHEMA: dict[str, type] = dict.fromkeys(_SCHEMA.split(), object)


def check_tools(tools: Sequence[Any]) -> tuple[SeenTool, ...]:
    """
    Raises:
        Refused: Gemini would not take them.
    """
    seen: list[SeenTool] = []
    for at, tool in enumerate(tools):
        fields = take(tool, TOOL, f"tools[{at}]")
        for number, declared in enumerate(fields.get("functionDeclarations", ())):
            seen.append(_declaration(declared, f"tools[{at}].function_declarations[{number}]"))
    for at, each in enumerate(seen):
        if any(each.name == other.name for other in seen[:at]):
            raise invalid(f"Duplicate function declaration found: {each.name}")
    return tuple(seen)


def check_config(config: Any, tools: Sequence[SeenTool]) -> tuple[str, tuple[str, ...]]:
    """
    The mode and the names that are allowed.
    """
    known = {"functionCallingConfig": dict, "retrievalConfig": dict}
    calling = take(config, known, "tool_config").get("functionCallingConfig")
    if calling is None:
        return ("auto" if tools else "none"), ()
    where = "tool_config.function_calling_config"
    keys: dict[str, type] = {
        "mode": str,
        "allowedFunctionNames": list,
        "streamFunctionCallArguments": bool,
    }
    fields = take(calling, keys, where)
    if not tools:
        raise invalid("Function calling config is set without function_declarations.")
    mode = fields.get("mode", "AUTO")
    if mode not in MODES:
        raise invalid(f"Invalid value at '{where}.mode' (Mode), \"{mode}\"")
    names = tuple(fields.get("allowedFunctionNames", ()))
    if names and mode not in ("ANY", "VALIDATED"):
        raise wrong(
            f"{where}.allowed_function_names",
            "only allowed to be set when the function calling mode is ANY or VALIDATED",
        )
    for name in names:
        if all(each.name != name for each in tools):
            raise wrong(f"{where}.allowed_function_names", f"'{name}' is not declared")
    return MODES[mode], names


def _declaration(declared: Any, where: str) -> SeenTool:
    fields = take(declared, DECLARATION, where)
    name = fields.get("name", "")
    if not NAME.fullmatch(name):
        raise wrong(
            f"{where}.name",
            "Invalid function name. Must start with a letter or an underscore. Must be alphanumeric"
            " (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a"
            " maximum length of 128.",
        )
    if "parameters" in fields and "parametersJsonSchema" in fields:
        raise wrong(where, "parameters and parameters_json_schema are mutually exclusive")
    if "response" in fields and "responseJsonSchema" in fields:
        raise wrong(where, "response and response_json_schema are mutually exclusive")
    schema: Any = {"type": "object"}
    if "parametersJsonSchema" in fields:
        schema = fields["parametersJsonSchema"]
        if not isinstance(schema, dict) or schema.get("type") != "object":
            raise wrong(f"{where}.parameters_json_schema", "schema should be of OBJECT type")
    elif "parameters" in fields:
        schema = fields["parameters"]
        _check_schema(schema, f"{where}.parameters", root=True)
    return SeenTool(name, fields.get("description", ""), schema)


def _check_schema(schema: Any, where: str, *, root: bool = False) -> None:
    fields = take(schema, SCHEMA, where)
    kind = str(fields.get("type", "")).upper()
    if kind not in TYPES and "anyOf" not in fields:
        raise wrong(f"{where}.type", "must be specified")
    if root and kind != "OBJECT":
        raise wrong(where, "schema should be of OBJECT type")
    if "enum" in fields and kind != "STRING":
        raise wrong(f"{where}.enum", "only allowed for STRING type")
    if kind == "STRING" and fields.get("format", "enum") not in ("enum", "date-time"):
        raise wrong(f"{where}.format", "only 'enum' and 'date-time' are supported for STRING type")
    if kind == "ARRAY" and "items" not in fields:
        raise wrong(f"{where}.items", "missing field.")
    if kind == "OBJECT":
        _check_object(fields, where)
    if "items" in fields:
        _check_schema(fields["items"], f"{where}.items")
    for at, each in enumerate(fields.get("anyOf", ())):
        _check_schema(each, f"{where}.any_of[{at}]")


def _check_object(fields: Mapping[str, Any], where: str) -> None:
    properties = fields.get("properties", {})
    if not properties:
        raise wrong(f"{where}.properties", "should be non-empty for OBJECT type")
    for name, below in properties.items():
        if not PARAMETER.fullmatch(name):
            raise wrong(
                f"{where}.properties",
                f"'{name}' must start with a letter or an underscore and must only contain chars"
                " a-z, A-Z, 0-9, or underscores with a maximum length of 64",
            )
        _check_schema(below, f"{where}.properties[{name}]")
    for at, name in enumerate(fields.get("required", ())):
        if name not in properties:
            raise wrong(f"{where}.required[{at}]", "property is not defined")
