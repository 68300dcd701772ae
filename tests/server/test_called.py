"""
Names of refused calls: whatever the registers hold, a denial of bounded size comes of it.
"""

from __future__ import annotations

import itertools
import random

import pytest
from toolcell_server import called
from toolcell_server.pace import Pace

X86_64, AARCH64, I386, ARM = 0xC000_003E, 0xC000_00B7, 0x4000_0003, 0x4000_0028
REGISTERS = (0, 1, 2, 9, 15, 64, 99, 2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 1)


@pytest.mark.parametrize("machine", [X86_64, AARCH64, I386, 0], ids=hex)
def test_any_call_with_any_registers_has_a_name(machine: int) -> None:
    """
    A tool chooses all of them, and an error here would leave it without an answer.
    """
    random.seed(7)
    numbers = [*range(480), 2**30, 2**31 - 1, -1]
    for number, register in itertools.product(numbers, REGISTERS):
        for registers in ((register,) * 6, tuple(random.choices(REGISTERS, k=6))):
            call = called.describe(machine, number, registers)

            assert call.operation
            assert len(call.operation) + len(call.target) < 200
            assert call.reason in {"not_allowed", "no_network"}


def test_numbers_mean_what_they_mean_on_their_machine() -> None:
    """
    101 is ptrace on one, nanosleep on the other.
    """
    names = [called.describe(machine, 101, (0,) * 6).name for machine in (X86_64, AARCH64, I386)]

    assert ["ptrace", "nanosleep", "system call 101"] == names


@pytest.mark.parametrize(
    ("machine", "number", "what"),
    [
        (X86_64, 59, ""),
        (AARCH64, 221, ""),
        (X86_64, 0x4000_0000 + 39, "getpid of x32"),
        (X86_64, 0x4000_0000 + 520, "system call 520 of x32"),
        (I386, 11, "system call 11 of i386"),
        (ARM, 11, "system call 11 of arm"),
        (0x16, 11, "system call 11 of machine 0x16"),
    ],
)
def test_a_call_of_another_architecture_is_told_apart(machine: int, number: int, what: str) -> None:
    """
    It is never answered like one of our own.
    """
    assert what == called.foreign(machine, number)


@pytest.mark.parametrize(("network", "reason"), [(False, "no_network"), (True, "not_allowed")])
def test_only_a_cell_without_a_network_is_told_that_it_has_none(network: bool, reason: str) -> None:
    """
    Whoever has one would look for another tool in vain: it was the kind of socket (IPv6 over UDP).
    """
    call = called.describe(X86_64, 41, (10, 2, 0, 0, 0, 0), network=network)

    assert ("AF_INET6 SOCK_DGRAM", reason) == (call.target, call.reason)


@pytest.mark.parametrize(
    ("arguments", "is_it"),
    [
        ((1, 0x80801, 0), True),
        ((1, 0x80001, 0), False),  # as Python opens one, to be used
        ((1, 0x80802, 0), False),
        ((2, 0x80801, 0), False),
    ],
)
def test_the_look_for_a_cache_of_names_is_told_from_other_unix_sockets(
    arguments: tuple[int, ...], is_it: bool
) -> None:
    """
    `socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)` is how glibc does it.
    """
    assert is_it == called.looks_for_cache(X86_64, 41, (*arguments, 0, 0, 0))
    assert not called.looks_for_cache(X86_64, 42, (*arguments, 0, 0, 0))


def test_every_name_in_the_tables_is_a_system_call() -> None:
    """
    A misspelt one would never be found.
    """
    known = {name for names in called.NAMES.values() for name in names.values()}
    later = {"fchmodat2"}

    assert set() == (called.OPERATIONS.keys()) - known - later


def test_a_pace_gives_a_burst_and_then_so_many_a_second() -> None:
    """
    Pauses give the burst back, and no more than that.
    """
    pace = Pace(burst=3, per_second=10)

    assert [0.0, 0.0, pytest.approx(0.1)] == [pace.take(5.0) for _ in range(3)]
    assert pytest.approx(0.1) == pace.take(5.1)
    assert pytest.approx(0.1) == pace.take(5.2)
    assert [0.0, 0.0, pytest.approx(0.1)] == [pace.take(99.0) for _ in range(3)]
