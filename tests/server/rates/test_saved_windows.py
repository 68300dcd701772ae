"""
What a day allows outlives the server.
"""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING

import pytest
from clocks import Clock
from counting import rule, use
from toolcell_server.database import FILE, Database, StoreFailed
from toolcell_server.rates.memory import MemoryWindows
from toolcell_server.rates.saved import SAVE_SECONDS, Saved

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MINUTE, DAY = rule("5/minute", "5/day").bounds
CPU = rule(cpu_seconds_per_day=10.0).bounds[0]


class Later:
    """
    What would be called later, until a test calls it.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[float, Callable[[], None]]] = []

    def __call__(self, seconds: float, function: Callable[[], None]) -> None:
        self.asked.append((seconds, function))

    def comes(self) -> None:
        asked, self.asked = self.asked, []
        for _, function in asked:
            function()


class Counted:
    """
    Windows over a database in a folder, as a server has them.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.database = Database.opened(str(folder))
        self.later = Later()
        self.saved = Saved(self.database, self.later)
        self.windows = MemoryWindows(clock, self.saved)

    def take(self) -> None:
        asyncio.run(self.windows.take([use(MINUTE), use(DAY)]))

    def used(self) -> list[int]:
        uses = [use(MINUTE), use(DAY), use(CPU)]
        _, standings = asyncio.run(self.windows.take(uses, only_look=True))
        return [standing.used for standing in standings]

    def rows(self) -> int:
        return len(self.database.query("SELECT key FROM rate_windows"))

    def die(self) -> None:
        """
        As by SIGKILL: the file is let go, and nothing more is written.
        """
        self.database.close()


def test_what_was_saved_is_there_after_a_restart_and_minutes_are_not_saved(tmp_path: Path) -> None:
    """
    Positive control: what was not saved is not there.
    """
    clock = Clock()
    first = Counted(tmp_path, clock)
    first.take()
    first.windows.charge(use(CPU), 3_000_000)
    first.later.comes()
    first.take()
    first.die()
    second = Counted(tmp_path, clock)

    assert [0, 1, 3_000_000] == second.used()
    second.die()


def test_a_second_of_calls_is_one_write(tmp_path: Path) -> None:
    """
    No call pays for it.
    """
    counted = Counted(tmp_path, Clock())
    for _ in range(5):
        counted.take()

    assert [SAVE_SECONDS] == [seconds for seconds, _ in counted.later.asked]
    assert counted.rows() == 0
    counted.later.comes()
    assert counted.rows() == 1
    assert counted.later.asked == []
    counted.die()


def test_the_last_second_is_saved_at_the_end(tmp_path: Path) -> None:
    """
    A server that ends in good order forgets nothing.
    """
    clock = Clock()
    first = Counted(tmp_path, clock)
    first.take()
    first.saved.save()
    first.die()
    second = Counted(tmp_path, clock)

    assert second.used()[1] == 1
    second.die()


def test_a_timer_that_fires_after_the_end_finds_nothing_to_do(tmp_path: Path) -> None:
    """
    The database is closed then, and nothing is wrong.
    """
    counted = Counted(tmp_path, Clock())
    counted.take()
    counted.saved.save()
    counted.die()
    counted.later.comes()

    assert not counted.saved.failing


def test_what_no_longer_counts_is_deleted(tmp_path: Path) -> None:
    """
    While the server runs, and at its start.
    """
    clock = Clock()
    first = Counted(tmp_path, clock)
    first.take()
    first.saved.save()
    clock.now += 86400
    first.windows.charge(use(CPU, "principal:bob"), 1)
    first.take()
    first.saved.save()
    assert first.rows() == 2  # bob's, and alice's of now
    first.die()
    clock.now += 86400
    second = Counted(tmp_path, clock)
    second.windows.charge(use(CPU), 1)
    second.later.comes()

    assert second.rows() == 1
    second.die()


def test_while_it_cannot_be_saved_what_lasts_is_refused_and_then_goes_on(tmp_path: Path) -> None:
    """
    A restart would give everybody a new quota.  What is over in a minute is not concerned.
    """
    clock = Clock()
    counted = Counted(tmp_path, clock)
    counted.database.execute("ALTER TABLE rate_windows RENAME TO away")
    counted.take()
    counted.later.comes()

    with pytest.raises(StoreFailed, match="rate_windows"):
        counted.take()
    asyncio.run(counted.windows.take([use(MINUTE)]))
    counted.later.comes()  # it is tried again without anybody's call
    assert counted.saved.failing
    counted.database.execute("ALTER TABLE away RENAME TO rate_windows")
    counted.later.comes()
    counted.take()

    assert counted.rows() == 1
    counted.die()


def test_a_row_that_nobody_wrote_stops_the_start(tmp_path: Path) -> None:
    """
    Whoever cannot read what is left must not guess that all is.
    """
    counted = Counted(tmp_path, Clock())
    counted.die()
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("INSERT INTO rate_windows VALUES ('k', 86400, 'abc')")
    connection.close()

    with pytest.raises(StoreFailed, match="rate_windows, key 'k'"):
        Counted(tmp_path, Clock())
