"""
A bundle: the tools of one folder or one package, and what is wrong with the rest.

A folder's `*.py` files (not those that begin with an underscore) are imported each on its own;
`*.toml` files in it and in its folder `commands` are command tools.  A package is walked the same
way; of installed packages, the entry points that the operator allows are imported.  Whatever does
not load is listed as broken with one sentence, and the others load.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_worker import declared, entry_points, modules
from toolcell_worker.errors import DefinitionError
from toolcell_worker.modules import NotLoaded

if TYPE_CHECKING:
    from types import ModuleType

    from toolcell_worker.definition import LoadedTool

# Settings of other programs that lie in many a folder of Python files.
FOREIGN = frozenset({"pdm.toml", "poetry.toml", "pyproject.toml", "ruff.toml", "uv.toml"})


@dataclass(frozen=True, slots=True)
class BundleSpec:
    """
    Which bundle: a folder (`path`), an importable `package`, or the `allowed` entry points of
    installed ones.  `options` switch on tools that are not loaded without them.
    """

    name: str
    path: str = ""
    package: str = ""
    allowed: entry_points.Allowed | None = None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Catalogue:
    """
    What a bundle holds: tools by name and version, and entries {"name", "file", "reason"} for
    what does not load.
    """

    tools: dict[tuple[str, str], LoadedTool] = field(default_factory=dict)
    broken: list[dict[str, str]] = field(default_factory=list)
    files: dict[tuple[str, str], str] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """
        The catalogue as CATALOGUE carries it; `files` are those of the tools, in their order.
        """
        return {
            "tools": [tool.manifest for tool in self.tools.values()],
            "files": [self.files[key] for key in self.tools],
            "broken": self.broken,
        }

    def add(self, tool: LoadedTool, file: str) -> None:
        """
        Take a tool in; one whose name and version are taken is broken.
        """
        key = (tool.manifest["name"], tool.manifest["version"])
        if key in self.tools:
            reason = (
                f"{file}: {key[0]!r} version {key[1]!r} is defined in {self.files[key]} already"
            )
            self.add_broken(key[0], file, reason)
            return
        self.tools[key] = tool
        self.files[key] = file

    def add_broken(self, name: str, file: str, reason: str) -> None:
        """
        Note what does not load.
        """
        self.broken.append({"name": name, "file": file, "reason": reason})


def load(spec: BundleSpec) -> Catalogue:
    """
    Load everything that loads.  Never raises for what a bundle contains.
    """
    catalogue = Catalogue()
    if spec.path:
        _load_folder(Path(spec.path), spec, catalogue)
    if spec.package:
        _load_package(spec, catalogue)
    if spec.allowed is not None:
        _load_entry_points(spec.allowed, spec, catalogue)
    return catalogue


def _load_folder(folder: Path, spec: BundleSpec, catalogue: Catalogue) -> None:
    if not folder.is_dir():
        catalogue.add_broken(spec.name, str(folder), f"the folder {folder} is not there")
        return
    # Last, so that no file of the bundle hides a module of the library.
    sys.path.append(str(folder))
    for path in modules.in_folder(folder):
        try:
            _take(modules.load_file(path, spec.name), path.name, spec, catalogue)
        except NotLoaded as exc:
            catalogue.add_broken(exc.tool or path.stem, path.name, _reason(exc, path.name))
    _load_commands(folder, catalogue)


def _load_package(spec: BundleSpec, catalogue: Catalogue) -> None:
    try:
        package = modules.load_module(spec.package)
    except NotLoaded as exc:
        catalogue.add_broken(exc.tool or spec.package, spec.package, _reason(exc, spec.package))
        return
    for name in modules.in_package(package):
        try:
            _take(modules.load_module(name), name, spec, catalogue)
        except NotLoaded as exc:
            catalogue.add_broken(exc.tool or name.rpartition(".")[2], name, _reason(exc, name))
    for folder in getattr(package, "__path__", ()):
        _load_commands(Path(folder), catalogue)


def _reason(exc: NotLoaded, file: str) -> str:
    """
    Why; and that the other tools of the file, which are listed nowhere, are not loaded either.
    """
    return f"{exc.reason}; nothing else of {file} is loaded" if exc.tool else exc.reason


def _load_entry_points(allowed: entry_points.Allowed, spec: BundleSpec, into: Catalogue) -> None:
    points = entry_points.found(allowed)
    for name, reason in entry_points.missing(allowed, points):
        into.add_broken(name, "", reason)
    for point in points:
        try:
            module, value = entry_points.load(point)
        except NotLoaded as exc:
            into.add_broken(exc.tool or point.name, point.value, _reason(exc, point.value))
            continue
        if value is None:
            _take(module, point.value, spec, into, beneath=True)
        elif (found := declared.by_value(value, spec.options, module)) is None:
            reason = f"{point.value} is no tool: it has neither @tool nor a tool_definition"
            into.add_broken(point.name, point.value, reason)
        else:
            _take_one(found, point.value, into)


def _take(
    module: ModuleType, file: str, spec: BundleSpec, into: Catalogue, *, beneath: bool = False
) -> None:
    """
    Take in the tools that a module declares.
    """
    for found in declared.by_module(module, spec.options, beneath=beneath):
        _take_one(found, file, into)


def _take_one(found: LoadedTool | DefinitionError, file: str, into: Catalogue) -> None:
    if isinstance(found, DefinitionError):
        into.add_broken(found.tool or file, file, str(found))
    else:
        into.add(found, file)


def _load_commands(folder: Path, catalogue: Catalogue) -> None:
    for path in sorted([*folder.glob("*.toml"), *folder.glob("commands/*.toml")]):
        if path.name in FOREIGN:
            continue
        file = str(path.relative_to(folder))
        try:
            # What it needs is a fifth of the memory that each fork of a zygote copies tables of.
            from toolcell_worker import command_manifest

            catalogue.add(command_manifest.load(path), file)
        except DefinitionError as exc:
            catalogue.add_broken(exc.tool or path.stem, file, str(exc))
