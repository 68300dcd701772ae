"""
What a model is told about a call, whatever came of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolcell_client.errors import ToolcellError
from toolcell_client.formats.turns import Answer, Problem
from toolcell_client.loops.bounding import (
    LEAST_CHARACTERS,
    SENTENCE_CHARACTERS,
    Bounds,
    encodable,
    shortened,
    text_of,
)
from toolcell_client.loops.kept import READ_RESULT, KeptResults
from toolcell_client.loops.reading_back import CannotRead, read_result
from toolcell_client.loops.repairing import close_matches, repairable
from toolcell_client.loops.selection import FIND_TOOLS
from toolcell_client.model_text import as_tool_message

if TYPE_CHECKING:
    from collections.abc import Collection

    from toolcell_client.loops.planning import Planned
    from toolcell_client.result import Result


LOOK_FOR_IT = f"Look for it with {FIND_TOOLS.name}; then call it in your next response."


@dataclass(slots=True)
class Answering:
    """
    Makes answers of one turn that fit the context.  What is cut is kept, if there is a place for
    it.
    """

    bounds: Bounds = field(default_factory=Bounds)
    kept: KeptResults | None = None
    _used: int = 0

    @property
    def room(self) -> int:
        """
        Characters that the next answer may have.
        """
        left = self.bounds.turn_characters - self._used
        return min(self.bounds.result_characters, max(left, LEAST_CHARACTERS))

    def ended(self, planned: Planned, outcome: Result | ToolcellError) -> Answer:
        """
        Of a call that was sent: the value that the tool returned, or `as_tool_message` of what went
        wrong, with what helps to repair the call.
        """
        told = _told(outcome, self.bounds.output_characters)
        if told["ok"] and too_deep(told):
            told = {"ok": False, "error": "too_deep", "message": "The result is nested too deep."}
        if told.pop("ok"):
            value = told if len(told) > 1 else told["result"]
            return self._made(planned, self._fitting(value))
        told = {"ok": False, **told}
        if told.get("violations") and planned.tool is not None:
            told["violations"] = repairable(
                told["violations"],
                planned.tool.parameters,
                planned.call.arguments,
                planned.properties,
            )
        return self.refused(planned, told)

    def problem(self, planned: Planned, names: Collection[str]) -> Answer:
        """
        Of a call that was never sent, because it has a problem; `names` are of offered tools.
        """
        problem = planned.call.problem or Problem.UNKNOWN_TOOL
        told: dict[str, Any] = {
            "ok": False,
            "error": problem.value,
            "message": planned.call.detail,
            "retryable": False,
        }
        if problem in (Problem.UNKNOWN_TOOL, Problem.NOT_OFFERED) and (
            close := close_matches(planned.call.raw.name, names)
        ):
            told["close_matches"] = close
        if problem in (Problem.UNKNOWN_TOOL, Problem.NOT_OFFERED) and FIND_TOOLS.name in names:
            told["hint"] = LOOK_FOR_IT
        return self.refused(planned, told)

    def reading(self, planned: Planned) -> Answer:
        """
        Of a call of `read_result`.
        """
        assert self.kept is not None, "it is planned so only where something can be kept"
        try:
            value = read_result(self.kept, planned.call.arguments, self.room)
        except CannotRead as exc:
            told = {"ok": False, "error": "cannot_read", "message": str(exc)}
            return self.refused(planned, told)
        return self._made(planned, value)

    def refused(self, planned: Planned, told: dict[str, Any]) -> Answer:
        """
        Of a call that did not work; errors are cut, too, but nobody reads their rest.
        """
        return self._made(planned, shortened(encodable(told), self.room), failed=True)

    def _made(self, planned: Planned, value: Any, *, failed: bool = False) -> Answer:
        self._used += len(text_of(value))
        return Answer(call=planned.call, value=value, failed=failed)

    def _fitting(self, value: Any) -> Any:
        value = encodable(value)
        text, room = text_of(value), self.room
        if len(text) <= room:
            return value
        cut = shortened(value, max(room - SENTENCE_CHARACTERS, room // 3))
        handle = self.kept.keep(value) if self.kept is not None else ""
        rest = (
            f'Call {READ_RESULT.name} with the handle "{handle}" to read the rest of it.'
            if handle
            else "The rest of it is not kept: ask for less, if you need it."
        )
        sentence = f"Shown in part: the whole result has {len(text)} characters. {rest}"
        if isinstance(cut, str):
            return f"{cut}\n[{sentence}]"
        return {"left_out": sentence, "result": cut}


def too_deep(value: Any) -> bool:
    """
    Whether JSON's writer gives up where its reader did not.
    """
    try:
        text_of(value)
    except RecursionError:
        return True
    return False


def _told(outcome: Result | ToolcellError, characters: int) -> dict[str, Any]:
    try:
        return as_tool_message(outcome, output_characters=characters)
    except ToolcellError as exc:  # a result that is no JSON, or that nobody has any more
        return as_tool_message(exc)
