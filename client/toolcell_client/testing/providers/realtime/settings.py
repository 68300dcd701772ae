"""
The settings of a realtime session, and of one response of it.  Pure.

Source: `openai/types/realtime/realtime_session_create_request.py`, `realtime_function_tool.py` and
`realtime_response_create_params.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers.openai_tools import (
    check_choice,
    check_function,
    check_unique,
)
from toolcell_client.testing.providers.openai_words import field, invalid, only, typed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.testing.providers.view import SeenTool

_SESSION_FIELDS = """
type audio include instructions max_output_tokens model output_modalities parallel_tool_calls prompt
reasoning tool_choice tools tracing truncation
"""
SESSION_FIELDS = frozenset(_SESSION_FIELDS.split())
_RESPONSE_FIELDS = """
audio conversation input instructions max_output_tokens metadata output_modalities
parallel_tool_calls prompt reasoning tool_choice tools
"""
RESPONSE_FIELDS = frozenset(_RESPONSE_FIELDS.split())
TOOL_FIELDS = frozenset({"type", "name", "description", "parameters"})


def first(session_id: str, model: str) -> dict[str, Any]:
    """
    A session as it begins.
    """
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": session_id,
        "model": model,
        "output_modalities": ["audio"],
        "instructions": "",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "transcription": None,
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": 0.5,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 200,
                    "create_response": True,
                    "interrupt_response": True,
                },
            },
            "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin"},
        },
    }


def updated(session: Mapping[str, Any], change: Any, *, spoken: bool) -> dict[str, Any]:
    """
    A session after `session.update`; `spoken`: it has answered in audio, so its voice is settled.

    Raises:
        Refused: OpenAI would not take the change; all of it is dropped then.
    """
    kind = field(typed(change, dict, "session"), "type", str, "session")
    if kind != "realtime":
        raise invalid(f"Invalid value: '{kind}'. Supported values are: 'realtime'.", "session.type")
    only(change, SESSION_FIELDS, "session")
    if change.get("model", session["model"]) != session["model"]:
        raise invalid("Cannot update a session's model.", "session.model")
    made = dict(session) | dict(change)
    tools = check_tools(made["tools"], "session.tools")
    check_modalities(made["output_modalities"], "session.output_modalities")
    choose(made["tool_choice"], tools)
    made["audio"] = merged(session["audio"], change.get("audio") or {})
    if spoken and made["audio"]["output"]["voice"] != session["audio"]["output"]["voice"]:
        raise invalid(
            "Cannot update a conversation's voice if assistant audio is present.",
            "session.audio.output.voice",
            "cannot_update_voice",
        )
    return made


def check_tools(tools: Any, where: str) -> tuple[SeenTool, ...]:
    """
    Tools as they are offered; there is no `strict` here.
    """
    seen = []
    for at, tool in enumerate(typed(tools, list, where)):
        here = f"{where}[{at}]"
        kind = field(typed(tool, dict, here), "type", str, here)
        if kind != "function":
            raise invalid(
                f"Invalid value: '{kind}'. Supported values are: 'function' and 'mcp'.",
                f"{here}.type",
            )
        only(tool, TOOL_FIELDS, here)
        seen.append(check_function(tool, here))
    check_unique(seen, where)
    return tuple(seen)


def choose(choice: Any, tools: tuple[SeenTool, ...]) -> tuple[str, tuple[str, ...]]:
    """
    The mode and the names that are allowed.
    """
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        raise invalid("Invalid value: 'allowed_tools'.", "tool_choice.type")
    return check_choice(choice, tools, nested=False)


def check_modalities(modalities: Any, where: str) -> None:
    """
    Either text or audio.
    """
    if typed(modalities, list, where) not in (["text"], ["audio"]):
        raise invalid(
            f"Invalid modalities: {modalities}. Supported combinations are: ['text'] and"
            " ['audio'].",
            where,
        )


def merged(old: Any, new: Any) -> Any:
    """
    Settings with what changes; None takes away.
    """
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    return old | {name: merged(old.get(name), value) for name, value in new.items()}
