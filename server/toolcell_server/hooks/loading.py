"""
Finds the operator's hooks when the server starts.

Theory of operation.  With a `path` the module is taken from that folder, and from nowhere else,
whatever else has its name; what it imports is found as ever, and in that folder last, so that a
file there can never stand for a part of Python.  One hook that cannot be had, and the server does
not start: whoever writes a veto counts on it.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_server.settings.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from toolcell_server.settings.middleware import HookSettings


def load(hook: HookSettings) -> Callable[..., Any]:
    """
    The function that a hook names; an instance, if it names a class.

    Raises:
        SettingsError: it cannot be imported, made, or called.
    """
    module_name, _, name = hook.where.partition(":")
    try:
        module = _module(module_name, hook.path)
        found = getattr(module, name)
        function = found() if isinstance(found, type) else found
    except Exception as exc:  # the operator's code may raise anything
        said = f"{type(exc).__name__}: {exc}"[:300].replace("\n", " ")
        raise _refused(hook, f"cannot be loaded ({said})") from exc
    except SystemExit as exc:
        raise _refused(hook, "ended the program when it was imported") from exc
    if not callable(function):
        raise _refused(hook, "cannot be called")
    return function  # type: ignore[no-any-return]  # callable


def _module(name: str, path: str) -> ModuleType:
    if not path:
        return importlib.import_module(name)
    if path not in sys.path:
        sys.path.append(path)
    spec = importlib.machinery.PathFinder.find_spec(name, [path])
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"no module {name} in {path}")
    if spec.origin and Path(spec.origin).stat().st_mode & stat.S_IWOTH:
        raise PermissionError(f"everybody can write {spec.origin}; take the right away")
    if known := sys.modules.get(name):
        if known.__spec__ is not None and known.__spec__.origin == spec.origin:
            return known  # two hooks of one module share what it keeps
        raise ImportError(f"another module is called {name}; rename the file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _refused(hook: HookSettings, what: str) -> SettingsError:
    remedy = "install it where this server's Python finds it, or correct it"
    return SettingsError(what, remedy, key="middleware.module", value=hook.where)
