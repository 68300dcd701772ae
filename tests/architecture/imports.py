"""
What the files of a tree import, read from their source without running it.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOT_ROOMS = {"tests", "build", "dist", "node_modules"}
GENERATED = ("_pb2.py", "_pb2_grpc.py")


@dataclass(frozen=True, slots=True)
class Import:
    """
    One imported thing, by its absolute dotted name; `from a import b` imports a.b.
    """

    name: str
    line: int
    at_runtime: bool  # False: only under TYPE_CHECKING


@dataclass(frozen=True, slots=True)
class Source:
    """
    One module of a room.
    """

    path: str  # from the root of the tree
    module: str
    tree: ast.Module
    imports: tuple[Import, ...]


def sources(root: Path) -> Iterator[Source]:
    """
    Every module that a person wrote, tests apart.  A room is a folder at the root.
    """
    for path in sorted(root.rglob("*.py")):
        room, *_ = path.relative_to(root).parts
        if not (room.startswith(".") or room in NOT_ROOMS or path.name.endswith(GENERATED)):
            yield _read(path, root)


def _read(path: Path, root: Path) -> Source:
    _room, *parts = path.relative_to(root).with_suffix("").parts
    package = tuple(parts[:-1])
    module = package if parts[-1] == "__init__" else parts
    tree = ast.parse(path.read_text())
    imports = tuple(_imports(tree, package, at_runtime=True))
    return Source(path.relative_to(root).as_posix(), ".".join(module), tree, imports)


def _imports(node: ast.AST, package: tuple[str, ...], *, at_runtime: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        for name in _names(child, package):
            yield Import(name, getattr(child, "lineno", 0), at_runtime)
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            for part in child.body:
                yield from _imports(ast.Module([part], []), package, at_runtime=False)
            for part in child.orelse:
                yield from _imports(ast.Module([part], []), package, at_runtime=at_runtime)
        else:
            yield from _imports(child, package, at_runtime=at_runtime)


def _names(node: ast.AST, package: tuple[str, ...]) -> Iterator[str]:
    match node:
        case ast.Import():
            yield from (alias.name for alias in node.names)
        case ast.ImportFrom():
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)
        case ast.Call(func=function, args=[ast.Constant(value=str(name)), *_]):
            called = ast.unparse(function).rpartition(".")[2]
            if called in {"import_module", "__import__"}:
                yield name
