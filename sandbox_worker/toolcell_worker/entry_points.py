"""
The tools of installed packages: entry points of the group `toolcell.tools`, as a package declares
them,

    [project.entry-points."toolcell.tools"]
    search = "acme_search.tools"            # a module: every tool that is its own
    fetch = "acme_search.fetching:fetch"    # one tool

and as the operator has allowed them, by entry point, by distribution, or both.  Nothing else is
imported: a package that comes with another one's dependencies gives nobody a tool.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

from toolcell_worker import modules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

GROUP = "toolcell.tools"


@dataclass(frozen=True, slots=True)
class Allowed:
    """
    Entry points by their names, and distributions by theirs; nothing: whichever there are.
    """

    names: tuple[str, ...] = ()
    distributions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Allowed:
        """
        What START carries of it.
        """
        return cls(
            tuple(map(str, value.get("names", ()))),
            tuple(map(normalized, value.get("distributions", ()))),
        )

    def allows(self, point: metadata.EntryPoint) -> bool:
        """
        Whether an entry point may be imported.
        """
        home = normalized(point.dist.name) if point.dist is not None else ""
        return (not self.names or point.name in self.names) and (
            not self.distributions or home in self.distributions
        )


def found(allowed: Allowed) -> list[metadata.EntryPoint]:
    """
    The entry points that are installed and allowed, in order of their names.
    """
    points = metadata.entry_points(group=GROUP)
    return sorted(filter(allowed.allows, points), key=lambda point: (point.name, point.value))


def missing(allowed: Allowed, points: list[metadata.EntryPoint]) -> Iterator[tuple[str, str]]:
    """
    What the operator named and nothing is there of: its name, and a sentence.
    """
    known = {point.name for point in points}
    for name in allowed.names:
        if name not in known:
            yield name, f"no allowed package has an entry point {name!r} of the group {GROUP}"
    homes = {normalized(point.dist.name) for point in points if point.dist is not None}
    for name in allowed.distributions:
        if name not in homes:
            yield name, f"{name} is not installed, or has no entry point of the group {GROUP}"


def load(point: metadata.EntryPoint) -> tuple[ModuleType, Any]:
    """
    The module of an entry point, and the object in it that it names; none: it names the module.

    Raises:
        NotLoaded: it cannot be imported.
    """
    module = modules.load_module(point.module)
    if not point.attr:
        return module, None
    value: Any = module
    for name in point.attr.split("."):
        value = getattr(value, name, None)
        if value is None:
            raise modules.NotLoaded(f"{point.value}: the module has no {point.attr}", point.name)
    return module, value


def normalized(name: str) -> str:
    """
    A distribution's name as all of its spellings are compared (PEP 503).
    """
    return re.sub(r"[-_.]+", "-", str(name)).lower()
