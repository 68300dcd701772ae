"""
The log of a running server: records in, lines out.

Theory of operation.  A record gets its number and its hash the moment that it is appended, so the
order of the log is the order of what happened on the one event loop.  Beyond what may wait to be
written records are counted and not made, so that the chain has no hole; a record says how many.
`failing` says why, for as long as that lasts: whoever must not act without a record asks there.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_server.audit import checkpoints, resuming, synchronizing, verifying
from toolcell_server.audit import folder as folders
from toolcell_server.audit.chain import Chain, rfc3339
from toolcell_server.audit.checkpoints import Checkpoint
from toolcell_server.audit.files import Files
from toolcell_server.audit.writing import Writing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from toolcell_server.audit_metrics import AuditMetrics
    from toolcell_server.settings.audit import AuditSettings

_log = logging.getLogger(__name__)


class AuditLog:
    """
    Appends records.  Lives on one event loop, from `start` to `aclose`.
    """

    def __init__(
        self,
        settings: AuditSettings,
        folder: str | os.PathLike[str],
        metrics: AuditMetrics,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self.settings = settings
        self._folder = Path(folder)
        self._metrics = metrics
        self._now = now
        self._copy = Path(settings.checkpoint_file) if settings.checkpoint_file else None
        self._writing = Writing(settings, self._copy, metrics, self.flush)
        self._chain = Chain("")
        self._covered = 0  # records that the latest checkpoint covers, itself included
        self._latest = b""  # checkpoint
        self._later: list[Callable[[], None]] = []
        self._armed = False
        self._lock = -1

    @property
    def failing(self) -> str:
        """
        Why records do not reach the disk; empty if they do.
        """
        return str(self._writing.faults)

    def start(self) -> None:
        """
        Go on with the log of the folder, or begin one.

        Raises:
            AuditUnusable: it cannot be kept there, or does not verify.
        """
        folders.prepare(self._folder)
        self._lock = folders.lock(self._folder)
        try:
            self._resume()
        except OSError as exc:
            self._release()
            raise folders.AuditUnusable(
                f"the audit log in {self._folder} cannot be written: {exc}; make room, or name"
                " another audit.folder or audit.checkpoint_file"
            ) from None
        except folders.AuditUnusable:
            self._release()
            raise

    def append(self, kind: str, data: Mapping[str, Any], subject: str = "") -> None:
        """
        Add a record; it is written in a turn of the loop to come, or by `flush`.
        """
        if self._writing.full:
            self._writing.faults.drop()
            return
        self._put(kind, data, subject)
        if self._chain.sequence - self._covered >= self.settings.checkpoint_records:
            self._checkpoint("records")
        self._arm()

    def later(self, make: Callable[[], None]) -> None:
        """
        Let `make` append its record in a turn of the loop to come: whoever is answered in this one
        need not wait for it.
        """
        self._later.append(make)
        self._arm()

    def flush(self) -> None:
        """
        Write what there is, now; `failing` says whether that worked.
        """
        self._make()
        self._write()

    async def durable(self) -> bool:
        """
        Write what there is; with `audit.fsync = "always"` through to the disk.  Whether it is.
        """
        self.flush()
        if self.settings.fsync == "always" and not self._writing.faults:
            return await self._writing.synchronized()
        return not self._writing.faults

    async def aclose(self) -> None:
        """
        End with a checkpoint, and let another write here.
        """
        if self._lock < 0:
            return
        self.flush()
        self._checkpoint("end")
        self._writing.write()
        await self._writing.aclose()
        self._release()

    def _resume(self) -> None:
        anew = self.settings.on_broken == "new_log"
        keys = [self.settings.key.public] if self.settings.key else []
        resumed = resuming.resume(self._folder, self._copy, anew=anew, keys=keys)
        self._chain = resumed.chain
        files = self._writing.files = Files(self._folder, self.settings, resumed.number)
        if resumed.append:
            files.resume()
        else:
            files.next()
        if problem := resumed.past.get("unverified"):
            _log.error("a new audit log begins", extra={"fields": {"because": problem}})
            if self._copy:
                synchronizing.set_aside(self._copy, self._now())
        self._open("resumed" if resumed.append else "started", resumed.past)
        self._checkpoint("start")
        if not self._writing.write():
            self._writing.faults.check()
        files.synchronize()
        if self._copy:
            synchronizing.put(self._copy, self._latest)

    def _open(self, why: str, past: Mapping[str, Any]) -> None:
        chosen = ("checkpoint_records", "fsync", "on_failure", "content")
        about = {name: getattr(self.settings, name) for name in chosen}
        file = self._writing.files.name
        about |= {"file": file, "why": why, "version": version("toolcell"), **past}
        self._put(verifying.OPENED, about)

    def _put(self, kind: str, data: Mapping[str, Any], subject: str = "") -> None:
        self._writing.add(self._chain.next(kind, data, self._now(), subject))

    def _checkpoint(self, why: str) -> None:
        chain, moment = self._chain, self._now()
        made = Checkpoint.made(
            chain.source, chain.sequence, chain.hash, rfc3339(moment), self.settings.key
        )
        line = chain.next(checkpoints.TYPE, {"why": why, "checkpoint": made.to_json()}, moment)
        self._covered, self._latest = chain.sequence, made.text()
        self._writing.add(line, self._latest)
        _log.info("audit checkpoint", extra={"fields": {"why": why, **made.to_json()}})
        self._metrics.last_checkpoint.set(moment / 1e9)

    def _make(self) -> None:
        later, self._later = self._later, []
        for make in later:
            try:
                make()
            except Exception:  # noqa: BLE001  # one record that cannot be made must not cost the others
                _log.exception("a record of the audit log could not be made")
                self._metrics.failures.labels("record").inc()

    def _write(self) -> None:
        if not self._writing.write():
            return
        if report := self._writing.faults.report():
            self._put("audit.failed", report)
            self._writing.write()
        if self._chain.sequence > self._covered:
            self._writing.in_time("checkpoint", self.settings.checkpoint_seconds, self._in_time)
        if self._writing.due():
            self._rotate()

    def _in_time(self) -> None:
        if self._chain.sequence > self._covered and not self._writing.faults:
            self._checkpoint("time")
        self.flush()

    def _rotate(self) -> None:
        self._checkpoint("rotation")
        if self._writing.write() and self._writing.rotate():
            self._open("rotated", {})
            self._delete_expired()
            self._writing.write()

    def _delete_expired(self) -> None:
        """
        Say what is deleted, sign it, then delete it.
        """
        try:
            expired = list(self._writing.files.expired())
            if not expired:
                return
            for deletion in expired:
                self._put(verifying.DELETED, deletion.to_json())
            self._checkpoint("retention")
            if self._writing.write():
                self._writing.files.synchronize()
                for deletion in expired:
                    deletion.path.unlink(missing_ok=True)
        except OSError as exc:
            self._writing.faults.note("retention", exc)

    def _arm(self) -> None:
        if not self._armed:
            self._armed = True
            loop = asyncio.get_running_loop()
            # Twice: what was made in this turn leaves before it is written down.
            loop.call_soon(loop.call_soon, self._turn)

    def _turn(self) -> None:
        self._armed = False
        if self._lock < 0:
            return  # it has ended
        self._make()
        if "write" not in self._writing.faults:  # else it is tried again in time, not at each turn
            self._write()
        self._writing.count()

    def _release(self) -> None:
        os.close(self._lock)
        self._lock = -1
