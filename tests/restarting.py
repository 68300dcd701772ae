"""
A service whose executions outlive it: the same folder, one server after the other, in one process.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

from served import Service, serving
from toolcell_server.database import Database
from toolcell_server.records.ahead import Ahead
from toolcell_server.records.ledger import Ledger
from toolcell_server.records.recovering import recover
from toolcell_server.records.remembering import Remembering
from toolcell_server.settings.records import RecordsSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from scripted_executor import ScriptedExecutor
    from toolcell_server.records.entries import Entry

HOUR = 3600.0
SECOND = 10**9  # nanoseconds


class Clock:
    """
    Nanoseconds, as the test has them.
    """

    def __init__(self) -> None:
        self.now = 1_800_000_000 * SECOND

    def __call__(self) -> int:
        return self.now


class Kept:
    """
    An opened database of executions.
    """

    def __init__(self, folder: Path, clock: Clock, **bounds: Any) -> None:
        self.clock = clock
        self.database = Database.opened(str(folder))
        self.ahead = Ahead(folder)
        self.ledger = Ledger(self.database, self.ahead)
        self.failures: Counter[str] = Counter()
        settings = RecordsSettings(**bounds)
        count = self.failures.update
        self.remembering = Remembering(
            self.ledger, settings, HOUR, lambda operation: count([operation]), clock
        )
        self.recovered = recover(self.ledger, clock())

    def rows(self) -> list[Entry]:
        return self.ledger._select("ORDER BY number")

    def close(self) -> None:
        """
        As a server that dies: what waits for the database is in the file ahead of it.
        """
        self.ledger.close()
        self.database.close()

    def writable(self, *, yes: bool) -> None:
        """
        Let SQLite, and the file ahead of it, refuse what would write, as on a file system that has
        become read-only.
        """
        if not yes:
            self.ledger.take_over()
        file = self.ahead._file
        other = os.open(file.path if yes else "/dev/full", os.O_WRONLY | os.O_APPEND)
        os.dup2(other, file._descriptor)
        os.close(other)
        self.database.query(f"PRAGMA query_only = {'OFF' if yes else 'ON'}")


@contextlib.contextmanager
def kept(folder: Path, clock: Clock | None = None, **bounds: Any) -> Iterator[Kept]:
    one = Kept(folder, clock or Clock(), **bounds)
    try:
        yield one
    finally:
        one.close()


@contextlib.asynccontextmanager
async def restarted(
    folder: Path,
    executor: ScriptedExecutor,
    *,
    clock: Clock | None = None,
    bounds: dict[str, Any] | None = None,
    dies: bool = False,
    **keeping: Any,
) -> AsyncIterator[tuple[Service, Kept]]:
    """
    A service with what the one before in that folder left.  `dies`: it ends as by `kill -9`, and
    writes nothing more.
    """
    with kept(folder, clock, **(bounds or {})) as one:
        async with serving(executor, remembers=one.remembering, **keeping) as service:
            yield service, one
            if dies:
                one.close()
        if not dies:
            service.executions.close()
