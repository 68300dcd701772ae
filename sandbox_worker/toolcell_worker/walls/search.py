"""
From the number of a system call to its verdict: code for a binary search.

Numbers that are decided alike lie in ranges; about eight comparisons find the one of a call.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from toolcell_worker.walls import bpf
from toolcell_worker.walls.conditions import Action, Rule, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from toolcell_worker.walls.bpf import Assembler

_X32 = 0x4000_0000  # __X32_SYSCALL_BIT (asm/unistd.h)
_NO_CALL = 0xFFFF_FFFF  # what a tracer leaves behind when it skips a call


def ranges(
    numbers: Mapping[str, int], decided: Mapping[str, Verdict], x32: Action | None
) -> list[tuple[int, Verdict]]:
    """
    Every number's verdict, as (first number, verdict) of ranges that are decided alike.  `x32` is
    the action on calls of that architecture, where the machine has it.
    """
    known = {number: decided.get(name, Action.REFUSE) for name, number in numbers.items()}
    single = [(n, known.get(n, Action.UNKNOWN_CALL)) for n in range(max(known) + 2)]
    if x32 is not None:
        single += [(_X32, x32), (_NO_CALL, Action.UNKNOWN_CALL)]
    alike = itertools.groupby(single, key=lambda pair: pair[1])
    return [next(pairs) for _, pairs in alike]


def append(
    assembler: Assembler,
    found: Sequence[tuple[int, Verdict]],
    rules: Mapping[Rule, bpf.Label],
) -> None:
    """
    Append a binary search for the range that the loaded number lies in.  Its ends lie behind it,
    one for each verdict: the kernel translates every instruction anew for each cell.
    """
    ends: dict[Verdict, bpf.Label] = {}
    _append_node(assembler, found, ends)
    for verdict, label in ends.items():
        assembler.place(label)
        if isinstance(verdict, Rule):
            assembler.jump(rules[verdict])
        else:
            assembler.end(verdict)


def _append_node(
    assembler: Assembler, found: Sequence[tuple[int, Verdict]], ends: dict[Verdict, bpf.Label]
) -> None:
    lower, upper = found[: len(found) // 2], found[len(found) // 2 :]
    above = ends.setdefault(upper[0][1], bpf.Label()) if len(upper) == 1 else bpf.Label()
    below = ends.setdefault(lower[0][1], bpf.Label()) if len(lower) == 1 else None
    assembler.jump_if_at_least(upper[0][0], above, below)
    if len(lower) > 1:
        _append_node(assembler, lower, ends)
    if len(upper) > 1:
        assembler.place(above)
        _append_node(assembler, upper, ends)
