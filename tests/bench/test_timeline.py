"""
A profile must say what belongs to a call, and what to the cell that waited for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import marks, timeline

if TYPE_CHECKING:
    from pathlib import Path

US = 1000
SERVER = [
    (0, 100 * US, 0, "call"),  # left out: it warms up
    (1000 * US, 1100 * US, 50 * US, "call"),
    (1010 * US, 1020 * US, 10 * US, "Channel.send_at_once CALL"),
]
CELL = [
    (500 * US, 510 * US, 0, "forked"),
    (520 * US, 600 * US, 70 * US, "wall mounts"),
    (610 * US, 611 * US, 0, "received CALL"),  # of the rehearsal
    (612 * US, 613 * US, 0, "send RESULT"),
    (1025 * US, 1025 * US, 0, "received CALL"),
    (1030 * US, 1045 * US, 15 * US, "decoding"),
    (1080 * US, 1080 * US, 0, "send RESULT"),
]
NEXT = [
    (1020 * US, 1030 * US, 0, "forked"),
    (1040 * US, 1090 * US, 40 * US, "wall mounts"),
]


def test_what_a_cell_did_ahead_is_told_apart_from_the_call() -> None:
    of_call, ahead, total = timeline.stages(SERVER, [CELL, NEXT], "call")
    assert total == 100.0
    found = [(each.what, each.after, each.wall) for each in of_call if each.where == "cell"]
    assert found[:2] == [("received CALL", 25.0, 0.0), ("decoding", 30.0, 15.0)]
    assert [(each.what, each.wall) for each in ahead][:2] == [
        ("forked", 10.0),
        ("wall mounts", 80.0),
    ]
    assert {"received CALL", "send RESULT"} == {each.what for each in ahead[2:]}


def test_the_parts_of_a_call_are_the_call() -> None:
    of_call, _, total = timeline.stages(SERVER, [CELL, NEXT], "call")
    parts = timeline.parts(of_call, total)
    assert parts[0] == ("admission, and what precedes the cell", 20.0)
    assert sum(taken for _, taken in parts) == total


def test_marks_are_read_as_they_were_written(tmp_path: Path) -> None:
    noted = marks.Marks(str(tmp_path / "marks"))
    with noted.stage("one"):
        pass
    noted.add("two, with a name that is longer than there is room for in a record", 1, 2, 3)
    [[first, second]] = marks.regions((tmp_path / "marks").read_bytes())
    assert first[3] == "one"
    assert first[0] <= first[1]
    assert second[:3] == (1, 2, 3)
    assert second[3].startswith("two, with a name")


def test_a_name_that_is_gone_is_passed_over(tmp_path: Path) -> None:
    noted = marks.Marks(str(tmp_path / "marks"))
    assert not marks.wrap(noted, "bench.timeline:was_there_once")
    assert not marks.wrap(noted, "bench.nowhere:function")
