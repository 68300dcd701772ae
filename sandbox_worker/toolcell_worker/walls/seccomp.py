"""
The seccomp wall: which system calls there are for a tool (seccomp(2)).

Theory of operation.  A filter is compiled once, in the zygote, and loaded with one call, last but
for the limit on open files.  It finds the verdict on a call by its number (`search`).  Calls that
are allowed whatever their arguments never run it: the kernel sees, when the filter is loaded, that
their path looks at nothing but number and architecture, and keeps a bitmap of them (Linux 5.11).
Calls of another architecture (int 0x80, x32) would have other numbers: they kill the process, or
are asked about like what is refused, and then the server ends the cell.
Sockets need both a profile that has them and a granted network: cells without one may share an
empty network namespace, where they must not meet.

A *bare* filter is for a cell without namespaces (`bare_rules`), with the pid of who loads it for a
constant that no process has: one where it was forgotten refuses more.  An *observed* one asks the
holder of its listener (`listening`) where the plain one refuses with EPERM, and before a process
that has no others ends; who asks waits, and hears ENOSYS when the holder is gone.  A *counted* one
also asks about allowed file operations: the answer can only be to go on, so what is refused among
those is refused by the filter itself.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import os
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell_worker import syscalls
from toolcell_worker.syscalls.tables import AARCH64, X86_64
from toolcell_worker.walls import allowlist, argument_rules, bare_rules, bpf, conditions, search
from toolcell_worker.walls.conditions import (
    OWN_PID,
    Action,
    Case,
    Rule,
    Verdict,
    replacing,
    without,
)
from toolcell_worker.walls.killable import flag as waits_killably
from toolcell_worker.wire import Profile
from toolcell_worker.wire.counted import FILE_OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SET_MODE_FILTER = 1  # SECCOMP_SET_MODE_FILTER (linux/seccomp.h)
_PROT_EXEC = 0x4
_INIT_RULES = {  # it loads no further code
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """
    Which filter of a tool.  See the theory of operation.
    """

    profile: Profile
    network: bool
    bare: bool = False
    observed: bool = False
    counted: bool = False


def program(
    profile: Profile,
    *,
    network: bool,
    own_pid: int | None = None,
    observed: bool = False,
    counted: bool = False,
    machine: str = "",
) -> bytes:
    """
    The filter of a tool; `own_pid` makes it bare, `machine` as in uname(2) is ours by default.

    Raises:
        OSError: there is no table for this machine (ENOSYS).
    """
    variant = Variant(
        profile=profile,
        network=network,
        bare=own_pid is not None,
        observed=observed,
        counted=counted,
    )
    compiled = _compile(machine or platform.machine(), variant)
    return compiled if own_pid is None else bpf.comparing_with(compiled, OWN_PID, own_pid)


def compile_all(*, bare: bool, observed: bool) -> None:
    """
    Compile every filter of tools once, so that the children of this process need not.
    """
    own_pid = OWN_PID if bare else None
    for profile, network, counted in itertools.product(Profile, (False, True), (False, observed)):
        program(profile, network=network, own_pid=own_pid, observed=observed, counted=counted)


def init_program(*, machine: str = "") -> bytes:
    """
    The filter of a cell's init.  Raises as `program`.
    """
    return _compile(machine or platform.machine(), None)


def load(program: bytes, flags: int = 0) -> int:
    """
    Put this process under a filter, for ever.  no_new_privs is set already.

    Returns:
        What the kernel does: 0, or what the flags ask for.

    Raises:
        OSError: the kernel refuses it.
    """
    return syscalls.seccomp(SET_MODE_FILTER, flags, prepared(program))


@functools.lru_cache(maxsize=64)  # arbitrary; each is there for good, as `cast` refers to itself
def prepared(program: bytes) -> ctypes.Structure:
    """
    A filter as the kernel takes it (struct sock_fprog), which keeps its instructions.
    """
    buffer = ctypes.create_string_buffer(program, len(program))
    return _Program(len(program) // bpf.INSTRUCTION.size, ctypes.cast(buffer, ctypes.c_void_p))


def try_out(program: bytes) -> None:
    """
    Load a filter in a child, to know before the first cell whether there are any: an init that
    cannot load its own takes the cell with it, which then can name no wall.

    Raises:
        OSError: the kernel refuses it.
    """
    pid = os.fork()
    if pid == 0:
        code = 255
        try:
            syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
            load(program)
            code = 0
        except OSError as exc:
            code = exc.errno or code
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code != 0:
        raise OSError(code, f"no filter can be loaded: {os.strerror(code)}")


def verdicts(profile: Profile, *, network: bool, bare: bool = False) -> dict[str, Verdict]:
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
    if bare:
        rules |= bare_rules.BY_NAME
    lacking = f"{allowlist.UNSEEN.names} {allowlist.MISSING.names}".split()
    unseen = dict.fromkeys(lacking, Action.UNKNOWN_CALL)
    attributes = dict.fromkeys(allowlist.ATTRIBUTES.names.split(), Action.UNSUPPORTED)
    refused = dict.fromkeys(bare_rules.REFUSED, Action.REFUSE) if bare else {}
    return {**_allowed(groups, rules), **unseen, **attributes, **refused}


def init_verdicts() -> dict[str, Verdict]:
    """
    What is decided about each system call that a cell's init may make at all.
    """
    return _allowed(allowlist.INIT, _INIT_RULES)


def _allowed(groups: Iterable[allowlist.Group], rules: Mapping[str, Rule]) -> dict[str, Verdict]:
    names = itertools.chain.from_iterable(group.names.split() for group in groups)
    return {name: rules.get(name, Action.ALLOW) for name in names}


def _judged(variant: Variant, machine: Machine) -> dict[str, Verdict]:
    """
    What a variant decides about every call that the machine has.
    """
    decided = verdicts(variant.profile, network=variant.network, bare=variant.bare)
    judged = {name: decided.get(name, Action.REFUSE) for name in machine.numbers}
    if not variant.observed:
        return judged
    for name, verdict in judged.items():
        counted = variant.counted and name in FILE_OPERATIONS
        judged[name] = replacing(verdict, Action.ALLOW if counted else Action.REFUSE, Action.ASK)
    if variant.profile < Profile.SUBPROCESS and waits_killably():
        judged["exit_group"] = Action.ASK
    return judged


@functools.cache
def _compile(name: str, variant: Variant | None) -> bytes:
    if name not in MACHINES:
        raise OSError(38, f"there is no table of system calls for {name}")
    machine = MACHINES[name]
    decided = init_verdicts() if variant is None else _judged(variant, machine)
    foreign = Action.ASK if variant is not None and variant.observed else Action.KILL
    ranges = search.ranges(machine.numbers, decided, foreign if machine.x32 else None)
    rules = {verdict: bpf.Label() for _, verdict in ranges if isinstance(verdict, Rule)}
    assembler, ours = bpf.Assembler(), bpf.Label()
    assembler.load(bpf.ARCHITECTURE)
    assembler.jump_if_equal(machine.mark, ours)
    assembler.end(foreign)
    assembler.place(ours)
    assembler.load(bpf.NUMBER)
    search.append(assembler, ranges, rules)
    for rule, label in rules.items():
        assembler.place(label)
        conditions.assemble(rule, assembler)
    return assembler.assemble()
