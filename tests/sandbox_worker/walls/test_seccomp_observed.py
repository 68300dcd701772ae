"""
The filters that ask, against the plain ones; and the listener that hears them.
"""

from __future__ import annotations

import itertools

import pytest
from bpf_evaluator import evaluate
from deciding import MAKES, Make
from toolcell_worker.walls import killable, seccomp
from toolcell_worker.walls.conditions import Action
from toolcell_worker.wire import Profile
from toolcell_worker.wire.counted import FILE_OPERATIONS
from walled import run, users

ALLOW, REFUSE, ASK = Action.ALLOW, Action.REFUSE, Action.ASK
PID = 4711
# Chosen so that every rule about arguments is met and not met.
SAMPLES = [
    (0,) * 6,
    (2**64 - 1,) * 6,
    (0, 1, 2, 3, 0, 0),
    (1, 1, 0, 0, 0, 0),
    (2, 1, 6, 0, 0, 0),
    (0, 0, 0o101, 0o4755, 0, 0),
    (0, 0o4755, 0, 0, 0, 0),
    (0, 0o101, 0o4755, 0, 0, 0),
    (0x3D0F00, 4, 0o644, 0, 0, 0),
    (PID, PID, 0, 0, 0, 0),
]


def decisions(make: Make, **variant: bool | int | None) -> dict[tuple[str, tuple[int, ...]], int]:
    """
    What a variant of the filter decides about every call with every sample.
    """
    machine, profile, network = make
    program = seccomp.program(profile, network=network, machine=machine, **variant)  # type: ignore[arg-type]  # a table over variants
    described = seccomp.MACHINES[machine]
    return {
        (name, arguments): evaluate(program, described.mark, number, arguments).action
        for (name, number), arguments in itertools.product(described.numbers.items(), SAMPLES)
    }


def asks_to_end(make: Make, name: str) -> bool:
    """
    Whether that is the end of a process that can have no others.
    """
    return name == "exit_group" and make[1] < Profile.SUBPROCESS and killable.flag() > 0


@pytest.mark.parametrize("own_pid", [None, PID], ids=["in namespaces", "bare"])
@pytest.mark.parametrize("make", MAKES, ids=str)
def test_an_observed_filter_asks_where_the_plain_one_refuses_and_nowhere_else(
    make: Make, own_pid: int | None
) -> None:
    """
    What it allows is not asked about, what programs fall back from neither.  But for the end of a
    process that is the only one.
    """
    plain = decisions(make, own_pid=own_pid)
    observed = decisions(make, own_pid=own_pid, observed=True)

    expected = {
        key: ASK if action == REFUSE or asks_to_end(make, key[0]) else action
        for key, action in plain.items()
    }
    assert expected == observed
    assert {ALLOW, ASK} < set(observed.values())


@pytest.mark.parametrize("own_pid", [None, PID], ids=["in namespaces", "bare"])
@pytest.mark.parametrize("make", MAKES, ids=str)
def test_a_counted_filter_never_asks_about_a_file_operation_that_is_refused(
    make: Make, own_pid: int | None
) -> None:
    """
    Whoever counts answers "go on": that must never be an answer to what is not allowed.
    """
    plain = decisions(make, own_pid=own_pid)
    counted = decisions(make, own_pid=own_pid, observed=True, counted=True)

    def expected(name: str, action: int) -> int:
        turned = ALLOW if name in FILE_OPERATIONS else REFUSE
        return ASK if action == turned or asks_to_end(make, name) else action

    assert {key: expected(key[0], action) for key, action in plain.items()} == counted
    assert ASK in {counted[key] for key in counted if key[0] == "openat"}


def test_every_counted_name_is_a_call_that_some_tool_may_make() -> None:
    """
    A misspelt one would be free.
    """
    verdicts = seccomp.verdicts(Profile.COMPUTE, network=False)

    assert set() == FILE_OPERATIONS - verdicts.keys()


@pytest.mark.parametrize("user", users())
def test_a_listener_is_there_where_nobody_has_it_yet(user: str) -> None:
    """
    There is one for all filters of a process: an outer sandbox that took it leaves none.
    """
    found = run(
        """
        from toolcell_worker.walls import listening
        syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
        before = listening.available()
        listener = listening.load(listening._asking_about("acct"))
        again = attempt(lambda: listening.load(listening._asking_about("acct")))
        found = [before, listening.available(), again, os.get_inheritable(listener)]
        """,
        user=user,
    )

    assert [True, False, "EBUSY", False] == found


def test_an_outer_filter_that_refuses_seccomp_leaves_no_listener() -> None:
    """
    Then cells are walled as before, and what they are refused only the tool can tell.
    """
    found = run(
        """
        from toolcell_worker.walls import listening
        syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
        seccomp.load(seccomp.program(Profile.SUBPROCESS, network=False))
        found = [listening.available(), os.waitpid(os.fork() or os._exit(0), 0)[1]]
        """
    )

    assert [False, 0] == found
