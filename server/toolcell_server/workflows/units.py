"""
Runs one unit of a run (a step, an item of its loop, a compensation) to its ending: call after call,
as its attempts and its fallback say.

Theory of operation.  Between two calls stands an event, so that whoever goes on with the run knows
which call comes next.  A tool that only reads or may run twice is tried again after a failure; any
other only when it was refused, because then nothing ran.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from toolcell.v1 import execution_pb2
from toolcell.v1 import workflow_pb2 as pb

from toolcell_server.durations import to_duration
from toolcell_server.workflows import templates, values
from toolcell_server.workflows.aside import aside
from toolcell_server.workflows.calling import Made, Told
from toolcell_server.workflows.problems import NotFilled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from toolcell_server.settings.workflows import WorkflowSettings
    from toolcell_server.workflows.calling import Calls
    from toolcell_server.workflows.definition import Call, Step
    from toolcell_server.workflows.log import Log
    from toolcell_server.workflows.progress import Key, Unit

LONGEST_DELAY: Final = 3600.0  # seconds
MOST_AGAIN: Final = 20  # calls that nobody knows the outcome of; no server dies more often over one
_NOTHING: Final = pb.StepFinished(state=pb.STEP_STATE_FAILED)


class Interrupted(Exception):  # noqa: N818  # names what happened
    """
    Raised when nobody knows whether a call ran that must not be made twice.
    """

    def __init__(self, key: Key, ending: pb.StepFinished) -> None:
        super().__init__(key.step)
        self.key = key
        self.ending = ending


class Suspended(Exception):  # noqa: N818  # names what happened
    """
    Raised when the server is ending: the next one goes on.
    """


class Units:
    """
    Runs the units of one run.  `said` are fields that all of its calls have; `repeatable` says of a
    call whether it may be made twice.
    """

    def __init__(
        self,
        log: Log,
        calls: Calls,
        bounds: WorkflowSettings,
        said: Mapping[str, Any],
        repeatable: Callable[[Call], bool],
    ) -> None:
        self._log = log
        self._calls = calls
        self._bounds = bounds
        self._said = said
        self._repeatable = repeatable

    async def run(
        self, key: Key, step: Step, given: Mapping[str, Any], *, stopping: Callable[[], bool]
    ) -> pb.StepFinished:
        """
        Its ending, which has been told.  When the run is `stopping` there are no more attempts.

        Raises:
            Interrupted: as it says.
            StoreFailed: an event cannot be written.
            Suspended: as it says.
        """
        unit = self._log.progress.unit(key)
        ending = _NOTHING
        while unit.ended is None:
            call, fallback = _next(key, unit, step)
            try:
                arguments = await aside(_filled, call, given)
                self._check_count(key, unit)
            except NotFilled as exc:
                ending = _failed(f"{call.path}/arguments", exc)
                break
            made = await self._call(key, unit, step, call, arguments, fallback=fallback)
            ending = made.ending
            if made.unknown and not made.repeatable:
                raise Interrupted(key, ending)
            if made.unknown and unit.calls < step.attempts + MOST_AGAIN:
                unit.again = True
                self._tell_retrying(key, unit, ending, 0.0)
                continue
            delay = _delay(key, unit, step, made)
            if delay is None or stopping():
                break
            self._tell_retrying(key, unit, ending, delay)
            await asyncio.sleep(delay)
        return unit.ended or self.end(key, ending)

    def end(self, key: Key, ending: pb.StepFinished) -> pb.StepFinished:
        """
        Tell an ending, without the result if that is more than what the run keeps.
        """
        size, bounds = len(ending.result_json), self._bounds
        kept = self._log.progress.kept_bytes + size
        if size > bounds.result_bytes or kept > bounds.kept_bytes:
            ending.result_json, ending.result_left_out = b"", True
        self._log.tell(key, step_finished=ending)
        return ending

    async def _call(
        self, key: Key, unit: Unit, step: Step, call: Call, arguments: bytes, *, fallback: bool
    ) -> Made:
        resumed = unit.begun is not None
        if not resumed:
            self._tell_started(key, unit, call, fallback=fallback)
        assert unit.last is not None, "it has been told that it begins"
        request = execution_pb2.ExecuteRequest(
            tool=call.tool,
            version=call.version,
            arguments_json=arguments,
            request_id=unit.last.request_id,
            call_id=key.step if key.item is None else f"{key.step}[{key.item}]",
            **self._said,
        )
        if step.timeout is not None:
            request.timeout.CopyFrom(to_duration(step.timeout))
        told = Told(
            executing=lambda execution_id: self._log.executing(key, execution_id),
            waiting=lambda waiting: self._log.tell(key, step_waiting=waiting),
        )
        made = await self._calls.make(request, unit, told, resumed=resumed)
        if made is None:
            raise Suspended
        return made

    def _tell_started(self, key: Key, unit: Unit, call: Call, *, fallback: bool) -> None:
        attempt = unit.calls + 1
        item = "" if key.item is None else key.item
        phase = "compensation" if key.compensation else "run"
        started = pb.StepStarted(
            tool=call.tool,
            version=call.version,
            attempt=attempt,
            request_id=f"{self._log.run_id}/{key.step}/{item}/{phase}/{attempt}",
            repeatable=self._repeatable(call),
            fallback=fallback,
        )
        self._log.tell(key, step_started=started)

    def _tell_retrying(self, key: Key, unit: Unit, ending: pb.StepFinished, delay: float) -> None:
        retrying = pb.StepRetrying(attempt=unit.calls, ending=ending, delay=to_duration(delay))
        self._log.tell(key, step_retrying=retrying)

    def _check_count(self, key: Key, unit: Unit) -> None:
        """
        What is undone is not counted: it must not be left half done.
        """
        most, made = self._bounds.executions, self._log.progress.executions
        if unit.begun is None and made >= most and not key.compensation:
            raise NotFilled("TOO_MANY_EXECUTIONS", f"a run makes at most {most} calls")


def _filled(call: Call, given: Mapping[str, Any]) -> bytes:
    return values.encoded(templates.filled(call.arguments, given))


def _failed(path: str, error: NotFilled) -> pb.StepFinished:
    problem = pb.WorkflowProblem(path=path, code=error.code, message=error.message)
    return pb.StepFinished(state=pb.STEP_STATE_FAILED, problem=problem)


def _next(key: Key, unit: Unit, step: Step) -> tuple[Call, bool]:
    """
    Which call comes next, and whether it is the fallback.
    """
    if key.compensation:
        assert step.compensate is not None, "what is compensated says how"
        return step.compensate, False
    if unit.last is not None and (unit.begun is not None or unit.again):
        fallback = unit.last.fallback
    else:
        fallback = unit.own_calls >= step.attempts and unit.calls > 0
    if fallback and step.fallback is not None:
        return step.fallback, True
    return step.call, False


def _delay(key: Key, unit: Unit, step: Step, made: Made) -> float | None:
    """
    When to make the next call; None: there is none.
    """
    used = unit.last is not None and unit.last.fallback
    if made.ending.state == pb.STEP_STATE_COMPLETED or used:
        return None
    if made.may_retry and unit.own_calls < step.attempts:
        return float(min(step.delay * step.backoff ** (unit.own_calls - 1), LONGEST_DELAY))
    cancelled = made.ending.outcome.HasField("cancelled")
    if step.fallback is None or key.compensation or cancelled:
        return None
    return 0.0
