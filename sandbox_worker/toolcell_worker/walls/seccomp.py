"""
The seccomp wall: which system calls there are for a tool (seccomp(2)).

Theory of operation.  A filter is compiled once, in the zygote, and loaded last of all walls, with
one call.  It turns the allowlist into ranges of numbers and finds the one of a call by binary
search, about eight comparisons.  Calls that are allowed whatever their arguments never run it: the
kernel sees, when the filter is loaded, that their path looks at nothing but number and
architecture, and keeps a bitmap of them (Linux 5.11).

Calls of another architecture (int 0x80, x32) would have other numbers: they kill the process.
Sockets need both a profile that has them and a granted network: cells without one may share an
empty network namespace, where they must not meet.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell_worker import syscalls
from toolcell_worker.syscalls.tables import AARCH64, X86_64
from toolcell_worker.walls import allowlist, argument_rules, bpf, conditions
from toolcell_worker.walls.conditions import Action, Case, Rule, Verdict, without
from toolcell_worker.wire import Profile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SET_MODE_FILTER = 1  # SECCOMP_SET_MODE_FILTER (linux/seccomp.h)
_X32 = 0x4000_0000  # __X32_SYSCALL_BIT (asm/unistd.h)
_NO_CALL = 0xFFFF_FFFF  # what a tracer leaves behind when it skips a call
_PROT_EXEC = 0x4
_INIT_RULES = {
    # It loads no further code.
    "mmap": Rule((Case((without(2, _PROT_EXEC),)),)),
    "mprotect": Rule((Case((without(2, _PROT_EXEC),)),)),
}


@dataclass(frozen=True, slots=True)
class Machine:
    """
    An architecture: its mark (AUDIT_ARCH_*, linux/audit.h) and its numbers.
    """

    mark: int
    numbers: Mapping[str, int]
    x32: bool = False


MACHINES = {
    "x86_64": Machine(0xC000_003E, X86_64, x32=True),
    "aarch64": Machine(0xC000_00B7, AARCH64),
}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def program(profile: Profile, *, network: bool, machine: str = "") -> bytes:
    """
    The filter of a tool; `machine` as in uname(2), ours by default.

    Raises:
        OSError: there is no table for this machine (ENOSYS).
    """
    return _compile(machine or platform.machine(), profile, network)


def init_program(*, machine: str = "") -> bytes:
    """
    The filter of a cell's init.

    Raises:
        OSError: there is no table for this machine (ENOSYS).
    """
    return _compile(machine or platform.machine(), None, network=False)


def load(program: bytes) -> None:
    """
    Put this process under a filter, for ever.  no_new_privs is set already.

    Raises:
        OSError: the kernel refuses it.
    """
    buffer = ctypes.create_string_buffer(program, len(program))
    length = len(program) // bpf.INSTRUCTION.size
    syscalls.seccomp(SET_MODE_FILTER, 0, _Program(length, ctypes.addressof(buffer)))


def verdicts(profile: Profile, *, network: bool) -> dict[str, Verdict]:
    """
    What is decided about each system call that a tool may make at all.
    """
    groups, rules = allowlist.ALWAYS, dict(argument_rules.BY_NAME)
    rules["clone"] = argument_rules.THREADS_ONLY
    if network and profile >= Profile.NET:
        groups += allowlist.NETWORK
        rules["socket"] = argument_rules.INTERNET_SOCKETS
    if profile >= Profile.SUBPROCESS:
        groups += allowlist.PROCESSES
        rules["clone"] = argument_rules.NO_NEW_NAMESPACES
    unseen = dict.fromkeys(allowlist.UNSEEN.names.split(), Action.UNKNOWN_CALL)
    attributes = dict.fromkeys(allowlist.ATTRIBUTES.names.split(), Action.UNSUPPORTED)
    return {**_allowed(groups, rules), **unseen, **attributes}


def init_verdicts() -> dict[str, Verdict]:
    """
    What is decided about each system call that a cell's init may make at all.
    """
    return _allowed(allowlist.INIT, _INIT_RULES)


def _allowed(groups: Iterable[allowlist.Group], rules: Mapping[str, Rule]) -> dict[str, Verdict]:
    names = itertools.chain.from_iterable(group.names.split() for group in groups)
    return {name: rules.get(name, Action.ALLOW) for name in names}


@functools.cache
def _compile(name: str, profile: Profile | None, network: bool) -> bytes:  # noqa: FBT001  # private; the cache wants plain arguments
    if name not in MACHINES:
        raise OSError(38, f"there is no table of system calls for {name}")
    machine = MACHINES[name]
    decided = init_verdicts() if profile is None else verdicts(profile, network=network)
    ranges = _ranges(machine, decided)
    rules = {verdict: bpf.Label() for _, verdict in ranges if isinstance(verdict, Rule)}
    assembler, ours = bpf.Assembler(), bpf.Label()
    assembler.load(bpf.ARCHITECTURE)
    assembler.jump_if_equal(machine.mark, ours)
    assembler.end(Action.KILL)
    assembler.place(ours)
    assembler.load(bpf.NUMBER)
    _search(assembler, ranges, rules)
    for rule, label in rules.items():
        assembler.place(label)
        conditions.assemble(rule, assembler)
    return assembler.assemble()


def _ranges(machine: Machine, decided: Mapping[str, Verdict]) -> list[tuple[int, Verdict]]:
    """
    Every number's verdict, as (first number, verdict) of ranges that are decided alike.
    """
    known = {number: decided.get(name, Action.REFUSE) for name, number in machine.numbers.items()}
    single = [(n, known.get(n, Action.UNKNOWN_CALL)) for n in range(max(known) + 2)]
    if machine.x32:
        single += [(_X32, Action.KILL), (_NO_CALL, Action.UNKNOWN_CALL)]
    alike = itertools.groupby(single, key=lambda pair: pair[1])
    return [next(pairs) for _, pairs in alike]


def _search(
    assembler: bpf.Assembler,
    ranges: Sequence[tuple[int, Verdict]],
    rules: Mapping[Rule, bpf.Label],
) -> None:
    """
    Append a binary search for the range that the loaded number lies in.
    """
    if len(ranges) == 1:
        verdict = ranges[0][1]
        if isinstance(verdict, Rule):
            assembler.jump(rules[verdict])
        else:
            assembler.end(verdict)
        return
    middle, upper = len(ranges) // 2, bpf.Label()
    assembler.jump_if_at_least(ranges[middle][0], upper)
    _search(assembler, ranges[:middle], rules)
    assembler.place(upper)
    _search(assembler, ranges[middle:], rules)
