"""
Templates: JSON values with `{{expression}}` in their texts.  Pure.

Theory of operation.  A text that is one template and nothing else gives the value itself, whatever
its type; in any other text the values are put in as text: a text as it is, null as nothing, all
else as JSON.  A template ends at the first `}}` that is neither within quotes nor within braces of
the expression.  Two braces as such are written as a literal: `{{'{{'}}`.

Keys are never templates: which arguments a call has can be read in the definition.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.json_pointer import escape
from toolcell_server.workflows import expressions
from toolcell_server.workflows.expressions import Allowance, Expression
from toolcell_server.workflows.problems import NotFilled, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAXIMUM_BYTES: Final = 12 * 2**20  # of what is filled in; as much as any call's arguments
_QUOTES: Final = "'\"`"
_NODE_BYTES: Final = 8  # about what a part of a value costs beside its text


@dataclass(frozen=True, slots=True)
class Template:
    """
    A text with expressions in it.
    """

    parts: tuple[str | Expression, ...]

    def filled(self, values: Mapping[str, Any], allowance: Allowance) -> Any:
        """
        Raises:
            NotFilled: an expression cannot be evaluated.
        """
        first = self.parts[0]
        if len(self.parts) == 1 and isinstance(first, Expression):
            return expressions.evaluated(first, values, allowance)
        return "".join(
            part if isinstance(part, str) else _text(expressions.evaluated(part, values, allowance))
            for part in self.parts
        )


def parsed(value: Any, path: str, problems: list[Problem]) -> Any:
    """
    The value with a `Template` for each text that is one; what is wrong is added to `problems`.
    """
    if isinstance(value, str):
        return _of_text(value, path, problems)
    if isinstance(value, dict):
        return {key: parsed(each, f"{path}/{escape(key)}", problems) for key, each in value.items()}
    if isinstance(value, list):
        return [parsed(each, f"{path}/{index}", problems) for index, each in enumerate(value)]
    return value


def found(value: Any, path: str) -> Iterator[tuple[str, Expression]]:
    """
    Every expression in a parsed value, and where it is.
    """
    if isinstance(value, Template):
        for part in value.parts:
            if isinstance(part, Expression):
                yield path, part
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from found(each, f"{path}/{escape(key)}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from found(each, f"{path}/{index}")


def filled(value: Any, values: Mapping[str, Any]) -> Any:
    """
    A parsed value with its templates filled in.

    Raises:
        NotFilled: one of them cannot be evaluated, or they give too much.
    """
    return _Filling(values).of(value)


class _Filling:
    """
    Counts while it fills in, because what is filled in twice is counted once by memory alone.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self._left = MAXIMUM_BYTES
        self._allowance = Allowance()

    def of(self, value: Any) -> Any:
        if isinstance(value, Template):
            made = value.filled(self._values, self._allowance)
            self._count(made)
            return made
        if isinstance(value, dict):
            return {key: self.of(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.of(each) for each in value]
        return value

    def _count(self, made: Any) -> None:
        parts = [made]
        while parts:
            part = parts.pop()
            self._left -= _NODE_BYTES + (len(part) if isinstance(part, str) else 0)
            if isinstance(part, list):
                parts.extend(part)
            elif isinstance(part, dict):
                parts.extend([*part, *part.values()])
            if self._left < 0:
                raise NotFilled("TOO_LARGE", f"templates give more than {MAXIMUM_BYTES} bytes")


def _of_text(text: str, path: str, problems: list[Problem]) -> Any:
    if "{{" not in text:
        return text
    try:
        parts = tuple(_parts(text))
    except NotFilled as exc:
        problems.append(Problem(path, exc.code, exc.message))
        return text
    return Template(parts)


def _parts(text: str) -> Iterator[str | Expression]:
    position = 0
    while (start := text.find("{{", position)) >= 0:
        if start > position:
            yield text[position:start]
        end = _end(text, start + 2)
        yield expressions.parsed(text[start + 2 : end].strip())
        position = end + 2
    if position < len(text):
        yield text[position:]


def _end(text: str, start: int) -> int:
    """
    Where the `}}` of a template begins.
    """
    depth, quote, index = 0, "", start
    while index < len(text):
        character = text[index]
        if quote:
            index += character == "\\"  # and what it escapes
            quote = "" if character == quote else quote
        elif character in _QUOTES:
            quote = character
        elif character == "}" and not depth and text.startswith("}}", index):
            return index
        else:
            depth += (character == "{") - (character == "}")
        index += 1
    raise NotFilled("TEMPLATE_MALFORMED", "a {{ has no }}")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
