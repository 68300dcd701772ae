"""
Events of OpenAI Realtime, as its server sends them, and the check of what is sent to it.
"""

from __future__ import annotations

import json
from typing import Any

from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import BaseModel, TypeAdapter

CLIENT_EVENTS: TypeAdapter[Any] = TypeAdapter(RealtimeClientEvent)
SERVER_EVENTS: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
COUNT = iter(range(10**9))


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """
    An event that the SDK knows, with every field that it demands.
    """
    made = {"type": kind, "event_id": f"event_{next(COUNT)}", **fields}
    strictly(SERVER_EVENTS, made)
    return made


def strictly(adapter: TypeAdapter[Any], value: Any) -> Any:
    """
    Validate, and refuse what the type does not know: the SDK's models let extra keys through.
    """
    found = adapter.validate_python(value, strict=True)
    if isinstance(found, BaseModel):
        assert value.get("type") == getattr(found, "type", None)
        _no_extras(found, "")
    return found


def _no_extras(value: Any, path: str) -> None:
    if isinstance(value, BaseModel):
        assert not value.model_extra, f"{path} has no {sorted(value.model_extra or {})}"
        for name in type(value).model_fields:
            _no_extras(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            _no_extras(each, f"{path}[{index}]")


def item(call_id: str, name: str = "look", arguments: Any = None, **fields: Any) -> dict[str, Any]:
    """
    An item that is a call.
    """
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return {
        "id": f"item_{call_id}",
        "type": "function_call",
        "status": "completed",
        "call_id": call_id,
        "name": name,
        "arguments": text,
        **fields,
    }


def message(text: str, item_id: str = "item_m", **fields: Any) -> dict[str, Any]:
    """
    An item in which the model says something.
    """
    content = [{"type": "output_audio", "transcript": text}]
    return {
        "id": item_id,
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": content,
        **fields,
    }


def created(response_id: str, **fields: Any) -> dict[str, Any]:
    response = {"id": response_id, "status": "in_progress", "output": [], **fields}
    return event("response.created", response=response)


def item_done(response_id: str, one: dict[str, Any], output_index: int = 0) -> dict[str, Any]:
    fields = {"response_id": response_id, "output_index": output_index, "item": one}
    return event("response.output_item.done", **fields)


def done(
    response_id: str, *items: dict[str, Any], status: str = "completed", **fields: Any
) -> dict[str, Any]:
    response = {"id": response_id, "status": status, "output": list(items), **fields}
    return event("response.done", response=response)


def calls(response_id: str, *items: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    """
    A whole response in which the model calls.
    """
    finished = [item_done(response_id, each, index) for index, each in enumerate(items)]
    return [created(response_id, **fields), *finished, done(response_id, *items, **fields)]


def says(response_id: str, text: str, **fields: Any) -> list[dict[str, Any]]:
    """
    A whole response in which the model speaks.
    """
    one = message(text, f"item_{response_id}")
    return [
        created(response_id, **fields),
        item_done(response_id, one),
        done(response_id, one, **fields),
    ]


def speech(item_id: str) -> dict[str, Any]:
    return event("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=0)


def committed(item_id: str) -> dict[str, Any]:
    return event("input_audio_buffer.committed", item_id=item_id, previous_item_id=None)


def transcript(item_id: str, text: str) -> dict[str, Any]:
    return event(
        "conversation.item.input_audio_transcription.completed",
        item_id=item_id,
        content_index=0,
        transcript=text,
        usage={"type": "duration", "seconds": 1.0},
    )


def user_says(item_id: str, text: str) -> list[dict[str, Any]]:
    """
    A whole turn of the user.
    """
    return [speech(item_id), committed(item_id), transcript(item_id, text)]


def error(code: str, event_id: str | None = None) -> dict[str, Any]:
    told = {"type": "invalid_request_error", "code": code, "message": code, "event_id": event_id}
    return event("error", error=told)


def session_created() -> dict[str, Any]:
    return event("session.created", session={"type": "realtime"})
