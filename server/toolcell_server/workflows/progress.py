"""
How far a run is: what its events add up to.  Pure.

Theory of operation.  The events that are kept are all that is known of a run; whoever goes on with
it, the same server or the next one, knows no more than what he reads here.  A *unit* is what is
called: a step, an item of a step's loop, or the compensation of one of these.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from toolcell.v1 import workflow_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterator


class Key(NamedTuple):
    """
    What an event is about: a step, or an item of its loop; or the compensation of that.
    """

    step: str
    item: int | None = None
    compensation: bool = False


@dataclass(slots=True)
class Unit:
    """
    `begun` is the call that has begun and not ended, `last` the last that began; `again`: the next
    one is the last one again, and no further attempt.
    """

    calls: int = 0
    own_calls: int = 0  # those that were not of the fallback
    last: pb.StepStarted | None = None
    begun: pb.StepStarted | None = None
    begun_at: float = 0.0  # seconds since 1970
    again: bool = False
    ended: pb.StepFinished | None = None
    skipped: bool = False

    @property
    def is_settled(self) -> bool:
        return self.skipped or self.ended is not None


@dataclass(slots=True)
class Progress:
    """
    What is known of one run.  `completed` are units in the order in which they did.
    """

    units: dict[Key, Unit] = field(default_factory=dict)
    accepted_at: float = 0.0  # seconds since 1970; later by what the run has waited for decisions
    executions: int = 0
    kept_bytes: int = 0
    completed: list[Key] = field(default_factory=list)
    compensating: str = ""  # because of the failure of this step
    interrupted: Key | None = None
    waits_since: float = 0.0
    finished: pb.WorkflowFinished | None = None

    def unit(self, key: Key) -> Unit:
        return self.units.setdefault(key, Unit())

    def is_open(self, step: str) -> bool:
        """
        Whether a call of that step has begun and not ended.
        """
        units = self.units.items()
        return any(
            key.step == step and not key.compensation and unit.begun is not None
            for key, unit in units
        )

    def failed_compensations(self) -> Iterator[str]:
        for key, unit in self.units.items():
            if key.compensation and unit.ended and unit.ended.state != pb.STEP_STATE_COMPLETED:
                yield key.step

    def note(self, event: pb.RunWorkflowResponse) -> None:
        """
        Take the next event that is kept.
        """
        item = event.item if event.HasField("item") else None
        key = Key(event.step, item, event.compensation)
        match event.WhichOneof("event"):
            case "accepted":
                self.accepted_at = _seconds(event)
            case "compensating":
                self.compensating = event.compensating.failed_step
            case "interrupted":
                self.interrupted, self.waits_since = key, _seconds(event)
            case "resumed":
                self.accepted_at += _seconds(event) - self.waits_since  # that is not its time
                self._resume(event.resumed.decision)
            case "finished":
                self.finished = event.finished
            case _:
                self._note_unit(key, event)

    def _note_unit(self, key: Key, event: pb.RunWorkflowResponse) -> None:
        unit = self.unit(key)
        match event.WhichOneof("event"):
            case "step_started":
                unit.last = unit.begun = event.step_started
                unit.begun_at, unit.again = _seconds(event), False
                unit.calls += 1
                unit.own_calls += not event.step_started.fallback
                self.executions += 1
            case "step_retrying":
                unit.begun = None
            case "step_skipped":
                unit.skipped = True
            case "step_finished":
                unit.begun, unit.ended = None, event.step_finished
                self.kept_bytes += len(unit.ended.result_json)
                if unit.ended.state == pb.STEP_STATE_COMPLETED and not key.compensation:
                    self.completed.append(key)

    def _resume(self, decision: pb.ResumeDecision.ValueType) -> None:
        key, self.interrupted = self.interrupted, None
        if key is None:
            return
        unit = self.unit(key)
        unit.begun = None
        if decision == pb.RESUME_DECISION_RETRY:
            unit.again = True
        elif decision == pb.RESUME_DECISION_SKIP:
            unit.skipped = True
        else:
            unit.ended = pb.StepFinished(state=pb.STEP_STATE_FAILED)


def _seconds(event: pb.RunWorkflowResponse) -> float:
    return event.time.seconds + event.time.nanos / 1e9
