"""
Says what in a tool's definition makes it hard to use by voice.  Pure.

Theory of operation.  A voice model chooses a tool by what the user says, fills its parameters from
speech, and reads the result aloud.  Each rule is a function from a tool to findings; a finding has
a code that does not change, a place, a sentence and a remedy.  Levels: "error", it will go
wrong by voice; "warning", it often does; "note", it could be better.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from toolcell_client.formats import OfferedTool

LEVELS = ("error", "warning", "note")
MOST_PARAMETERS = 200  # of one tool that are looked at


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing that is wrong.  `place` is a path in the definition: "description",
    "parameters.city".
    """

    tool: str
    code: str
    level: str
    place: str
    sentence: str
    remedy: str


def lint(tools: Iterable[OfferedTool]) -> list[Finding]:
    """
    All findings, by tool, the gravest first.
    """
    from toolcell_client.voice.lint_parameters import PARAMETER_RULES
    from toolcell_client.voice.lint_tools import TOOL_RULES

    found: list[Finding] = []
    for tool in tools:
        of_tool = [each for rule in TOOL_RULES for each in rule(tool)]
        for parameter in parameters(tool):
            of_tool += [each for rule in PARAMETER_RULES for each in rule(tool, parameter)]
        found += sorted(of_tool, key=lambda each: LEVELS.index(each.level))
    return found


@dataclass(frozen=True, slots=True)
class Parameter:
    """
    A parameter as a rule looks at it.
    """

    name: str
    schema: Mapping[str, Any]
    required: bool

    @property
    def place(self) -> str:
        return f"parameters.{self.name}"

    @property
    def text(self) -> str:
        return str(self.schema.get("description") or "")

    @property
    def types(self) -> tuple[str, ...]:
        """
        Its types, also those of alternatives.
        """
        named = self.schema.get("type", ())
        found = [named] if isinstance(named, str) else list(named)
        for each in self.schema.get("anyOf", ()):
            if isinstance(each, dict) and isinstance(each.get("type"), str):
                found.append(each["type"])
        return tuple(found)


def parameters(tool: OfferedTool) -> Iterator[Parameter]:
    """
    The parameters at the top of a tool's schema; a model by voice fills few others.
    """
    properties = tool.parameters.get("properties")
    required = tool.parameters.get("required")
    names = required if isinstance(required, list) else []
    if isinstance(properties, dict):
        for name, schema in list(properties.items())[:MOST_PARAMETERS]:
            yield Parameter(name, schema if isinstance(schema, dict) else {}, name in names)
