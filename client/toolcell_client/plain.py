"""
Messages of the contract as plain values that `json.dumps` takes.  Pure.

Theory of operation.  The standard JSON form of protobuf writes 64-bit numbers as strings, JSON in
base64 and enums in capitals; nobody wants to read that in a terminal or with jq.  Here spans are
seconds, times are ISO 8601, enums are their short words, embedded JSON is embedded, and bytes are
text where they are UTF-8 and base64 (`…_base64`) where they are not.  Absent fields are left out.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from toolcell.v1 import execution_pb2 as pb


def short_name(enum: Any, number: int) -> str:
    """
    The word of an enum's value without its prefix: LIMIT_WALL is "wall".
    """
    return _short(enum.DESCRIPTOR, number)


def event_to_plain(event: pb.ExecuteResponse) -> dict[str, Any]:
    """
    One event, flat: `{"sequence", "time", "execution_id", "call_id", "event": kind, …its fields}`.
    """
    plain = to_plain(event)
    kind = event.WhichOneof("event") or "unknown"
    fields = plain.pop(kind, {})
    return {**plain, "event": kind, **fields}


def to_plain(message: Message) -> dict[str, Any]:
    """
    A message as a dictionary.
    """
    plain: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_BYTES:
            name, plain_value = _bytes(field.name, value)
            plain[name] = plain_value
        elif field.message_type is not None and field.message_type.GetOptions().map_entry:
            plain[field.name] = dict(value)
        elif isinstance(value, (str, int, float)) or not hasattr(value, "__len__"):
            plain[field.name] = _value(field, value)
        else:
            plain[field.name] = [_value(field, each) for each in value]
    return plain


def _value(field: FieldDescriptor, value: Any) -> Any:
    if field.enum_type is not None:
        return _short(field.enum_type, value)
    if isinstance(value, Duration):
        return value.seconds + value.nanos / 1e9
    if isinstance(value, Timestamp):
        return value.ToJsonString()
    return to_plain(value) if field.message_type is not None else value


def _bytes(name: str, value: bytes) -> tuple[str, Any]:
    try:
        text = value.decode()
        if name.endswith("_json"):
            return name.removesuffix("_json"), json.loads(text)
    except (ValueError, RecursionError):
        return f"{name}_base64", base64.b64encode(value).decode()
    return name, text


def _short(descriptor: Any, number: int) -> str:
    prefix = descriptor.values[0].name.removesuffix("UNSPECIFIED")
    value = descriptor.values_by_number.get(number)
    return value.name.removeprefix(prefix).lower() if value else str(number)
