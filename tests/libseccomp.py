"""
libseccomp as an independent opinion: its tables of numbers, and the filters that it compiles.
"""

from __future__ import annotations

import ctypes
import errno
import itertools
import tempfile
from typing import TYPE_CHECKING

from toolcell_worker.walls.conditions import Action, Case, Condition, Rule, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ERRNO_EPERM = 0x0005_0000 | errno.EPERM
_MASKED_EQUAL = 7  # SCMP_CMP_MASKED_EQ


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operation", ctypes.c_int),
        ("mask", ctypes.c_uint64),
        ("value", ctypes.c_uint64),
    )


def library() -> ctypes.CDLL | None:
    """
    The library; nothing where it is not installed.
    """
    try:
        found = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return None
    found.seccomp_init.restype = ctypes.c_void_p
    found.seccomp_arch_native.restype = ctypes.c_uint32
    return found


def number(library: ctypes.CDLL, mark: int, name: str) -> int:
    """
    The number of a call on an architecture; -1 if it is unknown.
    """
    return int(library.seccomp_syscall_resolve_name_arch(mark, name.encode()))


def compile_filter(library: ctypes.CDLL, mark: int, verdicts: Mapping[str, Verdict]) -> bytes:
    """
    The library's filter for the calls that are allowed, on one architecture only.
    """
    context = ctypes.c_void_p(library.seccomp_init(_ERRNO_EPERM))
    try:
        native = library.seccomp_arch_native()
        if native != mark:
            _succeed(library.seccomp_arch_add(context, mark))
            _succeed(library.seccomp_arch_remove(context, native))
        for name, verdict in verdicts.items():
            for comparisons in _allowed(verdict):
                # The library wants its own number, and translates it by name.
                call = library.seccomp_syscall_resolve_name(name.encode())
                array = (_Comparison * len(comparisons))(*comparisons)
                count = len(comparisons)
                allow = Action.ALLOW.value
                _succeed(library.seccomp_rule_add_array(context, allow, call, count, array))
        with tempfile.TemporaryFile() as file:
            _succeed(library.seccomp_export_bpf(context, file.fileno()))
            file.seek(0)
            return file.read()
    finally:
        library.seccomp_release(context)


def comparable(verdict: Verdict) -> bool:
    """
    Whether the library can say it: it knows no "none of these".
    """
    if not isinstance(verdict, Rule):
        return True
    return all(each.among for case in verdict.cases for each in case.conditions)


def _allowed(verdict: Verdict) -> Iterator[list[_Comparison]]:
    """
    The combinations of arguments with which a call is allowed.
    """
    if verdict is Action.ALLOW:
        yield []
    if isinstance(verdict, Rule):
        for case in verdict.cases:
            if case.action is Action.ALLOW:
                yield from _combinations(case)


def _combinations(case: Case) -> Iterator[list[_Comparison]]:
    for values in itertools.product(*(each.values for each in case.conditions)):
        masks: dict[int, tuple[int, int]] = {}
        for condition, value in zip(case.conditions, values, strict=True):
            mask, wanted = masks.get(condition.argument, (0, 0))
            shift = 32 if condition.upper else 0
            masks[condition.argument] = (mask | condition.mask << shift, wanted | value << shift)
        yield [_Comparison(n, _MASKED_EQUAL, mask, value) for n, (mask, value) in masks.items()]


def samples(verdict: Verdict) -> Iterator[tuple[int, ...]]:
    """
    Arguments worth trying: nothing, everything, and each value of a rule with its neighbours.
    """
    yield (0,) * 6
    yield (2**64 - 1,) * 6
    if isinstance(verdict, Rule):
        for case in verdict.cases:
            tried = [list(_tried(condition)) for condition in case.conditions]
            places = [condition.argument for condition in case.conditions]
            for values in itertools.product(*tried):
                arguments = dict(zip(places, values, strict=True))
                yield tuple(arguments.get(n, 0) for n in range(6))


def _tried(condition: Condition) -> Iterator[int]:
    shift = 32 if condition.upper else 0
    for value in condition.values:
        yield value << shift
        yield (value ^ condition.mask & -condition.mask) << shift  # the lowest bit that counts
    yield (
        condition.values[0] << shift ^ 1 << 63 - shift
    )  # a bit that does not, or only for pointers


def _succeed(result: int) -> None:
    if result < 0:
        raise OSError(-result, "libseccomp failed")
