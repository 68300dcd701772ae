"""
What the probe says of cells of two lives is what both have.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from faults.interpreters import interpreter
from toolcell.v1 import execution_pb2 as pb
from toolcell_server import host_ids
from toolcell_server.makes import Make
from toolcell_server.probing import UNTRIED, Tried, prove
from toolcell_server.slots import Slots
from toolcell_server.zygote import Zygote, ZygoteFailed

if TYPE_CHECKING:
    from toolcell_server.isolation import Isolation

BUNDLE = str(Path(__file__).parents[1] / "sandbox_worker" / "bundle")
SECONDS = 30.0
# Each takes one wall away, mostly of the cells of one life alone.
REMOVED = {
    "hostname of spares": (
        pb.WALL_HOSTNAME,
        "import socket; socket.sethostname = lambda name: None",
    ),
    "hostname of whole cells": (
        pb.WALL_HOSTNAME,
        (
            "from toolcell_worker import steps; kept = steps.Steps.call; steps.Steps.call ="
            " lambda self, name, *a, what='': steps.Value(0) if name == 'sethostname'"
            " else kept(self, name, *a, what=what)"
        ),
    ),
    "the bounding set of the zygote": (
        pb.WALL_PRIVILEGES,
        "from toolcell_worker.walls import privileges; privileges.drop_bounding = lambda: None",
    ),
    "rlimits of whole cells": (
        pb.WALL_RLIMITS,
        "from toolcell_worker.walls import rlimits; rlimits.add_open_files = lambda *a: None",
    ),
    "descriptors of whole cells": (
        pb.WALL_DESCRIPTORS,
        (
            "from toolcell_worker import steps; kept = steps.Steps.call; steps.Steps.call ="
            " lambda self, name, *a, what='': steps.Value(0) if name == 'close_range'"
            " else kept(self, name, *a, what=what)"
        ),
    ),
}


def test_the_worse_of_two_findings_counts() -> None:
    """
    A wall that one of them did not try is not known to be up.
    """
    one = Tried({"a": "active", "b": "active", "c": "gone", "d": "active"}, True, True)
    other = Tried({"a": "active", "b": "gone", "c": "active", "e": "active"}, False, True)

    for first, second in ((one, other), (other, one)):
        worse = first.or_worse(second)
        assert worse.found == {
            "a": "active",
            "b": "gone",
            "c": "gone",
            "d": UNTRIED,
            "e": UNTRIED,
        }
        assert (False, True) == (worse.counted, worse.observed)


async def proved(python: str) -> Isolation:
    ids = host_ids.spare_ids()
    identity = {"first": ids[0], "count": ids[1]} if ids else None
    told = {"bundle": "test", "path": BUNDLE, "identity": identity, "observed": True}
    zygote = await Zygote.start(told, python, SECONDS)
    try:
        async with asyncio.timeout(SECONDS):
            return await prove(zygote, Slots(), Make())
    finally:
        zygote.close()
        await zygote.wait_closed()


def test_cells_of_both_lives_have_every_wall() -> None:
    """
    The positive control.
    """
    isolation = asyncio.run(proved(""))
    missing = [wall for wall in isolation.walls if wall.status == pb.WALL_STATUS_ABSENT]

    assert [] == missing


@pytest.mark.parametrize(("wall", "change"), REMOVED.values(), ids=REMOVED)
def test_a_wall_that_cells_of_one_life_lack_is_not_reported(
    tmp_path: Path, wall: pb.Wall.ValueType, change: str
) -> None:
    """
    Callers ask for walls, not for lives.
    """
    tmp_path.chmod(0o755)
    unbuilt = ""
    try:
        isolation = asyncio.run(proved(interpreter(tmp_path, change)))
        found = {one.wall: one.status for one in isolation.walls}
    except ZygoteFailed as exc:
        found, unbuilt = {}, exc.wall

    assert unbuilt or pb.WALL_STATUS_ABSENT == found[wall]  # or another wall has noticed
