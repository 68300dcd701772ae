"""
Hooks for tests: real modules in a folder, loaded as an operator's are.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import textwrap
from typing import TYPE_CHECKING, Any

from toolcell_server.hooks.hooks import Hooks
from toolcell_server.settings import middleware

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PREAMBLE = "from toolcell_server.middleware import HookCall, HookResult, Veto\n"
_numbers = itertools.count(1)


def module(folder: Path, body: str) -> str:
    """
    Write a module; returns its name, which no other has.
    """
    name = f"hooks_of_test_{next(_numbers)}"
    (folder / f"{name}.py").write_text(PREAMBLE + textwrap.dedent(body))
    return name


def table(folder: Path, where: str, at: str, **fields: Any) -> dict[str, Any]:
    """
    One table of `[[middleware]]`.
    """
    return {"path": str(folder), "module": where, "at": at, **fields}


@contextlib.contextmanager
def hooks(folder: Path, body: str, *tables: tuple[str, str, dict[str, Any]]) -> Iterator[Hooks]:
    """
    The hooks of one module, loaded; each table is a name in it, a place, and further keys.
    """
    name = module(folder, body)
    given = [table(folder, f"{name}:{what}", at, **more) for what, at, more in tables]
    known, paths = set(sys.modules), list(sys.path)
    found = Hooks.of(middleware.build(given))
    try:
        found.load()
        yield found
    finally:
        found.close()
        sys.path[:] = paths
        for added in set(sys.modules) - known:
            if added.startswith("hooks_of_test"):
                del sys.modules[added]
