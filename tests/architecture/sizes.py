"""
How long files and functions may be, and what their text may not name.
"""

from __future__ import annotations

import ast
import os
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from architecture.imports import Source, sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILE_LINES = 250
FUNCTION_LINES = 40

# What is longer, and why that reads better.  An entry that is no longer needed is a complaint.
LONGER: dict[str, str] = {}

# Places that exist on one machine only.
ONE_MACHINE = re.compile(r"(?<![\w.])/(?:home/[a-z]\w*|Users/\w+|root/\.?\w+|work)/[\w.-]+")
TEXTS = ("*.py", "*.pyi", "*.proto", "*.toml", "*.md", "*.js", "*.json", "Makefile", "Dockerfile")
UNREAD = {".git", ".venv", ".cache", "node_modules"}


def too_long(root: Path, longer: Mapping[str, str] = LONGER) -> list[str]:
    """
    Complaints about files and functions above the ceilings, and about needless exceptions.
    """
    found = {name: lines for source in sources(root) for name, lines in _measured(source, root)}
    complaints = [f"{name}: {lines} lines" for name, lines in found.items() if name not in longer]
    return complaints + [f"{name}: is short enough" for name in longer if name not in found]


def _measured(source: Source, root: Path) -> Iterator[tuple[str, int]]:
    lines = len((root / source.path).read_text().splitlines())
    if lines > FILE_LINES:
        yield source.path, lines
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = _body_lines(node)
            if lines > FUNCTION_LINES:
                yield f"{source.path}:{node.name}", lines


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """
    Lines of a function's body without its docstring, which may be as long as it helps.
    """
    first = node.body[1 if ast.get_docstring(node) and len(node.body) > 1 else 0]
    return (node.end_lineno or first.lineno) - first.lineno + 1


def of_one_machine(root: Path) -> list[str]:
    """
    Places in the tree's own text that exist on one machine only, this checkout among them.
    """
    return [
        f"{path.relative_to(root)}:{number}: {line.strip()}"
        for path in _texts(root)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if ONE_MACHINE.search(line) or str(root) in line
    ]


def _texts(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - UNREAD)
        for name in sorted(names):
            if any(fnmatch(name, pattern) for pattern in TEXTS) or folder.endswith("/.ci"):
                yield Path(folder, name)
