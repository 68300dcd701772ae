"""
Reads one call of a model against the tools that it was offered.  Pure.

Theory of operation.  The first thing that is wrong is what the model is told.  That a call is not
whole comes first, because nothing else in it can be relied on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_client.formats.arguments import MalformedArguments, read_arguments
from toolcell_client.formats.turns import Problem, ToolCall

if TYPE_CHECKING:
    from collections.abc import Collection

    from toolcell_client.formats.offers import Offers
    from toolcell_client.formats.turns import RawCall

REPEATABLE = frozenset({"gemini"})  # counts results, and takes several of one id
MOST_NAMES = 20  # arbitrary; of tools, in what a model is told
NOT_EXECUTED = {
    Problem.TRUNCATED: "Your response was cut off before the call was whole; nothing ran."
    " Send the call again, with shorter arguments.",
    Problem.CANCELLED: "The response was interrupted; nothing ran.",
    Problem.REPEATED: "A call with this id has been answered already; nothing ran.",
}


def read_call(
    offers: Offers,
    raw: RawCall,
    allowed: Collection[str],
    answered: Collection[str],
) -> ToolCall:
    """
    The call; `allowed` are names of tools that may be called, `answered` ids that were.
    """
    name = offers.named(raw.name)
    if raw.problem is not None:
        known = NOT_EXECUTED.get(raw.problem, "The call is not whole; nothing ran.")
        detail = raw.detail or known
        return ToolCall(raw=raw, tool=name or raw.name, problem=raw.problem, detail=detail)
    if raw.call_id and raw.call_id in answered:
        return _refused(raw, name, Problem.REPEATED, NOT_EXECUTED[Problem.REPEATED])
    if not name:
        said = f"No tool is called {raw.name[:64]!r}; nothing ran. {_there_are(offers, allowed)}"
        return _refused(raw, "", Problem.UNKNOWN_TOOL, said)
    if name not in allowed:
        said = f"{offers.aliases[name]} is not offered for this response; nothing ran."
        said = f"{said} {_there_are(offers, allowed)}"
        return _refused(raw, name, Problem.NOT_OFFERED, said)
    return _with_arguments(offers, raw, name)


def _with_arguments(offers: Offers, raw: RawCall, name: str) -> ToolCall:
    try:
        arguments = offers.restored(name, read_arguments(raw.arguments))
    except MalformedArguments as exc:
        return _refused(raw, name, Problem.MALFORMED, str(exc))
    return ToolCall(raw=raw, tool=name, arguments=arguments)


def _refused(raw: RawCall, name: str, problem: Problem, detail: str) -> ToolCall:
    return ToolCall(raw=raw, tool=name, problem=problem, detail=detail)


def _there_are(offers: Offers, allowed: Collection[str]) -> str:
    names = sorted(offers.aliases[each] for each in allowed)
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    listed = ", ".join(names[:MOST_NAMES]) or "no tools"
    return f"There are: {listed}{more}."
