"""
From lines to the disk: once for all of a turn of the event loop.

Theory of operation.  One write to the page cache for a batch costs some microseconds and survives
the death of this process; a thread for it would cost more than it saves.  What takes as long as a
disk does is in one (`synchronizing.py`).  What cannot be written is kept, up to `MAXIMUM_BUFFERED`
bytes, and tried again every second.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from toolcell_server.audit.faults import Faults
from toolcell_server.audit.synchronizing import Synchronizing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from toolcell_server.audit.files import Files
    from toolcell_server.audit_metrics import AuditMetrics
    from toolcell_server.settings.audit import AuditSettings

_log = logging.getLogger(__name__)
MAXIMUM_BUFFERED: Final = 4 * 2**20  # bytes of lines that could not be written yet
RETRY_SECONDS: Final = 1.0  # arbitrary; a full disk is not emptied sooner


class Writing:
    """
    Writes lines to the files, as durably as the settings say.  `again` is called when it is time to
    try once more what did not work.
    """

    def __init__(
        self,
        settings: AuditSettings,
        copy: Path | None,
        metrics: AuditMetrics,
        again: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._again = again
        self._has_copy = copy is not None
        self.faults = Faults(metrics)
        self.files: Files  # set before anything else
        self._disk = Synchronizing(copy, self._failed)
        self._lines: list[bytes] = []
        self._bytes = 0
        self._uncounted = (0, 0)  # records and bytes that the metrics do not know of
        self._checkpoint = b""  # among the lines, and not yet given to the disk
        self._timers: dict[str, asyncio.TimerHandle] = {}

    @property
    def full(self) -> bool:
        """
        Whether too much waits already.
        """
        return self._bytes >= MAXIMUM_BUFFERED

    def add(self, line: bytes, checkpoint: bytes = b"") -> None:
        """
        A line for the next batch; with the text of the checkpoint that it is.
        """
        self._lines.append(line)
        self._bytes += len(line)
        self._checkpoint = checkpoint or self._checkpoint

    def write(self) -> bool:
        """
        Write the batch; whether nothing is left to be written.
        """
        if not self._lines:
            return True
        try:
            self.files.write(b"".join(self._lines))
        except OSError as exc:
            self._failed("write", exc)
            return False
        self._uncounted = self._uncounted[0] + len(self._lines), self._uncounted[1] + self._bytes
        self._lines.clear()
        self._bytes = 0
        waiting = self._has_copy and self._checkpoint
        if waiting:
            self._disk.publish(self._checkpoint)
        self._checkpoint = b""
        self.faults.mend("write")
        if waiting or self._settings.fsync != "never":
            self.in_time("sync", self._sync_seconds, self._start_synchronizing)
        return True

    def count(self) -> None:
        """
        Let the metrics know what was written: later, as somebody waits for the writing.
        """
        (records, size), self._uncounted = self._uncounted, (0, 0)
        if records:
            self._metrics.records.inc(records)
            self._metrics.bytes.inc(size)

    def rotate(self) -> bool:
        """
        Begin the next file; whether there is one.  The batch must have been written.  Without a
        next one the old one grows: that is no reason to refuse calls.
        """
        try:
            self.files.synchronize()
            self.files.next()
        except OSError as exc:
            self.faults.note("rotate", exc)
            self.in_time("retry", RETRY_SECONDS, self._retry)
            return False
        return True

    def due(self) -> bool:
        """
        Whether it is time for the next file, and nothing is in the way.
        """
        return self.files.due() and "retry" not in self._timers

    async def synchronized(self) -> bool:
        """
        Write what was written through to the disk; whether that worked.
        """
        worked = await self._disk.synchronized(self.files.duplicate)
        if worked:
            self.faults.mend("sync")
            self.faults.mend("checkpoint_file")
        return worked

    def in_time(self, name: str, seconds: float, what: Callable[[], None]) -> None:
        """
        Do that so much later, unless a timer of that name runs.
        """
        if name not in self._timers:
            loop = asyncio.get_running_loop()
            self._timers[name] = loop.call_later(seconds, self._ring, name, what)

    async def aclose(self) -> None:
        """
        End: what was written is on the disk then, if that can be done.
        """
        if self._lines:
            _log.error("records are lost", extra={"fields": {"records": len(self._lines)}})
        self.count()
        await self.synchronized()
        await self._disk.idle()
        for timer in self._timers.values():
            timer.cancel()
        self.files.close()

    @property
    def _sync_seconds(self) -> float:
        return 0.0 if self._settings.fsync == "always" else self._settings.fsync_seconds

    def _ring(self, name: str, what: Callable[[], None]) -> None:
        del self._timers[name]
        what()

    def _start_synchronizing(self) -> None:
        if self.write():  # a checkpoint goes out only after the records that it speaks of
            task = asyncio.get_running_loop().create_task(self.synchronized())
            task.add_done_callback(self._synchronized)

    def _synchronized(self, task: asyncio.Task[bool]) -> None:
        if not task.cancelled() and not task.result():
            self.in_time("retry", RETRY_SECONDS, self._retry)

    def _failed(self, kind: str, error: OSError) -> None:
        self.faults.add(kind, error)
        self.in_time("retry", RETRY_SECONDS, self._retry)

    def _retry(self) -> None:
        if "sync" in self.faults or "checkpoint_file" in self.faults:
            self._start_synchronizing()
        self._again()
