"""
What helps a model to repair a call whose arguments do not fit.  Pure.

Theory of operation.  A violation names a place and a rule.  A model repairs best what it sees: the
part of the schema that rules there, a value that would fit, and, where it wrote a name or a word
that does not exist, the ones that are close.  All of it is bounded, and of what the model wrote
nothing is repeated: it has it in its history.  The model may know a property by an alias; then all
that it is told says the alias.
"""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.properties import renamed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

PREFIX = "arguments_json"  # how the server names the arguments in a violation
LISTS_PROPERTIES = "is not a property"  # begins the sentence of the server that names them
CLOSE_MATCHES = 3  # arbitrary
FRAGMENT_CHARACTERS = 300  # arbitrary
MOST_VIOLATIONS = 10  # as the server
LONGEST_WORD = 100  # longer ones are no misspelling, and slow to compare
MOST_WORDS = 1_000  # compared with
MOST_STEPS = 64  # of one pointer, and of references that name each other
EXAMPLES = {
    "string": "text",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "array": [],
    "object": {},
    "null": None,
}
FORMATS = {
    "date": "2030-01-31",
    "date-time": "2030-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "name@example.com",
    "hostname": "example.com",
    "uri": "https://example.com/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
}


def repairable(
    violations: Iterable[Mapping[str, Any]],
    schema: Mapping[str, Any],
    arguments: Any,
    aliases: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """
    The violations, each with `schema`, `example` and `close_matches` where there are any; with
    properties by their `aliases`, where they have one.
    """
    names = aliases or {}
    return [
        {**each, **_seen(each, schema, names), **_help(each, schema, arguments, names)}
        for each in list(violations)[:MOST_VIOLATIONS]
    ]


def close_matches(word: str, words: Collection[str]) -> list[str]:
    """
    The words that are most like it, capitals aside.
    """
    if len(word) > LONGEST_WORD:
        return []
    folded = {each.casefold(): each for each in list(words)[:MOST_WORDS]}
    found = difflib.get_close_matches(word.casefold(), folded, CLOSE_MATCHES)
    return [folded[each] for each in found]


def _seen(
    violation: Mapping[str, Any], schema: Mapping[str, Any], aliases: Mapping[str, str]
) -> dict[str, Any]:
    field = str(violation.get("field", ""))
    tokens = _tokens(field)
    if not aliases:
        return {}
    said = str(violation.get("description", ""))
    if said.startswith(LISTS_PROPERTIES):
        for own, alias in aliases.items():
            said = said.replace(json.dumps(own, ensure_ascii=False), json.dumps(alias))
    start = field.partition("/")[0]
    seen = [
        aliases.get(each, each) if _declares(_below(schema, tokens[:place]), each) else each
        for place, each in enumerate(tokens)
    ]
    path = "/".join([start, *(_escaped(each) for each in seen)])
    return {"field": path, "description": said}


def _declares(schema: Mapping[str, Any] | None, name: str) -> bool:
    names = (schema or {}).get("properties")
    return isinstance(names, dict) and name in names


def _help(
    violation: Mapping[str, Any],
    schema: Mapping[str, Any],
    arguments: Any,
    aliases: Mapping[str, str],
) -> dict[str, Any]:
    tokens = _tokens(str(violation.get("field", "")))
    above = _below(schema, tokens[:-1]) if tokens else None
    names = (above or {}).get("properties")
    if isinstance(names, dict) and tokens[-1] not in names:
        close = close_matches(tokens[-1], [aliases.get(each, each) for each in names])
        return {"close_matches": close} if close else {}
    ruling = _below(schema, tokens) if tokens else None
    if ruling is None:
        return {}
    told: dict[str, Any] = {
        "schema": _fragment(renamed(ruling, aliases)),
        "example": _example(ruling),
    }
    value = _value(arguments, tokens)
    words = [each for each in ruling.get("enum") or () if isinstance(each, str)]
    if isinstance(value, str) and (close := close_matches(value, words)):
        told["close_matches"] = close
    return told


def _tokens(field: str) -> list[str]:
    pointer = field.removeprefix(PREFIX)
    return [each.replace("~1", "/").replace("~0", "~") for each in pointer.split("/")[1:]]


def _escaped(token: str) -> str:
    return token.replace("~", "~0").replace("/", "~1")


def _below(schema: Mapping[str, Any], tokens: Sequence[str]) -> Mapping[str, Any] | None:
    found: Any = _resolved(schema, schema)
    for token in tokens[:MOST_STEPS]:
        found = _resolved(schema, _child(schema, found, token))
        if not isinstance(found, dict):
            return None
    return found if isinstance(found, dict) else None


def _child(root: Mapping[str, Any], schema: Any, token: str) -> Any:
    if not isinstance(schema, dict):
        return None
    properties = schema.get("properties")
    if isinstance(properties, dict) and token in properties:
        return properties[token]
    if token.isdigit() and isinstance(schema.get("items"), dict):
        return schema["items"]
    for branch in (*(schema.get("anyOf") or ()), *(schema.get("oneOf") or ())):
        if (found := _child(root, _resolved(root, branch), token)) is not None:
            return found
    return schema.get("additionalProperties")


def _resolved(root: Mapping[str, Any], schema: Any) -> Any:
    for _ in range(MOST_STEPS):
        if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
            return schema
        found: Any = root
        for token in _tokens(schema["$ref"].removeprefix("#")):
            found = found.get(token) if isinstance(found, dict) else None
        schema = found
    return None


def _fragment(schema: Mapping[str, Any]) -> Any:
    for keep in (None, ("type", "enum", "format", "minimum", "maximum"), ("type",)):
        part = schema if keep is None else {name: schema[name] for name in keep if name in schema}
        if len(json.dumps(part, ensure_ascii=False)) <= FRAGMENT_CHARACTERS:
            return dict(part)
    return {}


def _example(schema: Mapping[str, Any]) -> Any:
    for name in ("examples", "enum"):
        if isinstance(schema.get(name), list) and schema[name]:
            return _short(schema[name][0])
    for name in ("const", "default"):
        if name in schema:
            return _short(schema[name])
    kinds = schema.get("type")
    kind = kinds[0] if isinstance(kinds, list) and kinds else kinds
    if kind in ("integer", "number"):
        return schema.get("minimum", schema.get("maximum", EXAMPLES[kind]))
    if kind == "string" and schema.get("format") in FORMATS:
        return FORMATS[schema["format"]]
    return EXAMPLES.get(kind) if isinstance(kind, str) else None


def _short(value: Any) -> Any:
    return value if len(json.dumps(value)) <= FRAGMENT_CHARACTERS else None


def _value(arguments: Any, tokens: Sequence[str]) -> Any:
    for token in tokens:
        if isinstance(arguments, dict):
            arguments = arguments.get(token)
        elif isinstance(arguments, list) and token.isdigit() and int(token) < len(arguments):
            arguments = arguments[int(token)]
        else:
            return None
    return arguments
