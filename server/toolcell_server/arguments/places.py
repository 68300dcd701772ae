"""
Places in arguments, as manifests and settings name them: JSON pointers (RFC 6901) in which `*`
stands for every item of a list and every property of an object.  Pure.

Where something was found is kept as a trail, the step and the trail to what it is in, and becomes a
pointer for what is told of alone: the pointers of all parts together are as long as the keys times
the parts below them, a product that a caller chooses.

"/query" is one argument, "/filters/*/value" a part of each filter, "" all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from toolcell_server.json_pointer import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

EVERY: Final = "*"
_MOST_STEPS: Final = 16
_LONGEST: Final = 256  # characters of a pointer that is shown

Trail: TypeAlias = "tuple[Trail, str | int] | None"


@dataclass(frozen=True, slots=True)
class Place:
    """
    The steps to it.
    """

    steps: tuple[str, ...]

    @property
    def text(self) -> str:
        return "".join(f"/{escape(step)}" for step in self.steps)

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Raises:
            ValueError: it is no pointer; the text says how one is written.
        """
        first, *steps = text.split("/")
        if first or len(steps) > _MOST_STEPS:
            raise ValueError(f'{text!r:.80} is no place; write it as "/name", "/list/*/name" or ""')
        return cls(tuple(step.replace("~1", "/").replace("~0", "~") for step in steps))

    def check(self, parameters: Mapping[str, Any]) -> None:
        """
        Raises:
            ValueError: the first step names no parameter.
        """
        known = parameters.get("properties", {})
        open_ = "patternProperties" in parameters or parameters.get("additionalProperties")
        if self.steps and self.steps[0] not in (EVERY, *known) and not open_:
            raise ValueError(f"/{escape(self.steps[0]):.80} names no parameter of this tool")

    def found(self, value: Any) -> Iterator[tuple[Trail, Any]]:
        """
        Trail and value of everything that stands there.
        """
        yield from _found(value, self.steps, None)

    def change(self, value: Any, function: Callable[[str], str]) -> bool:
        """
        Put the function of a text in the place of each text that stands there; whether any was
        changed.
        """
        return bool(self.steps) and _change(value, self.steps, function)


def texts(value: Any, trail: Trail) -> Iterator[tuple[Trail, str]]:
    """
    Each text at or below a place, and its trail; keys are texts too, of the objects they are in.
    """
    match value:
        case str():
            yield trail, value
        case dict():
            for key, part in value.items():
                yield trail, key
                yield from texts(part, (trail, key))
        case list():
            for index, part in enumerate(value):
                yield from texts(part, (trail, index))


def pointer_of(trail: Trail) -> str:
    """
    The pointer of a trail, cut short: it is for people.
    """
    parts: list[str] = []
    while trail is not None:
        trail, step = trail
        parts.append(f"/{escape(str(step)[:_LONGEST])}")
    return "".join(reversed(parts))[:_LONGEST]


def _parts(value: Any, step: str) -> Iterator[Any]:
    """
    The keys or indices that a step leads to.
    """
    match value:
        case dict():
            yield from (list(value) if step == EVERY else [step] if step in value else [])
        case list() if step == EVERY:
            yield from range(len(value))
        case list() if step.isdecimal() and step.isascii() and len(step) < 8:
            yield from [int(step)] if int(step) < len(value) else []


def _found(value: Any, steps: tuple[str, ...], trail: Trail) -> Iterator[tuple[Trail, Any]]:
    if not steps:
        yield trail, value
        return
    for part in _parts(value, steps[0]):
        yield from _found(value[part], steps[1:], (trail, part))


def _change(value: Any, steps: tuple[str, ...], function: Callable[[str], str]) -> bool:
    changed = False
    for part in _parts(value, steps[0]):
        old = value[part]
        if len(steps) > 1:
            changed |= _change(old, steps[1:], function)
        elif isinstance(old, str) and (new := function(old)) != old:
            value[part] = new
            changed = True
    return changed
