"""
Every system call of a cell's set-up fails in turn, of a spare's and of a whole cell's: there is no
tool without all of its walls.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from toolcell_worker.wire import Frame
from waiting import wait_until

from faults.made import ERRORS, INIT, PLAIN_SPARE, SPARE, TOOL, WHOLE, Made, faults_in
from faults.set_up import Foundry
from faults.table import faults_of, lines, outcomes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Each call alone is some three hundred cells for each error; all of them take about a minute.
AT_LENGTH = pytest.mark.skipif(
    "EVERY_FAULT" not in os.environ,
    reason="each of some 230 calls of a cell fails in turn, which takes minutes: make faults",
)
ALONE = ERRORS if "EVERY_FAULT" in os.environ else ERRORS[:1]
# By which a cell speaks to the server: without them it cannot say what failed.
SPEAKING = {"recvmsg", "recvfrom", "sendmsg", "getsockopt", "getsockname"}
# Each lets one wall be skipped, as code would that forgets to look at a result.
OMISSIONS = {
    "hostname": "import socket; socket.sethostname = lambda name: None",
    "landlock": "from toolcell_worker.walls import landlock; landlock.restrict = lambda *rest: 0",
    "rlimits": "from toolcell_worker.walls import rlimits; rlimits.set_for = lambda *a, **k: None",
    "privileges": "from toolcell_worker.walls import privileges;"
    " privileges.drop = lambda: privileges.syscalls.prctl(38, 1)",  # PR_SET_NO_NEW_PRIVS
    "identity": "from toolcell_worker.walls import identity; identity.assume = lambda *a, **k: 0",
    "descriptors": "from toolcell_worker.walls import descriptors;"
    " descriptors.syscalls.close_range = lambda *rest: None",
    "environment": "from toolcell_worker.walls import environment;"
    " environment.declare = lambda variables: None",
}
NOTHING = "lambda *a, **k: None"
WITHOUT_STEP = "from toolcell_worker import steps; kept = steps.Steps.call; steps.Steps.call ="
# The same of a whole cell, whose walls are steps.
OMISSIONS_OF_WHOLE = {
    **{
        wall: f"{WITHOUT_STEP} lambda self, name, *a, what='':"
        f" steps.Value(0) if name == {call!r} else kept(self, name, *a, what=what)"
        for wall, call in (
            *(("processes", "setsid"), ("hostname", "sethostname"), ("identity", "setresuid")),
            *(("groups", "setresgid"), ("landlock", "landlock_restrict_self")),
            *(("umask", "umask"), ("descriptors", "close_range")),
            # Whoever becomes another user than root has none left (capabilities(7)).
            *(() if os.geteuid() == 0 else (("capabilities", "capset"),)),
            *(("rlimits", "prlimit64"), ("folder", "chdir"), ("scratch", "fchownat")),
        )
    },
    "mounts": f"from toolcell_worker.walls import mounts; mounts.add_steps = {NOTHING}",
    "privileges": "from toolcell_worker.walls import privileges; privileges.add_steps ="
    " lambda steps, **k: steps.call('prctl', 38, 1, 0, 0, 0)",  # PR_SET_NO_NEW_PRIVS
    "open files": f"from toolcell_worker.walls import rlimits; rlimits.add_open_files = {NOTHING}",
    "environment": OMISSIONS["environment"],
}
EVERY_OMISSION = [
    *((SPARE, wall, change) for wall, change in OMISSIONS.items()),
    *((WHOLE, wall, change) for wall, change in OMISSIONS_OF_WHOLE.items()),
]
LIVES = (SPARE, WHOLE)


@pytest.fixture(scope="module")
def foundry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Foundry]:
    one = Foundry(tmp_path_factory.mktemp("foundry"))
    assert one.start().kind == Frame.CATALOGUE
    yield one
    one.close()


@pytest.fixture(scope="module")
def cells(foundry: Foundry) -> dict[str, Made]:
    """
    A cell of each life for which nothing failed.
    """
    return {life: foundry.make(life=life) for life in (*LIVES, PLAIN_SPARE)}


@pytest.mark.parametrize("life", LIVES)
def test_a_set_up_that_nothing_disturbs_is_the_same_each_time(
    foundry: Foundry, cells: dict[str, Made], life: str
) -> None:
    """
    The positive control of what follows: it fails for the faults, not for being watched.
    """
    sound, again = cells[life], foundry.make(life=life)

    assert ("ready", "ready", []) == (sound.ending, again.ending, faults_in(sound, again))
    # The init is another process, and may be further or less far by the end of the tool.
    assert _of_tool(sound) == _of_tool(again)
    assert {INIT, TOOL} == set(sound.portraits)
    named = {name for role, name in sound.calls if role == TOOL}
    assert {"unshare", "move_mount", "setresuid", "capset", "prlimit64", "seccomp"} <= named
    assert {"landlock_restrict_self", "close_range", "sethostname", "setsid"} <= named


def test_a_whole_cell_is_from_outside_what_a_spare_with_its_grant_is(
    cells: dict[str, Made],
) -> None:
    """
    Ids, capabilities, filters, limits, namespaces, mounts and descriptors, seen by the kernel when
    the call is read; and what the probe finds inside.
    """
    assert [] == faults_in(cells[PLAIN_SPARE], cells[WHOLE])
    seen = cells[WHOLE].portraits[TOOL]
    assert {"status", "limits", "owner"} <= seen.keys()
    assert os.geteuid() != 0 or {"namespaces", "mounts", "descriptors", "folder"} <= seen.keys()


@pytest.mark.parametrize(
    ("life", "wall", "change"), EVERY_OMISSION, ids=[f"{o[0]} {o[1]}" for o in EVERY_OMISSION]
)
def test_a_wall_that_is_skipped_is_seen(
    cells: dict[str, Made], tmp_path: Path, life: str, wall: str, change: str
) -> None:
    """
    The positive control of the oracle: a cell that is less than it should be does not pass, unless
    another wall has noticed.
    """
    tmp_path.chmod(0o755)
    lax = Foundry(tmp_path, change)
    try:
        assert lax.start().kind == Frame.CATALOGUE
        made = lax.make(life=life)
    finally:
        lax.close()

    assert "ready" != made.ending or faults_in(cells[life], made)


def _of_tool(made: Made) -> Counter[str]:
    return Counter(name for role, name in made.calls if role == TOOL)


@AT_LENGTH
@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("error", "every"),
    [(error, False) for error in ALONE] + [(error, True) for error in ERRORS],
    ids=[f"one call {errno.errorcode[e]}" for e in ALONE]
    + [f"every call of a name {errno.errorcode[e]}" for e in ERRORS],
)
@pytest.mark.parametrize("life", LIVES)
def test_no_system_call_that_fails_leaves_a_cell_with_a_wall_less(
    foundry: Foundry, cells: dict[str, Made], error: int, every: bool, life: str
) -> None:
    """
    Either the cell ends before the tool and names the wall, or the call did not matter: then it is
    the same cell as ever.
    """
    sound = cells[life]
    found = outcomes(foundry, faults_of(sound, error, every=every), life)
    print("\n".join(lines(found)))

    # An init may be killed before it comes to its call, but not the init of a cell that is ready.
    late = [fault for fault, made in found if not made.met and made.ending != "ready"]
    assert {INIT} >= {fault.role for fault in late}
    assert [] == [fault for fault, made in found if not made.met and fault not in late]
    ready = [(fault, made) for fault, made in found if made.ending == "ready"]
    assert [] == [(fault, wrong) for fault, made in ready if (wrong := faults_in(sound, made))]
    assert len(found) > 2 * len(ready)
    dead = {fault.name for fault, made in found if made.ending == "died" and fault.role == TOOL}
    assert dead <= SPEAKING | {"close"}
    inits = {made.ending for fault, made in found if fault.role == INIT}
    assert inits <= {"ready", "died", "processes wall"}
    ran = [f for f, made in found if made.ending != "ready" and made.payload(Frame.RESULT)]
    assert [] == ran
    assert [] == list((foundry.root / "kept").iterdir())


@AT_LENGTH
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("life", LIVES)
def test_the_calls_that_we_list_are_those_that_strace_sees(
    foundry: Foundry, cells: dict[str, Made], tmp_path: Path, life: str
) -> None:
    """
    A call that our own tracer overlooked would never be made to fail.
    """
    log = tmp_path / "log"
    strace = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", str(log), "-p", str(foundry.zygote)], stderr=subprocess.PIPE
    )
    try:
        wait_until(lambda: _tracer_of(foundry.zygote) != 0)
        assert "ready" == foundry.make(traced=False, life=life).ending
    finally:
        strace.terminate()
        strace.communicate()
    seen: dict[str, list[str]] = {}
    for line in log.read_text().splitlines():
        pid, text = line.split(None, 1)
        if "(" in text and text[0].isalpha():
            seen.setdefault(pid, []).append(text.split("(")[0])
    tools = [calls for calls in seen.values() if "seccomp" in calls and "move_mount" in calls]

    assert 1 == len(tools)
    end = tools[0].index("read", tools[0].index("seccomp"))
    ours = Counter(name for role, name in cells[life].calls if role == TOOL)
    assert ours == Counter(tools[0][:end])


def _tracer_of(pid: int) -> int:
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("TracerPid:"))
