"""
Loads code that was uploaded, inside the cell of one call.

Theory of operation.  Every wall is up.  Whatever the code does when it is imported (patch json,
replace builtins, take over our classes) it does to this process, which serves this call and dies.
So nothing here protects anything; what is checked is checked for the sake of honest mistakes, and
the server believes nothing of what comes out.

The code's folder comes after the standard library and before what else is installed: a module
named like one of the library is not found, and dependencies that lie in the archive are used in
place of whatever the service has.  No `.pth` file and no `sitecustomize` of it is ever looked at:
both are for the start of an interpreter, which was long ago.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from toolcell_worker import declared, entry_points, plain_callable
from toolcell_worker.errors import DefinitionError, ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from toolcell_worker.context import Context
    from toolcell_worker.definition import LoadedTool

# Modules that are for other programs: to import them helps nobody.
FOREIGN = ("conftest", "setup", "sitecustomize", "usercustomize")
MAXIMUM_MODULES = 200
DECLARES = re.compile(rb"@tool\b|\btool_definition\b|\btoolcell_worker\b")


class Source(msgspec.Struct, kw_only=True):
    """
    Code in `folder`, and which callable of it, `module:name`; empty: whatever it declares.
    """

    folder: str
    entry: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """
    A tool that the code declares, and how it is named from outside.
    """

    entry: str
    tool: LoadedTool


def open_folder(folder: str) -> None:
    """
    Let imports find the code.

    Raises:
        ToolError: it is not there.
    """
    if not Path(folder).is_dir():
        raise ToolError("the code of this tool is not there; upload it again", code="CODE_MISSING")
    library = Path(os.__file__).parent
    after = [n for n, path in enumerate(sys.path) if library in (Path(path), Path(path).parent)]
    # Packages that are installed lie below the library as well.
    inside = [n for n in after if not sys.path[n].endswith(("site-packages", "dist-packages"))]
    sys.path.insert(max(inside, default=-1) + 1, folder)
    importlib.invalidate_caches()


def call(source: Source, arguments: dict[str, Any], context: Context) -> Any:
    """
    Call the tool, or the plain function, that an entry names.

    Raises:
        ToolError: there is none.
    """
    open_folder(source.folder)
    module_name, _, name = source.entry.partition(":")
    module = _import(module_name, source.folder)
    value = _attribute(module, name)
    tool = declared.by_value(value, {}, module)
    if tool is None:
        return value(**arguments)
    if isinstance(tool, DefinitionError):
        raise ToolError(str(tool), code="CODE_INVALID")
    return tool.call(arguments, context)


def tools(source: Source) -> Iterator[Found | tuple[str, str]]:
    """
    What the code declares, or of a file why it declares nothing.
    """
    open_folder(source.folder)
    if source.entry:
        yield _named(source.entry, source.folder)
        return
    entries = list(_entries(source.folder))
    if entries:
        for entry in entries:
            found = _of(entry, source.folder)
            yield from [found] if isinstance(found, tuple | Found) else found
        return
    for number, name in enumerate(_modules(Path(source.folder))):
        if number >= MAXIMUM_MODULES:
            yield (
                "",
                f"it has more than {MAXIMUM_MODULES} modules; name those with tools as entries",
            )
            return
        yield from _in_module(name, source.folder)


def _entries(folder: str) -> Iterator[str]:
    """
    The entry points `toolcell.tools` of a wheel.
    """
    for distribution in metadata.distributions(path=[folder]):
        for point in distribution.entry_points:
            if point.group == entry_points.GROUP:
                yield point.value


def _of(entry: str, folder: str) -> Any:
    return _named(entry, folder) if ":" in entry else list(_in_module(entry, folder))


def _modules(folder: Path) -> Iterator[str]:
    """
    The modules of a folder that may hold tools.  The dependencies that lie beside them are most of
    its files; to import each would take long, and not all can be.
    """
    for path in sorted(folder.rglob("*.py")):
        if not DECLARES.search(path.read_bytes()):
            continue
        parts = path.relative_to(folder).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        named = all(part.isidentifier() and not part.startswith("_") for part in parts)
        if parts and named and parts[0] not in FOREIGN and "tests" not in parts:
            yield ".".join(parts)


def _in_module(name: str, folder: str) -> Iterator[Found | tuple[str, str]]:
    try:
        module = _import(name, folder)
    except ToolError as exc:
        yield name, str(exc)
        return
    seen: list[Any] = []
    for attribute, value in list(vars(module).items()):
        if plain_callable.home(value) != name or any(value is known for known in seen):
            continue
        tool = declared.by_value(value, {}, module)
        if isinstance(tool, DefinitionError):
            yield name, str(tool)
        elif tool is not None:
            seen.append(value)
            yield Found(f"{name}:{attribute}", tool)


def _named(entry: str, folder: str) -> Found | tuple[str, str]:
    module_name, _, name = entry.partition(":")
    try:
        module = _import(module_name, folder)
        value = _attribute(module, name)
    except ToolError as exc:
        return entry, str(exc)
    tool = declared.by_value(value, {}, module)
    if tool is None:
        return entry, (
            f"{entry} is no tool: it has neither @tool nor a tool_definition;"
            " declare it, or send its manifest along (--manifest)"
        )
    return (entry, str(tool)) if isinstance(tool, DefinitionError) else Found(entry, tool)


def _import(name: str, folder: str) -> ModuleType:
    try:
        module = importlib.import_module(name)
    except BaseException as exc:
        if isinstance(exc, MemoryError):
            raise
        raise ToolError(
            f"{name} cannot be imported: {type(exc).__name__}: {exc}", code="CODE_NOT_LOADED"
        ) from exc
    places = (module.__file__ or "", *getattr(module, "__path__", ()))
    if not any(place.startswith(f"{folder}/") for place in places):
        raise ToolError(
            f"{name} is a module of the library or of the service; rename it", code="CODE_SHADOWED"
        )
    return module


def _attribute(module: ModuleType, name: str) -> Any:
    value: Any = module
    for part in name.split("."):
        value = getattr(value, part, None)
    if not callable(value):
        raise ToolError(
            f"{module.__name__} has no {name!r} that can be called", code="CODE_INVALID"
        )
    return value
