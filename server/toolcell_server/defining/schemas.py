"""
Whether a JSON Schema of a definition may be used: every fault of it.  Pure.

Theory of operation.  `schema_check` says whether, and stops at the first fault; its steps are taken
here one by one.  Size comes first, because what is too large is not looked into; what is no schema
by its own metaschema still has its references and keywords checked, so that one round of mending is
enough.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Final

from toolcell_server import schema_check, schema_keywords, schema_walk
from toolcell_server.arguments import preparation
from toolcell_server.defining import patterns
from toolcell_server.defining.faults import Code, Fault
from toolcell_server.json_pointer import pointer

MAXIMUM_UNROLLED: Final = 100_000  # nodes that checking one value may visit, references followed
_MOST: Final = 20  # of one kind; more say nothing new
_KINDS: Final = {
    "keyword": Code.SCHEMA_KEYWORD,
    "format": Code.SCHEMA_FORMAT,
    "pattern": Code.SCHEMA_PATTERN,
}
_CHOICE: Final = "; write it so that no part that is repeated can match one text in two ways"


def faults(schema: Any, *, of_arguments: bool) -> list[Fault]:
    """
    What is wrong with a schema, paths from its root.  That of arguments must be of an object.
    """
    if not isinstance(schema, dict):
        return [Fault("", Code.SCHEMA_INVALID, "must be a JSON Schema, an object")]
    try:
        schema_check.bounded(schema)
    except schema_check.SchemaRefused as exc:
        return [Fault("", Code.SCHEMA_TOO_LARGE, f"{exc}; make it smaller")]
    try:
        schema_check.build(schema)
    except schema_check.SchemaRefused as exc:
        return [Fault("/$schema", Code.SCHEMA_INVALID, str(exc))]
    found = list(_of_metaschema(schema))
    if of_arguments and schema.get("type") != "object":
        said = 'must be "object": arguments are one JSON object'
        found.append(Fault("/type", Code.SCHEMA_NOT_OBJECT, said))
    found += _of_shape(schema, frozenset(fault.path for fault in found))
    return found or _of_last_look(schema)


def default_faults(schema: Any) -> list[Fault]:
    """
    Whether defaults that would be filled in are what their own schemas allow.
    """
    try:
        preparation.check_defaults(schema)
    except ValueError as exc:
        return [Fault("", Code.SCHEMA_DEFAULT, f"{exc}; correct it, or drop fill_defaults")]
    return []


def _of_metaschema(schema: dict[str, Any]) -> Iterator[Fault]:
    for exc in itertools.islice(schema_check.metaschema_errors(schema), _MOST):
        yield Fault(
            pointer(exc.absolute_path),
            Code.SCHEMA_INVALID,
            f"is no JSON Schema: {exc.message:.160}",
        )


def _of_shape(schema: dict[str, Any], known: frozenset[str]) -> Iterator[Fault]:
    """
    References, loops and keywords, but for those at pointers that are known to be wrong.
    """
    shape, dangling = schema_walk.walk_all(schema)
    for at, text in dangling.items():
        if f"{at}/$ref" not in known:
            yield Fault(f"{at}/$ref", Code.SCHEMA_REFERENCE, text)
    for at, part in shape.subschemas.items():
        if isinstance(part, Mapping) and at not in known:
            yield from _of_keywords(at, part, known)
    try:
        shape.check_loops()
    except schema_walk.SchemaLoop as exc:
        yield Fault(exc.at, Code.SCHEMA_LOOP, f"{exc}; break the loop")
        return
    unrolled = shape.unrolled()
    if unrolled and unrolled[0] > MAXIMUM_UNROLLED:
        said = f"has more than {MAXIMUM_UNROLLED} nodes once its references are followed"
        yield Fault("", Code.SCHEMA_TOO_LARGE, f"{said}; refer less often")


def _of_keywords(at: str, part: Mapping[str, Any], known: frozenset[str]) -> Iterator[Fault]:
    wrong = set(known)
    for fault in schema_keywords.faults(at, part):
        if fault.at not in wrong:
            wrong.add(fault.at)
            yield Fault(fault.at, _KINDS[fault.kind], fault.text)
    for place, pattern in schema_keywords.patterns(at, part):
        if place not in wrong and patterns.ambiguous(pattern):
            said = f"the pattern {pattern!r:.80} may take time without end{_CHOICE}"
            yield Fault(place, Code.SCHEMA_PATTERN, said)


def _of_last_look(schema: dict[str, Any]) -> list[Fault]:
    """
    What `schema_check` alone knows of, so that nothing passes here that it refuses.
    """
    try:
        schema_check.check(schema)
    except schema_check.SchemaRefused as exc:
        return [Fault("", Code.SCHEMA_INVALID, str(exc))]
    return []
