"""
Rooms: pid namespaces that cells which cannot fork have one after the other, and no two together.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cells import ZygoteAlone
from faults.interpreters import interpreter
from processes import await_end, descendants
from toolcell_worker.rooms import IDLE
from toolcell_worker.wire import Frame, Profile
from waiting import wait_until
from warmth import SPARES, Warmth, inner_pid

if TYPE_CHECKING:
    from collections.abc import Iterator

BUNDLE = str(Path(__file__).parent / "bundle")
PID = "import os; result = os.getpid()"
FIRST = 2  # the pid of a room's first cell


@pytest.fixture
def warmth() -> Iterator[Warmth]:
    """
    A zygote that has no rooms yet.
    """
    zygote = ZygoteAlone(BUNDLE)
    yield Warmth(zygote)
    left = descendants(zygote.process.pid)
    zygote.close()
    await_end(left, 10.0)


def settle(warmth: Warmth, rooms: int) -> list[int]:
    """
    Wait until there are so many rooms; the pids of every init.
    """
    wait_until(lambda: len(warmth.inits()) == SPARES + rooms)
    return warmth.inits()


def test_cells_that_end_by_themselves_have_one_room_after_the_other(warmth: Warmth) -> None:
    """
    What fails is an end by itself, too.
    """
    assert [FIRST, FIRST + 1] == [warmth.value(PID) for _ in range(2)]
    assert warmth.run("raise ValueError").payload(Frame.RAISED)
    assert FIRST + 3 == warmth.value(PID)
    settle(warmth, 1)


def test_no_two_cells_that_live_at_one_time_have_one_room(warmth: Warmth) -> None:
    """
    They could see and signal each other.
    """
    assert FIRST == warmth.value(PID)
    cells = [warmth.make() for _ in range(4)]
    for cell in cells:
        cell.ready()

    assert [FIRST + 1, FIRST, FIRST, FIRST] == [inner_pid(cell.pid) for cell in cells]
    settle(warmth, len(cells))
    if os.geteuid() == 0:  # who else may not look
        rooms = {os.stat(f"/proc/{cell.pid}/ns/pid").st_ino for cell in cells}
        assert len(cells) == len(rooms)
    for cell in cells:
        cell.call("run_code", {"code": PID})
        assert 0 == warmth.end(cell).wait_status
    settle(warmth, len(cells))


def test_a_cell_that_is_alone_in_its_room_sees_nobody_but_the_init(warmth: Warmth) -> None:
    """
    Whoever was there before it is gone.
    """
    look = """
import os
result = []
for pid in range(1, 300):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        continue
    except PermissionError:
        pass
    result.append(pid)
"""
    found = [warmth.value(look) for _ in range(3)]

    assert [{1, FIRST}, {1, FIRST + 1}, {1, FIRST + 2}] == [{1, *pids} for pids in found]


@pytest.mark.parametrize(
    "end", ["os.kill(os.getpid(), 6)", "os.abort()", "os._exit(3)", "os.kill(1, 9)"]
)
def test_a_room_is_given_up_after_a_cell_that_did_not_end_as_it_should(
    warmth: Warmth, end: str
) -> None:
    """
    Nobody knows what state it was in.  (What a cell sends to its init never comes there.)
    """
    assert FIRST == warmth.value(PID)
    before = set(settle(warmth, 1))
    warmth.run(f"import os; {end}")
    given_up = end != "os.kill(1, 9)"

    assert (FIRST if given_up else FIRST + 2) == warmth.value(PID)
    after = set(settle(warmth, 1))
    assert given_up == (before != after)


def test_a_cell_that_is_killed_leaves_its_room_empty(warmth: Warmth) -> None:
    """
    As each is by a server that knows of its end.
    """
    cell = warmth.make()
    cell.ready()
    before = settle(warmth, 1)
    cell.kill()

    assert signal.SIGKILL == os.WTERMSIG(warmth.end(cell).wait_status)
    assert FIRST + 1 == warmth.value(PID)
    assert before == settle(warmth, 1)


def test_a_room_is_given_up_after_some_uses(tmp_path: Path) -> None:
    """
    However well its cells behaved.
    """
    tmp_path.chmod(0o755)
    python = interpreter(tmp_path, "from toolcell_worker import rooms; rooms.USES = 2")
    warmth = Warmth(ZygoteAlone(BUNDLE, python=python))
    try:
        pids = [warmth.value(PID) for _ in range(5)]
        settle(warmth, 1)
    finally:
        warmth.zygote.close()

    assert [FIRST, FIRST + 1, FIRST, FIRST + 1, FIRST] == pids


def test_an_init_that_is_killed_while_its_room_is_idle_is_nobodys_loss(warmth: Warmth) -> None:
    """
    The next cell has another room, and nothing is left of it, not even an entry of the dead.
    """
    spares = set(settle(warmth, 0))
    assert FIRST == warmth.value(PID)
    [init] = set(settle(warmth, 1)) - spares
    os.kill(init, signal.SIGKILL)
    await_end([init], 10.0)

    assert FIRST == warmth.value(PID)
    assert init not in settle(warmth, 1)


def test_an_init_that_is_killed_ends_the_cell_of_its_room_only(warmth: Warmth) -> None:
    spares = set(settle(warmth, 0))
    doomed = warmth.make()
    doomed.ready()
    [init] = set(settle(warmth, 1)) - spares
    other = warmth.make()
    other.ready()
    os.kill(init, signal.SIGKILL)

    assert signal.SIGKILL == os.WTERMSIG(warmth.end(doomed).wait_status)
    other.call("run_code", {"code": PID})
    assert FIRST == warmth.end(other).payload(Frame.RESULT)
    settle(warmth, 1)


def test_a_cell_that_may_fork_has_a_room_of_its_own_which_ends_with_it(warmth: Warmth) -> None:
    """
    Whatever it left running is dead when its end is told.
    """
    assert FIRST == warmth.value(PID)
    daemon = "import os, time\nif os.fork() == 0: time.sleep(600)\nresult = os.getpid()"
    for _ in range(2):
        cell = warmth.make(profile=Profile.SUBPROCESS)
        cell.call("run_code_with_programs", {"code": daemon})
        assert FIRST == warmth.end(cell).payload(Frame.RESULT)
    wait_until(lambda: len(descendants(warmth.zygote.process.pid)) == 1 + 2 * SPARES + 1)
    assert FIRST + 1 == warmth.value(PID)


def test_rooms_of_a_burst_are_not_all_kept(warmth: Warmth) -> None:
    cells = [warmth.make() for _ in range(IDLE + 3)]
    for cell in cells:
        cell.call("run_code", {"code": PID})
    assert {0} == {warmth.end(cell).wait_status for cell in cells}
    settle(warmth, IDLE)
