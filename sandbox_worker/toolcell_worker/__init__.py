"""
Tools and the cells that they run in.  Writing a tool needs this module only:

    from toolcell_worker import Context, tool

    @tool(effects="read_only")
    def greet(name: str, context: Context) -> str:
        '''Greets somebody.'''
        context.progress(0.5, "thinking of a greeting")
        return f"Hello, {name}"

The names are looked up when they are first used: the walls import this package too, and must not
load what only tools need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolcell_worker.authoring import tool as tool
    from toolcell_worker.context import Context as Context
    from toolcell_worker.errors import DefinitionError as DefinitionError
    from toolcell_worker.errors import ToolError as ToolError
    from toolcell_worker.paths import reads as reads
    from toolcell_worker.paths import stages as stages
    from toolcell_worker.paths import writes as writes

_HOMES = {
    "Context": "context",
    "DefinitionError": "errors",
    "ToolError": "errors",
    "reads": "paths",
    "stages": "paths",
    "tool": "authoring",
    "writes": "paths",
}
_NEEDED = ("docstring_parser", "msgspec")


def __getattr__(name: str) -> Any:
    """
    Import the home of a public name when it is first used.

    Raises:
        ImportError: what it needs is not installed; says how to install it.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # part of the reason why nothing is imported above

    try:
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as exc:
        if exc.name not in _NEEDED:
            raise
        said = f"{exc.name} is not installed; tools need it: pip install 'toolcell[tools]'"
        raise ImportError(said, name=exc.name) from None
    globals()[name] = value
    return value
