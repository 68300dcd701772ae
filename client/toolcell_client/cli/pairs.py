"""
`key=value` arguments, typed by the tool's schema.  Pure.

Theory of operation.  A shell has only text; the schema says what is meant.  Where it allows a
string alone, the text is the string.  Otherwise the text is read as JSON if its type is allowed,
else taken as a string if that is.  A key given twice is a list, and so is a single value where only
a list is allowed.  `key:=JSON` is taken as it stands, for whatever this guesses wrong.
"""

from __future__ import annotations

import difflib
import json
from typing import Any

from toolcell_client.cli.exits import UsageError

EVERY_TYPE = frozenset({"string", "number", "integer", "boolean", "null", "array", "object"})
MAXIMUM_REFERENCES = 32  # a schema may refer to itself


def arguments_of(pairs: list[str], schema: Any) -> dict[str, Any]:
    """
    The arguments that the pairs say.

    Raises:
        UsageError: a pair that is none, a key the tool does not have, a value of a wrong type.
    """
    arguments: dict[str, Any] = {}
    values: dict[str, list[str]] = {}
    for pair in pairs:
        key, separator, text = pair.partition("=")
        if not separator or not key:
            raise UsageError(f"{pair!r} is not an argument; write key=value, or -d JSON for all")
        if key.endswith(":"):
            arguments[key[:-1]] = _json(pair, text)
        else:
            values.setdefault(key, []).append(text)
    for key, texts in values.items():
        arguments[key] = _argument(key, texts, _property(key, schema), schema)
    return arguments


def types_of(schema: Any, root: Any, depth: int = 0) -> frozenset[str]:
    """
    The JSON types that a schema allows, as far as its keywords say.
    """
    if not isinstance(schema, dict) or depth > MAXIMUM_REFERENCES:
        return EVERY_TYPE
    if "$ref" in schema:
        return types_of(_referred(schema["$ref"], root), root, depth + 1)
    if "type" in schema:
        named = schema["type"]
        return frozenset([named] if isinstance(named, str) else named)
    for keyword in ("anyOf", "oneOf"):
        if isinstance(schema.get(keyword), list):
            return frozenset().union(*(types_of(s, root, depth + 1) for s in schema[keyword]))
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    return frozenset().union(*map(_types_of_value, values)) or EVERY_TYPE


def _property(key: str, schema: Any) -> Any:
    properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
    if key in properties:
        return properties[key]
    if not isinstance(schema, dict) or schema.get("additionalProperties") is not False:
        return {}
    near = difflib.get_close_matches(key, properties, 1)
    known = f"did you mean {near[0]}?" if near else f"it has {', '.join(properties) or 'none'}"
    raise UsageError(f"the tool has no argument {key!r}; {known}")


def _argument(key: str, texts: list[str], schema: Any, root: Any) -> Any:
    allowed = types_of(schema, root)
    if len(texts) > 1:
        if "array" not in allowed:
            raise UsageError(f"{key} is given {len(texts)} times and takes one value")
        items = schema.get("items", {}) if isinstance(schema, dict) else {}
        return [_value(key, text, types_of(items, root)) for text in texts]
    if "array" in allowed and not allowed & {"string", "object"} and texts[0][:1] != "[":
        items = schema.get("items", {}) if isinstance(schema, dict) else {}
        return [_value(key, texts[0], types_of(items, root))]
    return _value(key, texts[0], allowed)


def _value(key: str, text: str, allowed: frozenset[str]) -> Any:
    if allowed == {"string"}:
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    if not isinstance(value, str) and _types_of_value(value) & allowed:
        return value
    if "string" in allowed:
        return text
    expected = " or ".join(sorted(allowed - {"null"}))
    raise UsageError(f"{key}={text}: {key} must be {expected}")


def _types_of_value(value: Any) -> frozenset[str]:
    if isinstance(value, bool):
        return frozenset({"boolean"})
    if isinstance(value, int):
        return frozenset({"integer", "number"})
    names = {float: "number", str: "string", list: "array", dict: "object", type(None): "null"}
    return frozenset({names[type(value)]})


def _referred(reference: Any, root: Any) -> Any:
    """
    What a local reference (`#/$defs/Name`) points to; {} for any other.
    """
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return {}
    found = root
    for part in reference[2:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        found = found.get(key, {}) if isinstance(found, dict) else {}
    return found


def _json(pair: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise UsageError(f"{pair!r}: what follows := must be JSON ({exc})") from exc
