"""
Turns a result or an error into what a model can read and act on.  Pure.

Theory of operation.  A model needs to know whether the call worked, what came of it, and what to
do differently.  It does not need ids, usage or tracebacks, and its context is dear: long output is
cut in the middle, and the result is cut last.  What an operator only reports was not denied: that
explains nothing to it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from toolcell_client.errors import CallRefused, CallTimedOut, ExecutionEnded, ToolcellError
from toolcell_client.plain import to_plain

if TYPE_CHECKING:
    from toolcell_client.result import Result

MAXIMUM_OUTPUT_CHARACTERS = 2_000  # arbitrary; per stream, of a tool that did not complete
MAXIMUM_DENIALS = 5  # arbitrary; the first ones explain the rest


def as_tool_message(
    answer: Result | ToolcellError, *, output_characters: int = MAXIMUM_OUTPUT_CHARACTERS
) -> dict[str, Any]:
    """
    A short dictionary for a model: `{"ok": True, "result": …}`, or `{"ok": False, "error": kind,
    "message", "hint", "retryable", …}` with `violations`, `close_matches`, `retry_after_seconds`,
    `denials`, `stdout` and `stderr` where there are any, the last two of at most so many
    characters.  A result that nobody has any more is `None`, with `message` and
    `hint`.
    """
    if isinstance(answer, CallRefused):
        return _refused(answer)
    if isinstance(answer, ExecutionEnded):
        return _ended(answer.result, output_characters)
    if isinstance(answer, ToolcellError):
        return _unanswered(answer)
    if answer.result_left_out:
        told = {"message": answer.outcome.message, "hint": answer.outcome.hint}
        return {"ok": True, "result": None, **told}
    return {"ok": True, "result": answer.value} if answer.ok else _ended(answer, output_characters)


def to_model_text(answer: Result | ToolcellError) -> str:
    """
    The same as JSON text, for a provider whose tool results are strings.
    """
    return json.dumps(as_tool_message(answer), ensure_ascii=False)


def _refused(refused: CallRefused) -> dict[str, Any]:
    violations = [
        {"field": each.field, "description": each.description} for each in refused.violations
    ]
    optional = {
        "hint": refused.hint,
        "violations": violations,
        "close_matches": list(getattr(refused, "close_matches", ())),
        "retry_after_seconds": refused.retry_delay,
        # Never the token: with it, a model could answer for the person.
        "approval_id": getattr(refused, "approval_id", ""),
    }
    return {
        "ok": False,
        "error": (refused.reason or refused.code.name).lower(),
        "message": refused.message,
        "retryable": refused.retryable,
        **{name: value for name, value in optional.items() if value},
    }


def _ended(result: Result, characters: int) -> dict[str, Any]:
    denials: list[dict[str, Any]] = []
    for each in (*result.outcome.denials, *result.denials):
        denied = to_plain(each)
        if not each.reported_only and denied not in denials:
            denials.append(denied)
    optional = {
        "hint": result.outcome.hint,
        "denials": denials[:MAXIMUM_DENIALS],
        "stdout": _shortened(result.stdout, characters),
        "stderr": _shortened(result.stderr, characters),
    }
    return {
        "ok": False,
        "error": result.label,
        "message": result.outcome.message,
        "retryable": result.outcome.retryable,
        **{name: value for name, value in optional.items() if value},
    }


def _unanswered(error: ToolcellError) -> dict[str, Any]:
    kind = "timed_out" if isinstance(error, CallTimedOut) else "unreachable"
    return {
        "ok": False,
        "error": kind,
        "message": str(error),
        "retryable": False,
        "hint": "The tool service did not answer; go on without it or tell the user.",
    }


def _shortened(output: bytes, characters: int) -> str:
    text = output.decode(errors="replace")
    if len(text) <= characters:
        return text
    half = characters // 2
    left_out = len(text) - 2 * half
    return f"{text[:half]}\n… {left_out} characters left out …\n{text[-half:]}"
