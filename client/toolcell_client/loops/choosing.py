"""
Which of the tools that a server lists are offered to a model.  Pure.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from toolcell.v1 import registry_pb2

from toolcell_client.formats.offered import OfferedTool
from toolcell_client.plain import short_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CLOSE_MATCHES = 3  # arbitrary; what a person looks through at a glance


class NoSuchTools(ValueError):  # noqa: N818  # names what happened
    """
    Raised when tools are asked for by names that cannot be offered; the text says why of each.
    """


class Listed:
    """
    Takes what a server lists, by name and newest version first.  `newest` has of each tool the
    newest version that can be called and is not deprecated, by name.
    """

    def __init__(self) -> None:
        self.newest: dict[str, registry_pb2.Tool] = {}
        self._others: dict[str, str] = {}

    def add(self, tool: registry_pb2.Tool) -> None:
        if tool.name in self.newest:
            return
        if tool.state != registry_pb2.TOOL_STATE_AVAILABLE:
            self._others.setdefault(tool.name, short_name(registry_pb2.ToolState, tool.state))
        elif tool.deprecated:
            self._others.setdefault(tool.name, "deprecated")
        else:
            self.newest[tool.name] = tool

    def chosen(
        self, names: Sequence[str], extra: Iterable[OfferedTool] = ()
    ) -> tuple[OfferedTool, ...]:
        """
        Those of that name, in the order of the names, or all if none is named; `extra` come last.

        Raises:
            NoSuchTools: a name is not among them; or an extra tool has the name of another.
            TypeError: something is no name, as a list of names.
        """
        _check_names(names)
        if missing := self.missing(names):
            raise NoSuchTools("; ".join(missing))
        wanted = dict.fromkeys(names) or self.newest
        offered = [OfferedTool.of(self.newest[each]) for each in wanted]
        for each in extra:
            if any(each.name == other.name for other in offered):
                raise NoSuchTools(f"two tools are called {each.name!r}; give one another name")
            offered.append(each)
        return tuple(offered)

    def missing(self, names: Iterable[str]) -> list[str]:
        """
        Why some of these names cannot be offered, a sentence for each.
        """
        return [self._missing(each) for each in dict.fromkeys(names) if each not in self.newest]

    def _missing(self, name: str) -> str:
        if name in self._others:
            return f"the tool {name!r} cannot be offered: it is {self._others[name]}"
        close = difflib.get_close_matches(name, self.newest, CLOSE_MATCHES)
        if close:
            return f"no tool is called {name!r}; close: {', '.join(close)}"
        return f"no tool is called {name!r}, or none that this principal may see"


def _check_names(names: Sequence[object]) -> None:
    for each in names:
        if not isinstance(each, str):
            kind = type(each).__name__
            raise TypeError(f"tools are named by texts; this is a {kind}: use *names for a list")
