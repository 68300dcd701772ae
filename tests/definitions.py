"""
Reads the table of definitions, `definitions.jsonl`: one a line, what it is, and its faults.

Each is a good definition `with` some keys and `without` others, or `is` something else.  What
would be too long to read stands for itself: `{"$text": ["d", 1001]}` is a text of 1,001 letters.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GOOD: dict[str, Any] = {
    "name": "read_notes",
    "version": "1",
    "description": "Reads the notes in a file.",
    "parameters": {"type": "object", "properties": {"path": {"type": "string"}}},
}


@dataclass(frozen=True, slots=True)
class Case:
    """
    A definition and its faults: codes by path; the path "*" is any.
    """

    it: str
    definition: Any
    faults: dict[str, str]


def cases() -> list[Case]:
    lines = Path(__file__).with_name("definitions.jsonl").read_text("utf-8").splitlines()
    return [_case(json.loads(line)) for line in lines]


def _case(line: dict[str, Any]) -> Case:
    definition = line.get("is", _changed(line))
    return Case(line["it"], _written_out(definition), line.get("faults", {}))


def _changed(line: dict[str, Any]) -> dict[str, Any]:
    definition = GOOD | line.get("with", {})
    return {key: value for key, value in definition.items() if key not in line.get("without", ())}


def _written_out(value: Any) -> Any:
    match value:
        case {"$text": [text, times]}:
            return text * times
        case {"$many": [each, times]}:
            return [each] * times
        case {"$nested": depth}:
            return _nested(depth)
        case {"$wide": count}:
            return {"type": "object", "properties": {f"p{n}": {} for n in range(count)}}
        case {"$doubling": times}:
            return _doubling(times)
        case {"$nan": _}:
            return float("nan")
        case dict():
            return {key: _written_out(part) for key, part in value.items()}
        case list():
            return [_written_out(part) for part in value]
    return value


def _nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


def _doubling(times: int) -> dict[str, Any]:
    """
    A few hundred bytes whose references, followed, are two to the power of `times` schemas.
    """
    steps = {
        f"s{n}": {"allOf": [{"$ref": f"#/$defs/s{n + 1}"}, {"$ref": f"#/$defs/s{n + 1}"}]}
        for n in range(times)
    }
    first = {"$ref": "#/$defs/s0"}
    return {
        "type": "object",
        "properties": {"a": first},
        "$defs": {**steps, f"s{times}": {"type": "string"}},
    }
