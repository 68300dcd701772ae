"""
Verdicts on system calls, and conditions on their arguments, as values that compile to BPF.

Theory of operation.  A `Rule` is a list of cases; the first case whose conditions all hold decides.
A filter sees registers, never what they point to: only numbers and flags can be judged, and a call
whose flags lie in memory is judged as a whole.  The kernel takes most such arguments as `int`, and
ignores the upper half of the register; so do we, lest a set bit there hide a forbidden value.
"""

from __future__ import annotations

import dataclasses
import enum
import errno
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell_worker.walls import bpf

if TYPE_CHECKING:
    from toolcell_worker.walls.bpf import Assembler

_RETURN_ERRNO = 0x0005_0000  # SECCOMP_RET_ERRNO (linux/seccomp.h)
_WHOLE = 0xFFFF_FFFF
# Stands for the pid of whoever loads the filter until it is known.  No process has it: pids stay
# below 2**22 (PID_MAX_LIMIT, linux/threads.h).
OWN_PID = 0x7FFF_FF1D


class Action(enum.IntEnum):
    """
    What a filter may answer (SECCOMP_RET_*).
    """

    ALLOW = 0x7FFF_0000
    KILL = 0x8000_0000  # the whole process
    REFUSE = _RETURN_ERRNO | errno.EPERM
    # Programs fall back to something older when they hear these.
    UNKNOWN_CALL = _RETURN_ERRNO | errno.ENOSYS
    UNKNOWN_REQUEST = _RETURN_ERRNO | errno.ENOTTY
    UNKNOWN_OPTION = _RETURN_ERRNO | errno.ENOPROTOOPT
    UNSUPPORTED = _RETURN_ERRNO | errno.ENOTSUP
    IGNORE = _RETURN_ERRNO  # no error: answered as if it were done
    # Whoever holds the listener sees the call and answers; nobody there is ENOSYS.
    ASK = 0x7FC0_0000


@dataclass(frozen=True, slots=True)
class Condition:
    """
    Holds if half of an argument, masked, is among `values` (or is not, if `among` is false).
    """

    argument: int
    values: tuple[int, ...]
    mask: int = _WHOLE
    upper: bool = False
    among: bool = True


@dataclass(frozen=True, slots=True)
class Case:
    """
    The action if all conditions hold.
    """

    conditions: tuple[Condition, ...]
    action: Action = Action.ALLOW


@dataclass(frozen=True, slots=True)
class Rule:
    """
    The action of the first case that applies.
    """

    cases: tuple[Case, ...]
    otherwise: Action = Action.REFUSE


Verdict = Action | Rule


def among(argument: int, *values: int, mask: int = _WHOLE) -> Condition:
    """
    The argument, masked, is one of the values.
    """
    return Condition(argument, values, mask)


def not_among(argument: int, *values: int) -> Condition:
    """
    The argument is none of the values.
    """
    return Condition(argument, values, among=False)


def without(argument: int, bits: int) -> Condition:
    """
    None of these bits is set.
    """
    return Condition(argument, (0,), bits)


def with_all(argument: int, bits: int) -> Condition:
    """
    All of these bits are set.
    """
    return Condition(argument, (bits,), bits)


def null(argument: int) -> tuple[Condition, Condition]:
    """
    The argument is a null pointer, in both halves.
    """
    return Condition(argument, (0,)), Condition(argument, (0,), upper=True)


def replacing(verdict: Verdict, old: Action, new: Action) -> Verdict:
    """
    The same verdict, with another action wherever it has this one.
    """
    if isinstance(verdict, Action):
        return new if verdict is old else verdict
    cases = tuple(
        dataclasses.replace(case, action=new) if case.action is old else case
        for case in verdict.cases
    )
    return Rule(cases, new if verdict.otherwise is old else verdict.otherwise)


def assemble(rule: Rule, assembler: Assembler) -> None:
    """
    Append the code that ends with the rule's action.  Each action is there once, at the end.
    """
    ends = {rule.otherwise: bpf.Label()}
    for case in rule.cases:
        next_case = bpf.Label()
        end = ends.setdefault(case.action, bpf.Label())
        for condition in case.conditions[:-1]:
            _assemble_condition(condition, assembler, None, next_case)
        if case.conditions:
            _assemble_condition(case.conditions[-1], assembler, end, next_case)
        else:
            assembler.jump(end)
        assembler.place(next_case)
    for action, label in ends.items():  # what applies otherwise is first, and comes next
        assembler.place(label)
        assembler.end(action)


def _assemble_condition(
    condition: Condition, assembler: Assembler, holds: bpf.Label | None, next_case: bpf.Label
) -> None:
    """
    Append the code that goes on at `holds`, or at the next instruction, if the condition holds, and
    else at `next_case`.
    """
    half = bpf.HALF if condition.upper else 0
    assembler.load(bpf.ARGUMENTS + condition.argument * bpf.ARGUMENT_SIZE + half)
    if condition.mask != _WHOLE:
        assembler.keep_bits(condition.mask)
    after = bpf.Label()
    goes_on = after if holds is None else holds
    found, missed = (goes_on, next_case) if condition.among else (next_case, goes_on)
    for value in condition.values[:-1]:
        assembler.jump_if_equal(value, found)
    assembler.jump_if_equal(condition.values[-1], found, missed)
    assembler.place(after)
