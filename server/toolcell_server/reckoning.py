"""
What is known of one cell, as the events that tell it: how it began, what it uses, how it ended.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import endings, judging
from toolcell_server.durations import to_duration
from toolcell_server.used import used

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.cells import Reaping
    from toolcell_server.denials import Denials
    from toolcell_server.execution import Execution
    from toolcell_server.output import Keeping
    from toolcell_server.sample import Sample


@dataclass(slots=True, eq=False)
class Reckoning:
    """
    What the parts of `Attending` know, put together.  `began` is a reading of the monotonic clock.
    """

    execution: Execution
    isolation: pb.IsolationReport
    peak: Sample
    denials: Denials
    stdout: Keeping
    stderr: Keeping
    words: judging.Words = field(default_factory=judging.Words)
    began: float = field(default_factory=time.monotonic)
    _took: float | None = None  # seconds, once it has ended
    _reaping: Reaping | None = None
    _ended_by: pb.Outcome | None = None  # the first cause
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def never_began(self) -> bool:
        """
        Whether it has ended before the tool was started, and nobody knows why.
        """
        ended = self._reaping is not None and not self._reaping.memory_kills
        return ended and not (self.words.ready or self._ended_by)

    def end_by(self, outcome: pb.Outcome) -> None:
        """
        Somebody ends the cell for that; the first one counts.  Callable in any thread.
        """
        with self._lock:
            if self._ended_by is None:
                self._ended_by = outcome

    def ended(self, reaping: Reaping | None) -> None:
        """
        It has ended; without the kernel's account, if its zygote died.
        """
        self._took = time.monotonic() - self.began
        self._reaping = reaping

    def started(self) -> pb.ExecuteResponse:
        """
        The first event.
        """
        queued = max(0.0, self.began - self.execution.accepted)
        started = pb.Started(
            queue_time=to_duration(queued),
            attempt=self.execution.attempt,
            isolation=self.isolation,
        )
        return pb.ExecuteResponse(started=started)

    def finished(self, contacts: Sequence[pb.HostContact]) -> pb.Finished:
        """
        The ending, but for what becomes of staged files.
        """
        outcome = self._outcome()
        finished = pb.Finished(
            outcome=outcome,
            usage=self.usage(),
            isolation=self.isolation,
            truncated=self.stdout.truncated or self.stderr.truncated,
            contacts=contacts,
        )
        if contacts:
            finished.usage.network_sent_bytes = sum(each.sent_bytes for each in contacts)
            finished.usage.network_received_bytes = sum(each.received_bytes for each in contacts)
        if outcome.HasField("completed"):
            finished.result_json = self.words.result or b""
            finished.result_bytes = len(finished.result_json)
        return finished

    def usage(self) -> pb.Usage:
        """
        What it has used until now.
        """
        usage = used(self.peak, self._reaping)
        usage.processes_peak = max(usage.processes_peak, int(self.words.ready))
        took = time.monotonic() - self.began if self._took is None else self._took
        usage.wall.CopyFrom(to_duration(took))
        usage.stdout_bytes, usage.stderr_bytes = self.stdout.total, self.stderr.total
        usage.result_bytes = len(self.words.result or b"")
        usage.arguments_bytes = len(self.execution.arguments)
        usage.file_operations = self.denials.file_operations
        return usage

    def _outcome(self) -> pb.Outcome:
        if self._ended_by is not None:
            return self._ended_by
        if self._reaping is None:
            return endings.zygote_died()
        limits, observed = self.execution.grant.limits, self.denials.observed
        outcome = judging.judge(self.words, self._reaping, limits, observed=observed)
        return self.denials.explain(outcome)
