"""
The privileges wall on the real kernel.
"""

from __future__ import annotations

import os

import pytest
from walled import run, users

STATUS = """
def status():
    lines = Path("/proc/self/status").read_text().splitlines()
    wanted = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Umask"}
    pairs = [line.split(":\\t") for line in lines]
    return {pair[0]: pair[1] for pair in pairs if pair[0] in wanted}
"""
NONE = "0" * 16
DROP = "found = privileges.drop()"
DROP_ALL = "privileges.drop_bounding()\n" + DROP
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has capabilities to drop")


@as_root
def test_root_is_left_without_any_capability() -> None:
    """
    One is enough to read another process's memory past Landlock.
    """
    before = run(STATUS, "found = status()")
    after = run(STATUS, DROP_ALL, "found = status()")

    assert before["CapEff"] != NONE
    assert before["CapBnd"] != NONE
    assert [NONE] * 5 == [after[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")]
    assert ("1", "0077") == (after["NoNewPrivs"], after["Umask"])


def test_whoever_has_none_only_makes_sure() -> None:
    """
    An ordinary user's service must build this wall too.
    """
    after = run(STATUS, DROP, "found = status()", user=users()[-1])

    assert [NONE] * 4 == [after[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Amb")]
    assert ("1", "0077") == (after["NoNewPrivs"], after["Umask"])


def test_it_can_be_built_twice() -> None:
    """
    Nested namespaces bring a full set again, and the same steps run once more.
    """
    assert run(DROP, DROP, "found = any(syscalls.capabilities())") is False


def test_a_nested_user_namespace_s_capabilities_are_dropped() -> None:
    """
    Whoever enters one holds them all, over what the namespace owns.
    """
    found = run(
        "syscalls.unshare(syscalls.CLONE_NEWUSER)\nbefore = syscalls.capabilities()[0] != 0",
        DROP_ALL,
        """
        left = [syscalls.prctl(syscalls.PR_CAPBSET_READ, n) for n in range(30)]
        found = [before, any(syscalls.capabilities()), any(left)]
        """,
    )

    assert [True, False, False] == found


@as_root
def test_capabilities_do_not_come_back_with_an_id_or_a_program() -> None:
    """
    Without the locks, root would gain them by executing any file.
    """
    probe = """
        read = "grep CapEff /proc/self/status"
        done = subprocess.run(["/bin/sh", "-c", read], capture_output=True, text=True, check=True)
        found = [
            done.stdout.split()[1], syscalls.prctl(syscalls.PR_GET_SECUREBITS),
            attempt(lambda: syscalls.prctl(syscalls.PR_SET_SECUREBITS, 0)),
        ]
        """

    assert run(probe)[0] != NONE
    assert run(DROP_ALL, probe) == [NONE, 0b1110_1111, "EPERM"]


def test_the_process_cannot_be_looked_into() -> None:
    """
    Not dumpable: its /proc files are root's, and nobody of the same id may trace it.
    """
    probe = """
        child = os.fork()
        if child == 0:
            os._exit(0 if attempt(lambda: open(f"/proc/{os.getppid()}/environ", "rb").close())
                     == "allowed" else 1)
        looked = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        found = [looked, syscalls.prctl(syscalls.PR_GET_DUMPABLE)]
        """
    # Changing ids makes a process foreign to itself; this is as if it had been started so.
    ordinary = "syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)"

    assert run(ordinary, probe, user=users()[-1]) == [True, 1]
    assert run(ordinary, DROP, probe, user=users()[-1]) == [False, 0]


def test_the_bounding_set_needs_its_capability() -> None:
    """
    Asked for too late, it says so instead of leaving the set as it was.
    """
    body = "found = attempt(privileges.drop_bounding)"

    assert run(DROP, body, user=users()[-1]) == "EPERM"
