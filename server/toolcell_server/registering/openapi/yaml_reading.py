"""
YAML as far as it is JSON: what a document means is the same in both.

Theory of operation.  The parser's events are read one by one, so that a hostile document costs no
more memory than it may have values: a composed tree takes a thousand bytes for each, and an alias
that stands for what is still being read, or for what is large, would make a small text endless.
Nothing is constructed: a tag is refused.  Plain texts are what the JSON schema of YAML 1.2 makes of
them, so `no`, `2024-01-01` and `0o17` are texts, as in JSON; a key is a text always (`200:`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORDS: Final = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,30})")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,30})\.[0-9]{1,30}(?:[eE][+-]?[0-9]{1,2})?")
_QUOTED: Final = ("'", '"', "|", ">")
# The C parser is ten times as fast; a build of PyYAML without it reads the same.
_LOADER: Final[Any] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def read(data: bytes, maximum_nodes: int, maximum_depth: int) -> Any:
    """
    The value of the one document in `data`.

    Raises:
        ValueError: it is not YAML, not what JSON could say, or more than it may be.
    """
    try:
        text = data.decode("utf-8")
        events = iter(yaml.parse(text, Loader=_LOADER))
        reading = _Reading(events, maximum_nodes, maximum_depth)
        return reading.document()
    except UnicodeDecodeError as exc:
        raise ValueError(f"not UTF-8 at byte {exc.start}; encode it as UTF-8") from None
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(exc, "problem", None) or str(exc)
        raise ValueError(f"not YAML{where}: {problem!s:.200}") from None


@dataclass(slots=True)
class _Reading:
    events: Iterator[Any]
    left: int
    depth: int
    # Values by anchor, and how many nodes each has.
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)

    def document(self) -> Any:
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                break
        else:
            raise ValueError("it is empty")
        value = self._value(next(self.events), self.depth)
        next(self.events)  # the end of the document
        if not isinstance(next(self.events), yaml.StreamEndEvent):
            raise ValueError("it holds several documents; send one")  # noqa: TRY004
        return value

    def _value(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._anchored(event)
        self._spend(1)
        before = self.left
        if depth == 0:
            raise ValueError(f"nested deeper than {self.depth} levels; write it flatter")
        if event.tag not in (None, "!"):
            raise ValueError(f"the tag {event.tag!r:.60} is not read; leave it out")
        if isinstance(event, yaml.ScalarEvent):
            value: Any = event.value if event.style in _QUOTED else _plain(event.value)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = list(self._items(depth))
        else:
            value = self._mapping(depth)
        if event.anchor:
            self.anchors[event.anchor] = value, 1 + before - self.left
        return value

    def _items(self, depth: int) -> Iterator[Any]:
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            yield self._value(event, depth - 1)

    def _mapping(self, depth: int) -> dict[str, Any]:
        value: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise ValueError("a key is no text; write it as one")  # noqa: TRY004  # one kind
            if event.value in value:
                raise ValueError(f"the key {event.value!r:.64} is there twice; write it once")
            value[event.value] = self._value(next(self.events), depth - 1)
        return value

    def _anchored(self, event: Any) -> Any:
        if event.anchor not in self.anchors:
            raise ValueError(f"the alias *{event.anchor:.40} stands for itself, or for nothing")
        value, nodes = self.anchors[event.anchor]
        self._spend(nodes)
        return value

    def _spend(self, nodes: int) -> None:
        self.left -= nodes
        if self.left < 0:
            raise ValueError("it has more values than are read; cut out what is not needed")


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
