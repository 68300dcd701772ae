"""
Writes entries of a transcript for people.  Pure.
"""

from __future__ import annotations

import json

from toolcell_client.loops.entries import (
    ApprovalAsked,
    ApprovalDecided,
    CallAnswered,
    Ended,
    Entry,
    ModelFailed,
    ModelSaid,
    UserSaid,
    Withheld,
)

SHOWN_CHARACTERS = 200  # arbitrary; of arguments and answers, one line each
# Terminals obey these, the last ones by showing text in another order; what a model or a tool wrote
# must not.
_DIRECTIONS = (0x061C, *range(0x200E, 0x2010), *range(0x2028, 0x202F), *range(0x2066, 0x206A))
_CONTROLS = {
    each: "?" for each in (*range(32), *range(127, 160), *_DIRECTIONS) if chr(each) not in "\n\t"
}


def rendered(entry: Entry) -> str:
    """
    One entry as a paragraph, without control characters.  Its further lines are indented, so that
    none passes for an entry.
    """
    return _said(entry).translate(_CONTROLS).replace("\n", "\n    | ")


def _said(entry: Entry) -> str:
    match entry:
        case UserSaid():
            return f"user: {entry.text}"
        case ModelSaid():
            return _model(entry)
        case CallAnswered():
            return _call(entry)
        case ApprovalAsked():
            return f"  {entry.tool} waits for a yes: {entry.summary}".removesuffix(": ")
        case ApprovalDecided():
            return f"  {entry.tool} was {'approved' if entry.approved else 'denied'}"
        case ModelFailed():
            return f"model failed: {entry.error}: {_line(entry.message)}"
        case Ended():
            return f"ended: {entry.stop_reason} after {entry.steps} steps"
        case Withheld():
            return f"({entry.of}, withheld)"
        case _:
            return entry.kind


def _model(entry: ModelSaid) -> str:
    took = f"{entry.tokens.input}+{entry.tokens.output} tokens"
    cost = "" if entry.cost is None else f", {entry.cost:f}"
    calls = f" ({entry.calls} calls)" if entry.calls else ""
    return f"{entry.model or 'model'} [{entry.stop}, {took}{cost}]: {entry.text}{calls}"


def _call(entry: CallAnswered) -> str:
    how = entry.problem or entry.outcome or ("failed" if entry.failed else "answered")
    took = "" if entry.seconds is None else f" in {entry.seconds:.3f} s"
    arguments = _line(json.dumps(entry.arguments, ensure_ascii=False, default=str))
    cut = ", truncated" if entry.truncated else ""
    return f"  {entry.tool}({arguments}) {how}{took}{cut}: {_line(entry.answer)}"


def _line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= SHOWN_CHARACTERS else f"{flat[:SHOWN_CHARACTERS]}…"
