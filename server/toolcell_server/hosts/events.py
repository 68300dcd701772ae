"""
What a host says of a running call, as events: shapes are checked, texts bounded.

A host is as little trusted as a tool in a cell (`tool_frames.py`), and held to the same bounds.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import msgspec
from toolcell.v1 import execution_pb2 as pb

from toolcell_server.results import INLINE_BYTES
from toolcell_server.tool_frames import FIELDS_BYTES, MESSAGE_CHARACTERS

if TYPE_CHECKING:
    from toolcell.v1 import host_pb2

_LEVELS: Final = frozenset(pb.LogLevel.values()) - {pb.LOG_LEVEL_UNSPECIFIED}
_STREAMS: Final = frozenset({pb.OUTPUT_STREAM_STDOUT, pb.OUTPUT_STREAM_STDERR})
OUTPUT_BYTES: Final = 2**20  # of one event; a client of default settings receives 4 MiB


class BadEvent(ValueError):  # noqa: N818  # names what happened
    """
    Raised when a host says what no tool says; the text says what.
    """


def output(said: pb.Output) -> pb.Output:
    """
    Raises:
        BadEvent: it is of no stream, or too large.
    """
    if said.stream not in _STREAMS:
        raise BadEvent("output of an unknown stream")
    if len(said.data) > OUTPUT_BYTES:
        raise BadEvent(f"an output of {len(said.data)} bytes; send at most {OUTPUT_BYTES} at once")
    return said


def event_of(said: host_pb2.HostToolsRequest, kind: str) -> pb.ExecuteResponse:
    """
    The event that tells a log record, progress, or a partial value.

    Raises:
        BadEvent: it is none of these, or too large, or not JSON.
    """
    match kind:
        case "log":
            return pb.ExecuteResponse(log=_log(said.log))
        case "progress":
            return pb.ExecuteResponse(progress=_progress(said.progress))
        case "partial":
            return pb.ExecuteResponse(partial=_partial(said.partial))
    raise BadEvent(f"{kind} is not what a host says of a call")


def _log(said: pb.Log) -> pb.Log:
    level = said.level if said.level in _LEVELS else pb.LOG_LEVEL_INFO
    fields = said.fields_json
    if len(fields) > FIELDS_BYTES:
        fields = json.dumps({"omitted_bytes": len(fields)}).encode()
    elif fields and not isinstance(_decoded("the fields of a log record", fields), dict):
        raise BadEvent("the fields of a log record are no JSON object")
    return pb.Log(level=level, message=said.message[:MESSAGE_CHARACTERS], fields_json=fields)


def _progress(said: pb.Progress) -> pb.Progress:
    progress = pb.Progress(message=said.message[:MESSAGE_CHARACTERS])
    if said.HasField("fraction"):
        progress.fraction = min(1.0, max(0.0, said.fraction))  # NaN becomes 0
    return progress


def _partial(said: pb.Partial) -> pb.Partial:
    if len(said.value_json) > INLINE_BYTES:
        raise BadEvent(f"a partial value of {len(said.value_json)} bytes")
    _decoded("a partial value", said.value_json)
    return pb.Partial(value_json=said.value_json)


def _decoded(what: str, data: bytes) -> object:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError) as exc:
        raise BadEvent(f"{what} is not JSON") from exc
