"""
Which tools a module declares: functions that `@tool` has marked, and plain callables that carry a
definition.  Its own only, not those that it imports.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_worker import plain_callable
from toolcell_worker.authoring import definition_of
from toolcell_worker.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

    from toolcell_worker.definition import LoadedTool


def by_module(
    module: ModuleType, options: Mapping[str, Any], *, beneath: bool = False
) -> Iterator[LoadedTool | DefinitionError]:
    """
    The tools of a module, or what is wrong with one of them; with `beneath` also those of modules
    in it, which a package shows as its own.
    """
    seen: list[Any] = []
    for value in list(vars(module).values()):
        if any(value is known for known in seen):
            continue
        home = plain_callable.home(value)
        own = home == module.__name__ or (beneath and home.startswith(f"{module.__name__}."))
        if own and (found := by_value(value, options, module)) is not None:
            seen.append(value)
            yield found


def by_value(
    value: Any, options: Mapping[str, Any], module: ModuleType
) -> LoadedTool | DefinitionError | None:
    """
    The tool that one object of a module is, if it is one that the options let in.
    """
    definition = definition_of(value)
    if definition is not None:
        wanted = not definition.option or options.get(definition.option) is True
        return definition if wanted else None
    declared = plain_callable.carried_by(value)
    if declared is None:
        return None
    try:
        return plain_callable.of(value, declared, str(Path(module.__file__ or "").parent))
    except DefinitionError as exc:
        return exc
