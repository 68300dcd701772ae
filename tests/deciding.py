"""
Asks the programs of the seccomp wall what they decide about a system call, by its name.
"""

from __future__ import annotations

import itertools

from bpf_evaluator import Evaluation, evaluate
from toolcell_worker.walls import seccomp
from toolcell_worker.wire import Profile

MACHINES = list(seccomp.MACHINES)
Make = tuple[str, Profile, bool]  # machine, profile, whether a network is granted
MAKES: list[Make] = list(itertools.product(MACHINES, Profile, [False, True]))


def decide(make: Make, name: str, arguments: tuple[int, ...] = ()) -> Evaluation:
    """
    What the filter of this make decides.
    """
    machine, profile, network = make
    program = seccomp.program(profile, network=network, machine=machine)
    described = seccomp.MACHINES[machine]
    return evaluate(program, described.mark, described.numbers[name], arguments)


def has(machine: str, name: str) -> bool:
    """
    Whether this machine has a system call of that name.
    """
    return name in seccomp.MACHINES[machine].numbers
