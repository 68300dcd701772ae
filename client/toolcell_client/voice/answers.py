"""
What the model is told about its calls, as JSON text.  Pure.

Theory of operation.  A voice model reads an output and speaks.  Each output therefore says whether
it worked (`ok`), and where it did not, one sentence to `say`; a result that is too long to be of
use is replaced by what can be said of it.  Whatever a tool returned stands inside `result`, and is
nobody's instruction.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolcell_client.voice.speakable import flat, speakable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.voice.confirmations import Question
    from toolcell_client.voice.languages import Language

MOST_CHARACTERS = 4_000  # arbitrary; of a result that the model gets as it is
CONFIRM_CALL = "confirm_call"

NOT_CONFIRMED = {
    "unknown": "There is no such question; nothing ran. Call the tool itself again.",
    "guessed": "There is no such question; nothing ran. Call the tool itself again.",
    "replaced": "Another question has taken its place; nothing ran. Use the id of that one.",
    "closed": "The connection was lost; nothing ran. Call the tool itself again.",
    "used": "That was confirmed and run already; a repetition is a new call of the tool itself.",
    "expired": "The time for an answer is over; nothing ran. Call the tool itself again.",
    "denied": "The user said no; nothing ran. Do not call it again unless the user asks for it.",
    "not_read_out": "The question has not been read out in full; nothing ran. It is read out now.",
    "no_user_turn": "The user has not answered since the question was read out; nothing ran. Wait.",
    "wait": "No transcript of what the user said has come; nothing ran. Ask the user to repeat it.",
    "too_early": "You asked before the user had answered; nothing ran. Call confirm_call again.",
    "not_understood": "Nothing was understood; nothing ran. The question is read out again.",
    "not_a_clear_yes": "That was no clear yes to this question; nothing ran. It is read out again.",
    "wrong_code": "The digits were not among what was heard; nothing ran. It is read out again.",
    "no_pin": "No PIN was heard; nothing ran. The question is read out again.",
}


@dataclass(frozen=True, slots=True)
class Told:
    """
    How a call ended: what `as_tool_message` makes of it, and the sentence to say.
    """

    message: Mapping[str, Any]
    spoken: str = ""


def ended(told: Told, language: Language) -> str:
    """
    The output of a call that ran or was refused.
    """
    message = dict(told.message)
    text = _json({**message, **({"say": told.spoken} if told.spoken else {})})
    if len(text) <= MOST_CHARACTERS:
        return text
    if message.get("ok"):
        return _json(
            {"ok": True, "result": speakable(message.get("result"), language), "cut": True}
        )
    kept = {key: flat(str(message.get(key, ""))) for key in ("error", "message", "hint")}
    return _json({"ok": False, **kept, "say": told.spoken})


def not_executed(error: str, detail: str, say: str = "") -> str:
    """
    The output of a call that did not run.
    """
    return _json({"ok": False, "error": error, "message": detail, **({"say": say} if say else {})})


def asked(question: Question, seconds: float) -> str:
    """
    The output of a call that waits for a yes.
    """
    told = {
        "ok": False,
        "error": "confirmation_required",
        "message": "Nothing has run. The question is being read out to the user now. Wait for the"
        f" answer; after a clear yes call {CONFIRM_CALL} with this id and the user's words.",
        "confirmation_id": question.confirmation_id,
        "expires_in_seconds": round(seconds),
    }
    return _json(told)


def not_confirmed(reason: str) -> str:
    """
    The output of a `confirm_call` that was not accepted.
    """
    return not_executed(f"confirmation_{reason}", NOT_CONFIRMED[reason])


def waits_for_somebody(approval_id: str, language: Language) -> str:
    """
    The output of a call that another principal has to approve.
    """
    told = {
        "ok": False,
        "error": "approval_required",
        "message": "Nothing has run. Somebody else has to approve this; go on without it. The"
        " decision comes as a result of its own.",
        "approval_id": approval_id,
        "say": language.somebody_else,
    }
    return _json(told)


def denied(reason: str, language: Language) -> str:
    """
    What comes when somebody else said no.
    """
    return not_executed("approval_denied", flat(reason) or "No reason was given.", language.denied)


def confirm_definition() -> dict[str, Any]:
    """
    The tool with which the model passes on a yes.
    """
    text = {"type": "string"}
    return {
        "type": "function",
        "name": CONFIRM_CALL,
        "description": "Run a call that waits for the user's yes. Use only when the user has just"
        " said a clear yes to the question that was read out. It is checked against what the user"
        " said; anything but a clear yes runs nothing.",
        "parameters": {
            "type": "object",
            "properties": {
                "confirmation_id": {
                    **text,
                    "description": "the id that the call was answered with",
                },
                "phrase": {**text, "description": "what the user said, word for word"},
            },
            "required": ["confirmation_id", "phrase"],
            "additionalProperties": False,
        },
    }


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
