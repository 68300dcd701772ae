"""
Whole cells of one zygote: what is alike in two of them, and what must not be.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cells import ZygoteAlone, cell_grant
from processes import descendants
from toolcell_worker.forking import GRANTS
from toolcell_worker.walls.rlimits import MOST_NICE, NICENESS
from toolcell_worker.wire import HEADER, Frame
from warmth import Warmth

if TYPE_CHECKING:
    from collections.abc import Iterator

BUNDLE = str(Path(__file__).parent / "bundle")
DRAWN = """
import random, secrets, tempfile, uuid, os, sys
numpy = sys.modules.get("numpy.random")
result = {
    "shared": random.random(), "own": random.Random().random(), "secret": secrets.token_hex(8),
    "gauss": random.gauss(0, 1), "uuid": str(uuid.uuid4()), "urandom": os.urandom(8).hex(),
    "name": next(tempfile._get_candidate_names()), "generator": random.SystemRandom().random(),
    "numpy": numpy.random() if numpy else os.urandom(8).hex(),
}
"""
LEFT = """
import builtins, os, sys, json
result = [
    hasattr(builtins, "mark"), "mark" in os.environ, hasattr(json, "mark"), os.getcwd() != "/tmp",
    os.umask(0o77) != 0o77,
    [folder for folder in ("/tmp", "/dev/shm") if os.path.exists(f"{folder}/mark")],
]
builtins.mark = json.mark = 1
os.environ["mark"] = "x"
os.umask(0)
for folder in ("/tmp", "/dev/shm"):
    open(f"{folder}/mark", "w").write("x")
os.chdir("/dev/shm")
"""
NOTHING_LEFT = [False, False, False, False, False, []]
ENVIRONMENT = "import os; result = dict(os.environ)"


@pytest.fixture(scope="module")
def warmth() -> Iterator[Warmth]:
    zygote = ZygoteAlone(BUNDLE)
    yield Warmth(zygote)
    zygote.close()


def both(warmth: Warmth, code: str) -> list[Any]:
    """
    What the same code finds in two cells that are there together, and in one in the room of the
    first.
    """
    cells = [warmth.make() for _ in range(2)]
    for cell in cells:
        cell.ready()
    found = []
    for cell in cells:
        cell.call("run_code", {"code": code})
        found.append(warmth.end(cell).payload(Frame.RESULT))
    return [*found, warmth.value(code)]


def test_no_two_cells_draw_the_same(warmth: Warmth) -> None:
    """
    All are forks of one process, made before anybody called.
    """
    found = both(warmth, DRAWN)

    for name in found[0]:
        assert len(found) == len({draws[name] for draws in found}), name


def test_no_cell_finds_what_another_has_left(warmth: Warmth) -> None:
    """
    Neither in memory nor in files, nor in what its process was.
    """
    assert [NOTHING_LEFT] * 3 == both(warmth, LEFT)


def test_each_cell_has_the_environment_of_its_own_grant(warmth: Warmth) -> None:
    """
    It is declared in the zygote, before the fork; a spare that was made meanwhile has its own, too.
    """
    first, second = (("ONE", "1"), ("HOME", "/tmp")), (("TWO", "2"),)
    cells = [warmth.make(environment=each) for each in (first, second, first, ())]
    for cell, each in zip(cells, (first, second, first, ()), strict=True):
        cell.call("run_code", {"code": ENVIRONMENT})
        assert dict(each) == warmth.end(cell).payload(Frame.RESULT)
    spare = warmth.zygote.call("run_code", {"code": ENVIRONMENT}, environment=second)
    assert dict(second) == spare.payload(Frame.RESULT)


def test_each_cell_has_the_user_of_its_own_slot(warmth: Warmth) -> None:
    """
    The walls of one grant are written down once, for every slot.
    """
    code = "import os; result = [*os.getresuid(), *os.getresgid(), *os.getgroups()]"
    slots = (4, 9, 4)
    cells = [warmth.make(slot) for slot in slots]
    found = []
    for cell in cells:
        cell.call("run_code", {"code": code})
        found.append(warmth.end(cell).payload(Frame.RESULT))

    ranged = warmth.zygote.identity is not None
    expected = [slot + 1 if ranged else 1000 for slot in slots]
    assert expected == [ids[0] for ids in found]
    # Whoever only has an own user namespace has kept groups there that nobody can name.
    assert all(len(set(ids[:6])) == 1 for ids in found)
    assert not ranged or [6] * 3 == [len(ids) for ids in found]


def test_each_cell_has_the_limits_of_its_own_grant(warmth: Warmth) -> None:
    code = "import resource; result = resource.getrlimit(resource.RLIMIT_NOFILE)[1]"

    assert [40, 50, 40] == [warmth.value(code, open_files=count) for count in (40, 50, 40)]


@pytest.mark.parametrize("packed", [b"x", b"\0" * 10, b"\xff" * 200, cell_grant().pack()[:-1]])
def test_a_grant_that_is_none_costs_one_cell(warmth: Warmth, packed: bytes) -> None:
    """
    It is an answer; the zygote goes on.
    """
    message, _, resources = warmth.spawn(next(warmth.numbers), None, packed)
    resources.close()

    assert Frame.NOT_SPAWNED == message.kind
    assert 1 == warmth.value("result = 1")


def test_a_wall_that_cannot_be_prepared_is_named_and_costs_one_cell(warmth: Warmth) -> None:
    """
    Nobody could count here: this zygote was not told to let its cells be observed.
    """
    packed = cell_grant(counted=True).pack()
    message, _, resources = warmth.spawn(next(warmth.numbers), None, packed)
    resources.close()

    assert (Frame.NOT_SPAWNED, "seccomp") == (message.kind, message.json()["wall"])
    assert 1 == warmth.value("result = 1")


def test_many_grants_cost_no_descriptors_and_no_more_processes(warmth: Warmth) -> None:
    """
    Callers choose limits: as many grants as they like must not fill the zygote.
    """
    assert 1 == warmth.value("result = 1")
    zygote = descendants(warmth.zygote.process.pid)[0]
    held = Path(f"/proc/{zygote}/fd")
    before = len(os.listdir(held)), len(warmth.inits())
    for number in range(GRANTS + 6):
        assert 1 == warmth.value("result = 1", cpu_seconds=10.0 + number)

    assert before == (len(os.listdir(held)), len(warmth.inits()))


def test_a_cell_that_is_let_go_of_before_its_call_just_ends(warmth: Warmth) -> None:
    """
    Its server has closed the channel: there is nobody whose call it could serve.
    """
    cell = warmth.make()
    cell.ready()
    cell.ends.channel.shutdown(2)
    ended = warmth.end(cell)

    assert os.WIFEXITED(ended.wait_status)
    assert [] == ended.frames
    assert 1 == warmth.value("result = 1")


def frame(kind: int, payload: bytes, length: int | None = None) -> bytes:
    return HEADER.pack(kind, len(payload) if length is None else length) + payload


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"\xff" * 5, id="of no kind"),
        pytest.param(frame(Frame.GRANT, b"{}"), id="another"),
        pytest.param(frame(Frame.CALL, b"", 2**32 - 1), id="of 4 GiB"),
        pytest.param(frame(Frame.CALL, b"x"), id="a call that is cut off"),
        pytest.param(frame(Frame.CALL, b"x" * 8, 9), id="a frame that is cut off"),
    ],
)
def test_what_is_no_call_runs_nothing(warmth: Warmth, frame: bytes) -> None:
    cell = warmth.make()
    cell.ready()
    cell.ends.channel.sendall(frame)
    cell.ends.channel.shutdown(1)
    ended = warmth.end(cell)

    assert Frame.RESULT not in ended.kinds
    assert 0 != ended.wait_status


def test_a_cell_that_cannot_rehearse_serves_its_call_nevertheless(warmth: Warmth) -> None:
    """
    It has no descriptors for that; the control has just enough, and keeps none of them.
    """
    count = "import os; result = len([fd for fd in range(64) if _open(fd)])"
    is_open = """
import os
def _open(fd):
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
"""
    for open_files in (5, 6):
        assert 4 == warmth.value(is_open + count, open_files=open_files)


def test_a_cell_comes_after_its_zygote_and_cannot_come_before_it(warmth: Warmth) -> None:
    """
    Both lives.
    """
    code = """
import os
before = os.getpriority(os.PRIO_PROCESS, 0)
try:
    os.setpriority(os.PRIO_PROCESS, 0, before - 1)
except OSError as exc:
    result = [before, exc.errno]
"""
    zygotes = os.getpriority(os.PRIO_PROCESS, warmth.zygote.process.pid)
    expected = [min(zygotes + NICENESS, MOST_NICE), errno.EACCES]

    assert expected == warmth.value(code)
    assert expected == warmth.zygote.call("run_code", {"code": code}).payload(Frame.RESULT)
