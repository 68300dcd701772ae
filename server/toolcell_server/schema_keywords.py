"""
What a keyword of a JSON Schema may not say here.  Pure.

Not supported, and refused: `$id` and `$schema` below the root, anchors, `$dynamicRef`; formats that
are neither asserted nor known annotations; patterns that are too long or do not compile.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from toolcell_server import formats
from toolcell_server.json_pointer import escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAXIMUM_PATTERN: Final = 256
_UNSUPPORTED: Final = ("$dynamicRef", "$recursiveRef", "$anchor", "$dynamicAnchor")
_ROOT_ONLY: Final = ("$id", "$schema")


class KeywordFault(NamedTuple):
    """
    A fault at a pointer into the schema; `kind` is "keyword", "format" or "pattern".
    """

    at: str
    kind: str
    text: str


def faults(at: str, schema: Mapping[str, Any]) -> Iterator[KeywordFault]:
    """
    What is wrong with the keywords of the subschema at a pointer, those of others not.
    """
    for keyword in _UNSUPPORTED:
        if keyword in schema:
            text = f"{keyword} at {at or 'the root'} is not supported; use $ref"
            yield KeywordFault(f"{at}/{keyword}", "keyword", text)
    for keyword in _ROOT_ONLY:
        if at and keyword in schema:
            text = f"{keyword} at {at} is not supported below the root"
            yield KeywordFault(f"{at}/{keyword}", "keyword", text)
    yield from _of_format(at, schema.get("format", "regex"))
    for pointer, pattern in patterns(at, schema):
        if text := _of_pattern(at, pattern):
            yield KeywordFault(pointer, "pattern", text)


def patterns(at: str, schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """
    The regular expressions of a subschema, each with its pointer.
    """
    if isinstance(pattern := schema.get("pattern"), str):
        yield f"{at}/pattern", pattern
    for pattern in schema.get("patternProperties", ()):
        yield f"{at}/patternProperties/{escape(pattern)}", pattern


def _of_format(at: str, name: Any) -> Iterator[KeywordFault]:
    if isinstance(name, str) and name in formats.ASSERTED | formats.ANNOTATIONS:
        return
    close = difflib.get_close_matches(str(name)[:64], formats.ASSERTED, n=1)
    meant = f"; did you mean {close[0]!r}?" if close else ""
    yield KeywordFault(
        f"{at}/format",
        "format",
        f"the format {name!r:.60} at {at or 'the root'} is not known, and would assert"
        f" nothing{meant}",
    )


def _of_pattern(at: str, pattern: str) -> str:
    if len(pattern) > MAXIMUM_PATTERN:
        return f"a pattern has at most {MAXIMUM_PATTERN} characters, at {at}"
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as exc:
        return f"the pattern at {at or 'the root'} does not compile: {exc}"
    return ""
