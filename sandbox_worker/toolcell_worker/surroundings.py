"""
What a cell begins with: what it inherits from its zygote, and what came with its SPAWN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from toolcell_worker.start import Identity, Make
    from toolcell_worker.template import Template
    from toolcell_worker.walls.resources import Group
    from toolcell_worker.wire import Call, CellGrant

FIXED = 3  # descriptors that come with every SPAWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """
    What a cell inherits from its zygote. `zygote` is its pid; `groups` a descriptor of where cells'
    control groups are made, -1 for none, and `group` the cell's own; `proc` is a descriptor of a
    /proc in which the cell is visible; `outside` the inodes of the zygote's namespaces;
    `baseline_bytes` the address space of the zygote; `observed` whether the server is given the
    listener of the cell's filter; `perform(call, channel, grant)` runs the tool: the exit
    code; `rehearsed` is the frame of a call that does nothing.
    """

    make: Make
    identity: Identity | None
    template: Template
    zygote: int
    groups: int
    group: Group | None = None
    proc: int
    outside: dict[str, int]
    baseline_bytes: int
    observed: bool
    init_program: bytes
    perform: Callable[[Call, int, CellGrant], int]
    rehearsed: bytes = b""


@dataclass(frozen=True, slots=True)
class Channels:
    """
    What came with a SPAWN: the slot, and descriptors in its order.
    """

    slot: int
    cell: int
    stdout: int
    stderr: int
    trees: Sequence[int]

    @classmethod
    def of(cls, slot: int, given: Sequence[int]) -> Self:
        """
        Raises:
            ValueError: fewer came than every cell has.
        """
        if len(given) < FIXED:
            raise ValueError(f"{len(given)} descriptors came with a SPAWN")
        cell, stdout, stderr = given[:FIXED]
        return cls(slot, cell, stdout, stderr, given[FIXED:])
