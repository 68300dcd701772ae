"""
Which tools outlive the reload of their bundle.  Pure.

Theory of operation.  A broken file must never take down a good version.  There were two ways.  To
refuse the reload as a whole is the simplest, but then one file's typing error keeps every other
tool of the bundle as it was, for as long as it takes to find it.  So the reload goes through file
by file: what loads is served as it is now; a tool whose file no longer loads, or whose manifest is
no longer valid, is served on by the generation that has it (its zygote has the code in its memory),
and says in `reload_error` why.  A tool whose file is gone, or loads and no longer declares it, was
taken away on purpose, and goes.

What this cannot promise: a generation is memory.  If its zygote dies or the server restarts, the
version that it kept is gone, because its source is; the tool is broken then, as it would have been
at a start.  A tool that imports further files of its folder while it runs finds them as they are
now.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from toolcell.v1 import registry_pb2

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from toolcell_server.tool import Tool


class Loaded(NamedTuple):
    """
    Which generation of a bundle has loaded it, and which of those before it can still serve.
    """

    generation: int = 0
    living: frozenset[int] = frozenset()


ONCE: Final = Loaded()  # where nothing is loaded again


def merged(
    had: Sequence[Tool], found: Sequence[Tool], living: Collection[int], failed: str = ""
) -> list[Tool]:
    """
    The tools of a bundle after it was loaded again: those that were `found`, and of those that it
    `had` the ones that outlive, served by one of the `living` generations.  `failed` is why nothing
    of it could be loaded: then all that it had keep their names.
    """
    if failed:
        named = {tool.name for tool in found}
        lost = [tool for tool in had if tool.name not in named]
        return [*found, *(_outlived(tool, failed, living) for tool in lost)]
    now = {(tool.name, tool.version): tool for tool in found}
    files = {tool.file: tool for tool in found if _is_broken(tool) and tool.file}
    kept: list[Tool] = []
    for tool in had:
        culprit = now.get((tool.name, tool.version), files.get(tool.file))
        if culprit is None or not _is_broken(culprit):
            continue
        kept.append(_outlived(tool, culprit.broken_reason, living))
    keys = {(tool.name, tool.version) for tool in kept}
    said = {tool.file for tool in kept if tool.file in files}
    return [tool for tool in found if not _is_said(tool, keys, said)] + kept


def not_reloaded(had: Sequence[Tool], reason: str) -> list[Tool]:
    """
    The tools of a bundle that could not be loaded again at all.
    """
    return [tool if _is_broken(tool) else replace(tool, reload_error=reason) for tool in had]


def generations(tools: Sequence[Tool]) -> frozenset[int]:
    """
    Those that serve one of the tools.
    """
    return frozenset(tool.generation for tool in tools if not _is_broken(tool))


def _outlived(tool: Tool, reason: str, living: Collection[int]) -> Tool:
    if not _is_broken(tool) and tool.generation in living:
        return replace(tool, reload_error=reason)
    return replace(tool.as_broken(reason), file=tool.file)


def _is_said(tool: Tool, keys: set[tuple[str, str]], files: set[str]) -> bool:
    """
    Whether a broken entry says what a tool that was kept says by now.
    """
    return _is_broken(tool) and ((tool.name, tool.version) in keys or tool.file in files)


def _is_broken(tool: Tool) -> bool:
    return tool.state == registry_pb2.TOOL_STATE_BROKEN
