"""
Our numbers and our filters against libseccomp's, where it is installed.
"""

from __future__ import annotations

import libseccomp
import pytest
from bpf_evaluator import evaluate
from deciding import MACHINES, MAKES, Make
from toolcell_worker.walls import seccomp
from toolcell_worker.walls.conditions import Action

LIBRARY = libseccomp.library()
ALLOW = Action.ALLOW
pytestmark = pytest.mark.skipif(LIBRARY is None, reason="libseccomp.so.2 is not installed")


@pytest.mark.parametrize("machine", MACHINES)
def test_our_numbers_are_those_of_libseccomp(machine: str) -> None:
    """
    The tables were generated from one machine's headers; an error there would shift every verdict.
    """
    assert LIBRARY is not None
    described = seccomp.MACHINES[machine]
    theirs = {n: libseccomp.number(LIBRARY, described.mark, n) for n in described.numbers}

    different = {n: (ours, theirs[n]) for n, ours in described.numbers.items() if theirs[n] != ours}

    # What a later kernel added an older library does not know.
    assert {} == {n: pair for n, pair in different.items() if pair[1] != -1}
    assert len(theirs) - len(different) > 280


@pytest.mark.parametrize("make", MAKES, ids=str)
def test_our_filters_allow_what_those_of_libseccomp_allow(make: Make) -> None:
    """
    Two compilers that share no code make the same mistake rarely.
    """
    assert LIBRARY is not None
    machine, profile, network = make
    described = seccomp.MACHINES[machine]
    verdicts = seccomp.verdicts(profile, network=network)
    stated = {name: each for name, each in verdicts.items() if libseccomp.comparable(each)}
    theirs = libseccomp.compile_filter(LIBRARY, described.mark, stated)
    ours = seccomp.program(profile, network=network, machine=machine)

    different, tried = [], 0
    for name, number in described.numbers.items():
        verdict = verdicts.get(name, Action.REFUSE)
        for arguments in libseccomp.samples(verdict) if libseccomp.comparable(verdict) else ():
            allowed = [
                evaluate(p, described.mark, number, arguments).action for p in (ours, theirs)
            ]
            tried += 1
            if (allowed[0] == ALLOW) != (allowed[1] == ALLOW):
                different.append((name, arguments, allowed))

    assert [] == different
    assert tried > 2 * len(described.numbers)
    about_one_process = {"sched_setaffinity", "sched_setscheduler", "setpriority"}
    assert {"getsockopt", "madvise", *about_one_process} == verdicts.keys() - stated.keys()
