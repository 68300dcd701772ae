"""
What a cell says, as events.  The tool may forge any frame after READY: shapes are checked, texts
bounded, and what no tool of ours does is remembered as confusion, never raised.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

import msgspec
from toolcell.v1 import execution_pb2 as pb
from toolcell_worker.wire import Frame, Message, ProtocolError

from toolcell_server import endings
from toolcell_server.results import INLINE_BYTES

if TYPE_CHECKING:
    from toolcell_server.judging import Words

MESSAGE_CHARACTERS = 8192
OBJECT_BYTES = 128 * 1024  # arbitrary; what is parsed here keeps everybody else waiting
FIELDS_BYTES = 64 * 1024  # arbitrary; an event must stay far below what a client receives
RESULT_BYTES = 256 * 1024  # arbitrary; there is one for each call
LEVELS = {
    "debug": pb.LOG_LEVEL_DEBUG,
    "info": pb.LOG_LEVEL_INFO,
    "warning": pb.LOG_LEVEL_WARNING,
    "error": pb.LOG_LEVEL_ERROR,
}


def cost(message: Message) -> int:
    """
    How long a frame keeps everybody else waiting, in units of some 20 µs.  There is one result.
    """
    size = len(message.payload)
    if message.kind == Frame.RESULT:
        return 1
    return 1 + size // (512 if message.kind == Frame.PARTIAL else 128)


def take(message: Message, words: Words) -> pb.ExecuteResponse | None:
    """
    One frame of the tool's process: an event, or a word remembered for the ending.

    Raises:
        ProtocolError: it is not a frame that a tool sends.
    """
    _refuse_descriptors(message)
    if not words.ready:
        raise ProtocolError(f"frame {message.kind} before READY")
    match message.kind:
        case Frame.LOG:
            return pb.ExecuteResponse(log=_log(_object(message)))
        case Frame.PROGRESS:
            return pb.ExecuteResponse(progress=_progress(_object(message)))
        case Frame.PARTIAL:
            _check_size(message, INLINE_BYTES)
            _checked(message)
            return pb.ExecuteResponse(partial=pb.Partial(value_json=message.payload))
        case Frame.DENIED:
            return pb.ExecuteResponse(denied=endings.denied(_object(message)))
        case Frame.RESULT | Frame.RAISED:
            _ending(message, words)
            return None
        case _:
            raise ProtocolError(f"frame {message.kind} is not a tool's")


def _ending(message: Message, words: Words) -> None:
    if words.result is not None or words.raised is not None:
        raise ProtocolError("two endings came")
    if message.kind == Frame.RESULT:
        # A larger one is checked with its schema, in a process of its own.
        if len(message.payload) <= RESULT_BYTES:
            _checked(message)
        words.result = message.payload
    else:
        words.raised = _object(message)


def _checked(message: Message) -> Any:
    """
    Raises:
        ProtocolError: the payload is not strict JSON; a pickle, for one, is not.
    """
    try:
        if len(message.payload) > OBJECT_BYTES:
            return msgspec.json.decode(message.payload)  # several times as fast, a little stricter
        return _DECODER.decode(message.payload.decode())
    except (msgspec.DecodeError, ValueError, RecursionError) as exc:
        raise ProtocolError(f"frame {message.kind} does not hold JSON") from exc


def _check_size(message: Message, maximum: int) -> None:
    if len(message.payload) > maximum:
        raise ProtocolError(f"frame {message.kind} holds {len(message.payload)} bytes")


def _object(message: Message) -> dict[str, Any]:
    _check_size(message, OBJECT_BYTES)
    value = _checked(message)
    if not isinstance(value, dict):
        raise ProtocolError(f"frame {message.kind} does not hold an object")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant)  # loads() would make one each


def _refuse_descriptors(message: Message) -> None:
    if message.descriptors:
        for descriptor in message.descriptors:
            os.close(descriptor)
        raise ProtocolError("a tool may not send descriptors")


def _log(said: dict[str, Any]) -> pb.Log:
    level = said.get("level")
    return pb.Log(
        level=LEVELS.get(level, pb.LOG_LEVEL_INFO) if isinstance(level, str) else pb.LOG_LEVEL_INFO,
        message=_text(said.get("message")),
        fields_json=_fields(said.get("fields")),
    )


def _fields(fields: Any) -> bytes:
    """
    The fields of a log record.  What a client could not receive is left out, and its size told.
    """
    if not isinstance(fields, dict) or not fields:
        return b""
    try:
        data = json.dumps(fields, allow_nan=False).encode()
    except (ValueError, RecursionError) as exc:  # 1e999 is JSON, and no number
        raise ProtocolError("the fields of a log record cannot be told") from exc
    if len(data) > FIELDS_BYTES:
        return json.dumps({"omitted_bytes": len(data)}).encode()
    return data


def _progress(said: dict[str, Any]) -> pb.Progress:
    progress = pb.Progress(message=_text(said.get("message")))
    fraction = said.get("fraction")
    if isinstance(fraction, int | float):  # compared, never converted: an int may be too large
        progress.fraction = min(1.0, max(0.0, fraction))
    return progress


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    return text[:MESSAGE_CHARACTERS].encode("utf-8", "replace").decode()
