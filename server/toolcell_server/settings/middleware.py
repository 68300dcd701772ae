"""
The list `[[middleware]]`: Python of the operator's own, hooked into calls.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.settings import checks, shapes
from toolcell_server.settings.errors import SettingsError
from toolcell_server.settings.selections import selectors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_server.rights.selectors import Selectors

PLACES: Final = ("before_admission", "after_admission", "before_execution", "after_execution")
_KEYS: Final = ("module", "path", "at", "tools", "order", "timeout_seconds")
_WHERE: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
_MOST: Final = 32  # each has a thread
_LONGEST_SECONDS: Final = 5.0  # of the 10 that an execution has to end once it was told to


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSettings:
    """
    `where` is `module:name`; with `path`, the module is in that folder and nowhere else.
    """

    where: str
    at: str
    tools: Selectors
    path: str = ""
    order: int = 0
    timeout_seconds: float = 0.5


def build(entries: Any) -> tuple[HookSettings, ...]:
    """
    The hooks, in the order in which calls meet them.

    Raises:
        SettingsError: one cannot be used; names key, value and remedy.
    """
    found = shapes.tables("middleware", entries, _KEYS)
    if len(found) > _MOST:
        raise SettingsError(f"are more than {_MOST}", "put some into one", key="middleware")
    hooks = [_one(key, entry) for key, entry in found]
    return tuple(sorted(hooks, key=lambda hook: hook.order))


def _one(key: str, entry: Mapping[str, Any]) -> HookSettings:
    where, path = entry.get("module", ""), entry.get("path", "")
    checks.text(f"{key}.module", where)
    if not _WHERE.fullmatch(where):
        remedy = 'write it as module = "my_hooks:before"'
        raise SettingsError("names no hook", remedy, key=f"{key}.module", value=where)
    checks.one_of(f"{key}.at", entry.get("at", ""), PLACES)
    if path != "":
        _check_folder(f"{key}.path", path)
        if "." in where:
            remedy = 'name a file of it, module = "my_hooks:before"; or install the package'
            raise SettingsError("is not in a folder", remedy, key=f"{key}.module", value=where)
    order, seconds = entry.get("order", 0), entry.get("timeout_seconds", 0.5)
    checks.number(f"{key}.order", order, -1_000_000, 1_000_000, whole=True)
    checks.number(f"{key}.timeout_seconds", seconds, 0.001, _LONGEST_SECONDS, whole=False)
    tools = selectors(f"{key}.tools", entry.get("tools", ["*"]))
    return HookSettings(
        where=where, at=entry["at"], tools=tools, path=path, order=order, timeout_seconds=seconds
    )


def _check_folder(key: str, path: str) -> None:
    """
    Whoever can write there is the server.
    """
    checks.directory(key, path)
    if Path(path).stat().st_mode & stat.S_IWOTH:
        remedy = "take the right away (chmod o-w), or use a folder of your own"
        raise SettingsError("can be written by everybody", remedy, key=key, value=path)
