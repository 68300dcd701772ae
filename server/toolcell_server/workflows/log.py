"""
The log of one run: its events, written before they are told, and followed by any number of readers.

Theory of operation.  What is kept has numbers and is in the database.  Between it stand, in memory
alone, the executions that run or ran for a step: a reader that comes by one reads its journal
(`watching.py`).  So a reader that stalls costs nothing here, and holds back the tools that it reads
by their journals, and never the run's own course.

If an event cannot be written the run stops where it is, and readers are told; the next server goes
on with it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from toolcell.v1 import workflow_pb2 as pb

from toolcell_server import database
from toolcell_server.bell import Bell
from toolcell_server.refusals import StoreFailed
from toolcell_server.workflows.progress import Key, Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.workflows.runs_store import RunsStore

_NANOSECONDS: Final = 10**9
_LAST: Final = frozenset({"finished", "interrupted"})


class Executing(NamedTuple):
    """
    An execution that begins for a unit.
    """

    key: Key
    execution_id: str


Entry = pb.RunWorkflowResponse | Executing


class Log:
    """
    The log of a run; `events` are those that are in the database already, `told` hears of others.
    """

    def __init__(
        self,
        run_id: str,
        store: RunsStore,
        events: list[bytes],
        told: Callable[[pb.RunWorkflowResponse], object] = lambda _: None,
    ) -> None:
        self.run_id = run_id
        self.entries: list[Entry] = []
        self.progress = Progress()
        self.grown = Bell()
        self.broken: Exception | None = None
        self.last = 0  # sequence
        self._store = store
        self._told = told
        for data in events:
            self._take(pb.RunWorkflowResponse.FromString(data))

    @property
    def rests(self) -> bool:
        """
        Whether nothing more comes, unless somebody resumes the run.
        """
        last = next(
            (each for each in reversed(self.entries) if not isinstance(each, Executing)), None
        )
        return last is not None and last.WhichOneof("event") in _LAST

    def tell(self, key: Key = Key(""), **event: Any) -> None:  # noqa: B008  # it is a value
        """
        Write an event, then tell it.

        Raises:
            StoreFailed: it cannot be written; what it announces must not happen.
        """
        made = stamped(self.run_id, self.last + 1, key, **event)
        state, ended = _state(made)
        try:
            self._store.append(self.run_id, made.sequence, made.SerializeToString(), state, ended)
        except database.StoreFailed as exc:
            self.broken = StoreFailed("go on with a workflow")
            self.grown.ring()
            raise self.broken from exc
        self._take(made)
        self._told(made)
        self.grown.ring()

    def executing(self, key: Key, execution_id: str) -> None:
        """
        Let readers know of an execution.
        """
        self.entries.append(Executing(key, execution_id))
        self.grown.ring()

    def _take(self, event: pb.RunWorkflowResponse) -> None:
        self.entries.append(event)
        self.last = event.sequence
        self.progress.note(event)


def stamped(run_id: str, sequence: int, key: Key, **event: Any) -> pb.RunWorkflowResponse:
    """
    An event of now.
    """
    made = pb.RunWorkflowResponse(
        sequence=sequence,
        run_id=run_id,
        step=key.step,
        item=key.item,
        compensation=key.compensation,
        **event,
    )
    made.time.seconds, made.time.nanos = divmod(time.time_ns(), _NANOSECONDS)
    return made


def _state(
    event: pb.RunWorkflowResponse,
) -> tuple[pb.WorkflowRunState.ValueType | None, int | None]:
    """
    The state that a run has by that event, and when it ended by it.
    """
    match event.WhichOneof("event"):
        case "interrupted":
            return pb.WORKFLOW_RUN_STATE_INTERRUPTED, None
        case "resumed":
            return pb.WORKFLOW_RUN_STATE_RUNNING, None
        case "finished":
            return event.finished.state, event.time.seconds * _NANOSECONDS + event.time.nanos
    return None, None
