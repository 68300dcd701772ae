"""
Events that a voice session sends.  Pure.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MARK = "toolcell"  # the key in `metadata` of responses that are ours; the server repeats it
FILLER = "filler"
READ_BACK = "read_back"
WORD_FOR_WORD = "Say exactly this, nothing before it and nothing after it:"
_UNTAKEN = re.compile(r"[^a-zA-Z0-9_-]")  # what names of functions may not have


def session_update(
    tools: Sequence[Mapping[str, Any]], instructions: str, more: Mapping[str, Any]
) -> dict[str, Any]:
    """
    Says which tools there are.
    """
    session = {
        "tool_choice": "auto",
        **more,
        "type": "realtime",
        "tools": list(tools),
        "instructions": instructions,
    }
    return {"type": "session.update", "session": session}


def response_create(event_id: str) -> dict[str, Any]:
    """
    Lets the model answer.
    """
    return {"type": "response.create", "event_id": event_id}


def read_back_create(event_id: str, sentence: str) -> dict[str, Any]:
    """
    Lets the model read a question out, and do nothing else: no tool may be called.
    """
    return {
        "type": "response.create",
        "event_id": event_id,
        "response": {
            "instructions": f"{WORD_FOR_WORD} {quoted(sentence)}",
            "tool_choice": "none",
            "metadata": {MARK: READ_BACK},
        },
    }


def filler_create(event_id: str, sentence: str) -> dict[str, Any]:
    """
    Lets the model say a line that leaves no trace in the conversation.
    """
    return {
        "type": "response.create",
        "event_id": event_id,
        "response": {
            "conversation": "none",
            "input": [],
            "instructions": f"{WORD_FOR_WORD} {quoted(sentence)}",
            "tool_choice": "none",
            "tools": [],
            "metadata": {MARK: FILLER},
        },
    }


def response_cancel(response_id: str) -> dict[str, Any]:
    """
    Ends one response.
    """
    return {"type": "response.cancel", "response_id": response_id}


def told_later(
    call_id: str, name: str, arguments: Mapping[str, Any], output: str
) -> list[dict[str, Any]]:
    """
    A call and its result, for what was decided after its first call had been answered.  It is told
    as a result and not as a message: what a tool says must not come with the weight of ours.
    """
    call = {
        "type": "function_call",
        "call_id": call_id,
        "name": _UNTAKEN.sub("_", name)[:64],
        "arguments": json.dumps(dict(arguments), ensure_ascii=False),
    }
    result = {"type": "function_call_output", "call_id": call_id, "output": output}
    return [{"type": "conversation.item.create", "item": each} for each in (call, result)]


def quoted(sentence: str) -> str:
    """
    A sentence in quotes that it cannot end.
    """
    flat = " ".join(sentence.split())
    return json.dumps("".join(each for each in flat if each.isprintable()), ensure_ascii=False)
