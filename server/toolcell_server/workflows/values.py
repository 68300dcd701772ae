"""
What the templates of a run are filled in with: inputs, results of steps, and how steps ended.

Theory of operation.  A step that was skipped, or that failed and may, has the result null; its
state tells which.  Of a result that is larger than what a run keeps nothing is there: whoever asks
for it is told, instead of being given null.  Pure.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from toolcell.v1 import workflow_pb2 as pb

from toolcell_server.workflows import plan, templates
from toolcell_server.workflows.expressions import EVERYTHING
from toolcell_server.workflows.problems import NotFilled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from toolcell_server.workflows.definition import Definition, Step


class Values:
    """
    The values of one run so far.
    """

    def __init__(self, definition: Definition, inputs: Mapping[str, Any]) -> None:
        self._definition = definition
        self._inputs = inputs
        self._needed = plan.needed(definition)
        self._roots = {step.name: plan.roots(step) for step in definition.steps}
        self._results: dict[str, Any] = {}
        self._states: dict[str, str] = {}
        self._left_out: set[str] = set()

    def skipped(self, step: str) -> None:
        self._results[step], self._states[step] = None, "skipped"

    def ended(self, step: str, ending: pb.StepFinished) -> None:
        """
        Take the result of a step.
        """
        self._results[step] = result(ending)
        self._states[step] = pb.StepState.Name(ending.state).removeprefix("STEP_STATE_").lower()
        if ending.result_left_out:
            self._left_out.add(step)

    def of(self, step: Step) -> dict[str, Any]:
        """
        What a step may use.

        Raises:
            NotFilled: it asks for a result that is not kept.
        """
        return self._named(self._needed[step.name], self._roots[step.name])

    def outputs(self, maximum_bytes: int) -> bytes:
        """
        The outputs of the run, as JSON.

        Raises:
            NotFilled: they cannot be filled in, or are too large.
        """
        outputs = self._definition.outputs
        roots = frozenset[str]().union(
            *(each.roots for _, each in templates.found(outputs, "/outputs"))
        )
        data = encoded(templates.filled(outputs, self._named(self._results, roots)))
        if len(data) > maximum_bytes and outputs:
            raise NotFilled("TOO_LARGE", f"they are larger than {maximum_bytes} bytes")
        return data

    def _named(self, names: Iterable[str], roots: frozenset[str]) -> dict[str, Any]:
        known = [name for name in names if name in self._results]
        for name in known:
            if name in self._left_out and not roots.isdisjoint((name, EVERYTHING)):
                message = f"the result of {name} is larger than what a run keeps"
                raise NotFilled("RESULT_LEFT_OUT", message)
        return {
            **{name: self._results[name] for name in known},
            plan.INPUTS: self._inputs,
            plan.STATES: {name: self._states[name] for name in known},
        }


def result(ending: pb.StepFinished) -> Any:
    """
    The value of a result; None if there is none.
    """
    return json.loads(ending.result_json) if ending.result_json else None


def encoded(value: Any) -> bytes:
    """
    Raises:
        NotFilled: it has what JSON has not.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode()
    except (ValueError, TypeError, RecursionError) as exc:
        raise NotFilled("NOT_JSON", f"is no JSON value: {type(exc).__name__}") from None
