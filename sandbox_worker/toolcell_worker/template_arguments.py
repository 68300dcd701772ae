"""
Arguments of a call put into the argument list of a command, without a shell.

Each element of the list stays one argument whatever the value holds: nothing is ever split again,
so neither spaces nor quotes nor `;` mean anything.  What a value can still do is look like an
option: write `--` before it, or `--path={path}`.
"""

from __future__ import annotations

import json
import re
from typing import Any

from toolcell_worker.errors import ArgumentsInvalid

PART = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")
BRACES = {"{{": "{", "}}": "}"}


def fill(templates: list[str], arguments: dict[str, Any]) -> list[str]:
    """
    The templates with `{name}` replaced by the argument of that name.  An element that is nothing
    but one placeholder becomes one argument for each value of a list.  An element that names an
    absent argument is left out.

    Raises:
        ArgumentsInvalid: a value holds a NUL byte, which no argument of a program can.
    """
    filled = []
    for template in templates:
        whole = PART.fullmatch(template)
        value = arguments.get(whole[1]) if whole and whole[1] else None
        if isinstance(value, list):
            filled += [text_of(item) for item in value]
        elif all(arguments.get(name) is not None for name in names(template)):
            filled.append(fill_text(template, arguments))
    for argument in filled:
        if "\0" in argument:
            raise ArgumentsInvalid("an argument holds a NUL byte, which a command cannot be given")
    return filled


def fill_text(template: str, arguments: dict[str, Any]) -> str:
    """
    One template, filled; `{{` and `}}` stand for braces.
    """
    return PART.sub(lambda m: BRACES.get(m[0]) or text_of(arguments.get(m[1])), template)


def names(template: str) -> list[str]:
    """
    The arguments that a template names.
    """
    return [match[1] for match in PART.finditer(template) if match[1]]


def text_of(value: Any) -> str:
    """
    A JSON value as a command is given it: texts as they are, absent as nothing, others as JSON.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
