"""
What lies in the operator's folder that whoever comes by would fall into.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from toolcell_server.battery import canaries
from toolcell_server.battery.attack import generic_harm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_server.battery.attack import Traces
    from toolcell_server.battery.ground import Ground

SET_ID = stat.S_ISUID | stat.S_ISGID
LARGEST_BYTES = 64 * 2**20  # what a tool may write into one file, unless its limits say less


def trap_harm(ground: Ground, traces: Traces) -> list[str]:
    """
    The same as for any attack; and links, special files, programs with powers, endless files, even
    where the tool may write.
    """
    return [*generic_harm(ground, traces), *_traps(ground.root)]


def _traps(folder: str) -> Iterator[str]:
    for path, facts in canaries.look(folder).items():
        kind = stat.S_IFMT(facts.mode)
        if kind not in (stat.S_IFREG, stat.S_IFDIR):
            yield f"lies in the operator's folder: {path} ({stat.filemode(facts.mode)})"
        if kind != stat.S_IFLNK and facts.mode & SET_ID:
            yield f"runs as its owner: {path} ({stat.filemode(facts.mode)})"
        if any(name.startswith("security.") for name, _ in facts.attributes):
            yield f"has powers: {path}"
        if kind == stat.S_IFREG and int(facts.content.split()[0]) > LARGEST_BYTES:
            yield f"is endless: {path} ({facts.content.split()[0]} bytes)"
