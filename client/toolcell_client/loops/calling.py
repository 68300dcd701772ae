"""
Has the calls of a turn executed, and enters the turn into the history.  No network.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from toolcell_client.errors import ToolcellError
from toolcell_client.formats.turns import Answer, WireTurn
from toolcell_client.loops.commands import Execute, FindTools
from toolcell_client.loops.dialogue import OpenTurn
from toolcell_client.loops.entries import ApprovalAsked
from toolcell_client.loops.offering import looks_for_tools
from toolcell_client.loops.recording import answered
from toolcell_client.loops.reply import Pending
from toolcell_client.loops.selection import FINDS, finds, query_of
from toolcell_client.loops.settings import TurnSettings
from toolcell_client.loops.turn_state import TurnState
from toolcell_client.model_text import as_tool_message

if TYPE_CHECKING:
    from collections.abc import Generator

    from toolcell_client.formats.toolset import Toolset
    from toolcell_client.formats.turns import ModelTurn, ToolCall
    from toolcell_client.loops.approving import Ask
    from toolcell_client.loops.commands import Command
    from toolcell_client.loops.dialogue import Dialogue
    from toolcell_client.loops.turn_result import TurnResult
    from toolcell_client.result import Result

WENT_ON = "the user went on without deciding about it"
INTERRUPTED = "The program was interrupted; this call may have run, and nobody knows how it ended."
NO_QUERY = 'Say what the tool should do: {"query": "…"}.'


def calling(
    talk: Dialogue, turn: ModelTurn, toolset: Toolset, only: tuple[str, ...]
) -> Generator[Command, Any, bool]:
    """
    Have the calls of a turn executed; `only` are names of tools that were offered.

    Returns: whether a call waits for a yes; then the turn is open, and not in the history.
    """
    opened = talk.open = OpenTurn(turn=turn)
    try:
        for place, call in enumerate(turn.calls):
            if looks_for_tools(talk, call):
                opened.answers[place] = yield from _finding(talk, call)
        places = tuple(each for each in range(len(turn.calls)) if each not in opened.answers)
        if places:
            yield from executing(talk, opened, places, toolset, talk.settings.approve, only=only)
    except BaseException:
        interrupted(talk, opened)
        raise
    return settled(talk, opened)


def executing(
    talk: Dialogue,
    opened: OpenTurn,
    places: tuple[int, ...],
    toolset: Toolset,
    approve: Ask | None,
    *,
    only: tuple[str, ...] | None = None,
) -> Generator[Command, Any, None]:
    """
    Have the calls at these places executed; `only`: tools that may be called.
    """
    how = talk.settings
    options = {**how.call, "timeout": how.budget.timeout(talk.seconds, how.call_timeout)}
    settings = TurnSettings.of(
        only=only,
        approve=approve,
        bounds=how.bounds,
        kept=talk.kept,
        max_concurrent_calls=how.max_concurrent_calls,
        turn_id=f"{talk.identity}-{talk.turns_made}-{len(opened.runs)}",
        **options,
    )
    state = TurnState(how.provider, toolset, settings)
    calls = tuple(opened.turn.calls[place].raw for place in places)
    opened.runs.append((state, places))
    result = yield Execute(state, WireTurn(calls=calls, stop=opened.turn.stop))
    absorb(talk, opened, result, places)


def absorb(talk: Dialogue, opened: OpenTurn, result: TurnResult, places: tuple[int, ...]) -> None:
    """
    Take what came of the calls at these places.
    """
    pending = {each.planned.place: each for each in result.pending}
    told = iter(result.answers)
    for at, place in enumerate(places):
        call = opened.turn.calls[place]
        if at in pending:
            key = call.call_id or f"#{place}"
            opened.waiting[place] = Pending(key=key, call=call, question=pending[at].question)
            continue
        answer = next(told)
        if place not in opened.answers:
            _take(talk, opened, place, answer, result.results.get(call.call_id or f"#{at}"))
    talk.extracted += [each for each in result.extracted if each not in talk.extracted]


def _take(
    talk: Dialogue,
    opened: OpenTurn,
    place: int,
    answer: Answer,
    outcome: Result | ToolcellError | None,
) -> None:
    opened.answers[place] = replace(answer, call=opened.turn.calls[place])
    opened.waiting.pop(place, None)
    opened.recorded.add(place)
    talk.record(answered(opened.answers[place], outcome))


def interrupted(talk: Dialogue, opened: OpenTurn) -> None:
    """
    Whatever was thrown: what has begun may have run, so the model must know, and the history must
    stay whole.  What had been answered before keeps its answer.
    """
    for state, places in opened.runs:
        result = state.result()
        told = {id(each.call.raw): each for each in result.answers}
        for place, planned in zip(places, result.order, strict=False):
            answer = told.get(id(planned.call.raw))
            if answer is not None and place not in opened.answers:
                outcome = result.results.get(planned.call.call_id or f"#{planned.place}")
                _take(talk, opened, place, answer, outcome)
    close(talk, opened, {"error": "interrupted", "message": INTERRUPTED})


def settled(talk: Dialogue, opened: OpenTurn) -> bool:
    """
    Enter the turn into the history if all of it is answered.

    Returns: whether it is not.
    """
    for call in opened.turn.calls:
        if call.tool in talk.listed.tools:
            talk.used.pop(call.tool, None)
            talk.used[call.tool] = None
    if not opened.waiting:
        close(talk, opened)
        return False
    for pending in opened.waiting.values():
        summary = pending.question.summary if pending.question else ""
        asked = ApprovalAsked(call_id=pending.key, tool=pending.call.tool, summary=summary)
        talk.record(asked)
    return True


def close(talk: Dialogue, opened: OpenTurn, otherwise: dict[str, Any] | None = None) -> None:
    """
    Enter a turn into the history; calls without an answer get `otherwise`.
    """
    answers = []
    for place, call in enumerate(opened.turn.calls):
        answer = opened.answers.get(place)
        if answer is None:
            answer = Answer(call=call, value={"ok": False, **(otherwise or {})}, failed=True)
        answer = talk.repeating.seen(answer)
        if place not in opened.recorded:
            talk.record(answered(answer, None))
        answers.append(answer)
    talk.enter(opened.turn, answers)


def declined(talk: Dialogue, turn: ModelTurn, why: str) -> None:
    """
    Enter a turn into the history none of whose calls is executed.
    """
    told = {"error": "not_executed", "message": f"Not executed: {why}.", "retryable": False}
    close(talk, OpenTurn(turn=turn), told)


def abandoned(talk: Dialogue) -> None:
    """
    The user goes on although calls wait for a yes.
    """
    if talk.open is not None:
        told = {"error": "not_executed", "message": f"Not executed: {WENT_ON}."}
        close(talk, talk.open, told)


def _finding(talk: Dialogue, call: ToolCall) -> Generator[Command, Any, Answer]:
    query = query_of(call.arguments)
    if not query:
        return Answer(
            call=call, value={"ok": False, "error": "no_query", "message": NO_QUERY}, failed=True
        )
    try:
        names = tuple((yield FindTools(query, FINDS)))
    except ToolcellError as exc:
        return Answer(call=call, value=as_tool_message(exc), failed=True)
    for name in reversed(names):
        if name in talk.listed.tools:
            talk.found.pop(name, None)
            talk.found[name] = None
    return Answer(call=call, value=finds(talk.listed, names))
