"""
Finds runs in the database, for whoever may see them; and whether there is room for one more.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from toolcell_server import principal
from toolcell_server.refusals import RequestIdReused, TooManyWorkflows, UnknownRun
from toolcell_server.storing import storing

if TYPE_CHECKING:
    from toolcell_server.principal import Principal
    from toolcell_server.settings.workflows import WorkflowSettings
    from toolcell_server.workflows.runs_store import Row, RunsStore

_NANOSECONDS: Final = 10**9
_SHARE: Final = 0.75  # arbitrary; of all bytes, what one principal's runs may have


class Finding:
    """
    Runs of `principal.current()`, and others that he may see.
    """

    def __init__(self, store: RunsStore, bounds: WorkflowSettings) -> None:
        self._store = store
        self._bounds = bounds

    def earlier(self, request_id: str, fingerprint: bytes) -> Row | None:
        """
        The caller's run with that `request_id`.

        Raises:
            RequestIdReused: it was asked for something else.
            StoreFailed: nobody can tell.
        """
        if not request_id:
            return None
        with storing("look a request_id up"):
            row = self._store.by_request(principal.current().name, request_id)
        if row is not None and row.fingerprint != fingerprint:
            raise RequestIdReused(request_id)
        return row

    def find(self, run_id: str) -> Row:
        """
        A run that the caller may see.

        Raises:
            StoreFailed: nobody can tell.
            UnknownRun: there is none; one of somebody else is refused in the same words.
        """
        with storing("look a workflow up"):
            row = self._store.get(run_id)
        if row is None or not principal.current().may_see(row.principal):
            raise UnknownRun(run_id)
        return row

    def check_room(self, caller: Principal) -> None:
        """
        Remove what is too old or too much, and look whether there is room.

        Raises:
            TooManyWorkflows: there is none, or the caller has too many that have not ended.
        """
        keep, most = round(self._bounds.keep_seconds * _NANOSECONDS), self._bounds.maximum_bytes
        share = most * _SHARE
        crowding = caller.name if self._store.size_of(caller.name) > share else None
        if self._store.size > most:
            crowding = self._store.largest
        self._store.forget(time.time_ns() - keep, crowding)
        if self._store.size_of(caller.name) > share:
            raise TooManyWorkflows("bytes of runs", round(share))
        if self._store.size > most:
            raise TooManyWorkflows("bytes of runs, together with all others", most)
        if self._store.count_open(caller.name) >= self._bounds.runs:
            raise TooManyWorkflows("runs that have not ended", self._bounds.runs)
