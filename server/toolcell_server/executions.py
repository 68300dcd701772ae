"""
Every execution that the server knows: those that run, and for a while those that have ended.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.effects import READ_ONLY
from toolcell_server.idempotency import RequestIds, Scope
from toolcell_server.kept import Kept
from toolcell_server.listing import ALL, Narrowing
from toolcell_server.record import Record
from toolcell_server.records.forgetful import Forgetful
from toolcell_server.refusals import Draining, UnknownExecution
from toolcell_server.running import ENDING_SECONDS, Running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_server.execution import Execution
    from toolcell_server.executor import Executor
    from toolcell_server.known import Known
    from toolcell_server.records.forgetful import Remembers


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """
    How long executions wait for their callers and are remembered.  Times in seconds.

    `ending_seconds` bounds how long an execution takes to end once it was asked to.
    """

    journal_bytes: int = 8 * 2**20
    reattach_grace_seconds: float = 10.0
    heartbeat_seconds: float = 5.0
    keep_finished_seconds: float = 3600.0
    ending_seconds: float = ENDING_SECONDS


class Executions:
    """
    Starts executions, finds them again, and ends them.  Lives on one event loop.  What is no longer
    in memory is looked for where `remembers` keeps it.
    """

    def __init__(
        self, executor: Executor, keeping: Keeping, remembers: Remembers | None = None
    ) -> None:
        self._executor = executor
        self._keeping = keeping
        self._records: dict[str, Record] = {}  # in order of acceptance
        self._request_ids = RequestIds()
        self._kept = Kept(keeping.keep_finished_seconds, self._forget)
        self._tasks: set[asyncio.Task[None]] = set()
        self._remembers: Remembers = remembers or Forgetful()
        # From the time on, so that page tokens of the server before a restart lie before all ours;
        # the clock may have been set back.
        self._numbers = itertools.count(max(time.time_ns(), self._remembers.last_number + 1))
        self._draining = False

    @property
    def running(self) -> int:
        """
        How many have not ended, or are still cleaning up.
        """
        return len(self._tasks)

    def check_accepting(self) -> None:
        """
        Raises:
            Draining: no new execution will be started.
        """
        if self._draining:
            raise Draining

    def start(self, execution: Execution, fingerprint: bytes = b"") -> Record:
        """
        Run an admitted execution; returns at once.  The execution belongs to this object from now
        on, and is closed on every path.

        A call with the same `request_id` may have been started while this one was being admitted:
        then that one's record is returned, and this execution does not run.

        Raises:
            Draining: the server is ending.
            RequestIdReused: that other call asked for something else.
            StoreFailed: it has a `request_id`, and its start cannot be written down.
        """
        asked = execution.asked or execution.tool.name
        scope = Scope(execution.principal, asked, execution.request_id)
        try:
            self.check_accepting()
            earlier = self._request_ids.find(scope, fingerprint)
            if earlier is None:
                return self._start(execution, scope, fingerprint)
        except BaseException:
            execution.close()
            raise
        execution.close()
        return earlier

    def joined(self, scope: Scope, fingerprint: bytes) -> Known | None:
        """
        The execution that a call with this `request_id` joins (it runs) or replays (it has ended).

        Raises:
            RequestIdReused: the id belongs to a call that asked for something else.
            StoreFailed: nobody can tell whether there is one.
        """
        if not scope.request_id:
            return None
        record = self._request_ids.find(scope, fingerprint)
        return record or self._remembers.find(scope, fingerprint)

    def get(self, execution_id: str) -> Known:
        """
        Raises:
            StoreFailed: nobody can tell whether there is one.
            UnknownExecution: there is none, or it has been forgotten.
        """
        self._kept.purge()
        found = self._records.get(execution_id) or self._remembers.get(execution_id)
        if found is None:
            raise UnknownExecution(execution_id)
        return found

    def newest_first(self, narrowing: Narrowing = ALL) -> Iterator[Known]:
        """
        All in memory, and of those that are no longer there the ones that are asked for.
        """
        self._kept.purge()
        here = reversed(self._records.values())
        if not narrowing.ended:
            return here
        others = self._remembers.newest_first(
            narrowing, {record.number for record in self._records.values()}
        )
        return heapq.merge(here, others, key=lambda one: one.number, reverse=True)

    async def cancel(self, execution_id: str) -> Known:
        """
        End an execution, wait until it has ended, and return it.  Ended already: at once.

        Raises:
            UnknownExecution: there is none, or it has been forgotten.
        """
        record = self.get(execution_id)
        await record.cancel()
        return record

    async def drain(self, seconds: float) -> None:
        """
        Start nothing more, wait for what runs, and after `seconds` end the rest.  Returns when
        every task is gone, or has ignored its cancellation.
        """
        self._draining = True
        await self._wait(seconds)
        for record in self._records.values():
            if not record.journal.finished:
                record.stop.request(pb.CANCEL_REASON_DRAINED)
        # Twice: an executor that ignores the request is cancelled after the first of them.
        await self._wait(2 * self._keeping.ending_seconds)
        self._kept.close()

    def close(self) -> None:
        """
        Write down what is to be remembered; the last call.
        """
        self._remembers.close()

    def validated(self, execution: Execution) -> Record:
        """
        The record of an execution that is only checked: accepted, completed, not to be found.
        """
        execution.close()
        record = self._record(execution)
        outcome = pb.Outcome(completed=pb.Completed())
        record.finish(pb.ExecuteResponse(finished=pb.Finished(outcome=outcome)))
        return record

    def _start(self, execution: Execution, scope: Scope, fingerprint: bytes) -> Record:
        record = self._record(execution)
        if scope.request_id:
            tool = execution.tool
            # What stands in for one that may run twice need not be such a tool itself.
            twice = tool.idempotent and not tool.fallback
            repeatable = twice or tool.effects == READ_ONLY
            self._remembers.begin(record, fingerprint, repeatable=repeatable)
        self._records[record.execution_id] = record
        self._request_ids.add(scope, fingerprint, record)
        running = Running(
            execution,
            record,
            heartbeat_seconds=self._keeping.heartbeat_seconds,
            ending_seconds=self._keeping.ending_seconds,
            remember=self._remembers.end,
        )
        task = running.start(self._executor)
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._ended(task, record))
        return record

    def _record(self, execution: Execution) -> Record:
        record = Record(
            execution,
            next(self._numbers),
            journal_bytes=self._keeping.journal_bytes,
            grace_seconds=self._keeping.reattach_grace_seconds,
        )
        record.append(_accepted(execution))
        return record

    def _ended(self, task: asyncio.Task[None], record: Record) -> None:
        self._tasks.discard(task)
        self._kept.add(record)

    def _forget(self, record: Record) -> None:
        del self._records[record.execution_id]
        self._request_ids.forget(record)

    async def _wait(self, seconds: float) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)


def _accepted(execution: Execution) -> pb.ExecuteResponse:
    return pb.ExecuteResponse(
        accepted=pb.Accepted(
            tool=execution.tool.name,
            version=execution.tool.version,
            limits=execution.grant.limits.to_proto(),
            grants=execution.grant.to_proto(),
            principal=execution.principal,
        )
    )
