"""
One record of the audit log as a line of a file, there and back.  Pure.

Theory of operation.  A line is a CloudEvents 1.0 envelope in JSON, with three attributes more:

    {"specversion":"1.0", "id":…, "source":…, "type":…, "time":…, ["subject":…,]
     "datacontenttype":"application/json", "seq":…, "prevhash":…, "data":{…}, "hash":…}

`hash` is SHA-256 over exactly the bytes of the line before `,"hash":`, and these hold the hash of
the record before.  So nobody has to agree on a canonical form of JSON (RFC 8785 differs from what
every library writes), and no byte can change unnoticed: the line must be these bytes, the hash and
`"}`, and nothing else.  `seq` counts from 1 in one log, `source` names the log by an id of its own:
a line of another log fits nowhere.  `seq` is a text of fixed width, as whole numbers of CloudEvents
end at 2**31.  https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md

A line is printable ASCII: whatever a caller sent is escaped, so that it can neither begin a line
nor reach the terminal of whoever reads the log.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Final

import msgspec

SOURCE: Final = "urn:toolcell:audit:"
TYPE: Final = "toolcell."
NO_HASH: Final = "0" * 64  # what the first record of a log has for the one before
MAXIMUM_LINE: Final = 2**20  # bytes; what is longer is no record of ours
SEQUENCE_DIGITS: Final = 16
_HASH: Final = b',"hash":"'
_TAIL: Final = re.compile(rb',"hash":"([0-9a-f]{64})"}')
_TAIL_BYTES: Final = len(_HASH) + 64 + 2
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]")
_ENCODER: Final = msgspec.json.Encoder()


class NotALine(ValueError):  # noqa: N818  # names what it is
    """
    Raised when bytes are no record; the text says why.
    """


@dataclass(frozen=True, slots=True)
class Line:
    """
    A record that was read.  `intact`: its bytes give its hash.
    """

    sequence: int
    previous: str
    hash: str
    source: str
    type: str
    data: dict[str, Any]
    envelope: dict[str, Any]
    intact: bool


def write(
    source: str, sequence: int, previous: str, head: tuple[str, str, str], data: bytes
) -> tuple[bytes, str]:
    """
    A line, with its line feed, and its hash.

    Args:
        source: the log's own id.
        sequence: its number in the log.
        previous: the hash of the record before.
        head: type without prefix, time (RFC 3339) and subject; an empty subject is left out.
        data: a JSON object, as `encoded` gives it.
    """
    kind, time, subject = head
    about = f'"subject":{encoded(subject).decode()},' if subject else ""
    number = f"{sequence:0{SEQUENCE_DIGITS}}"
    before = (
        f'{{"specversion":"1.0","id":"{number}","source":"{SOURCE}{source}","type":"{TYPE}{kind}",'
        f'"time":"{time}",{about}"datacontenttype":"application/json","seq":"{number}",'
        f'"prevhash":"{previous}","data":'
    )
    body = before.encode() + data
    digest = hashlib.sha256(body).hexdigest()
    return b"".join((body, _HASH, digest.encode(), b'"}\n')), digest


def read(raw: bytes) -> Line:
    """
    The record that a line, without its line feed, holds; changed or not.

    Raises:
        NotALine: it has not the shape of one.
    """
    tail = _TAIL.fullmatch(raw[-_TAIL_BYTES:])
    if tail is None:
        raise NotALine("does not end with a hash")
    body = raw[:-_TAIL_BYTES]
    try:
        envelope = json.loads(body + b"}")
        sequence, previous = int(envelope["seq"]), envelope["prevhash"]
        source, kind, data = envelope["source"], envelope["type"], envelope["data"]
    except (KeyError, TypeError, ValueError, RecursionError):
        raise NotALine("is no envelope of a record") from None
    if not all(isinstance(one, str) for one in (previous, source, kind)):
        raise NotALine("is no envelope of a record")
    if not isinstance(data, dict):
        raise NotALine("is no envelope of a record")
    digest = tail[1].decode()
    return Line(
        sequence=sequence,
        previous=previous,
        hash=digest,
        source=source.removeprefix(SOURCE),
        type=kind.removeprefix(TYPE),
        data=data,
        envelope={**envelope, "hash": digest},
        intact=hashlib.sha256(body).hexdigest() == digest,
    )


def encoded(value: Any) -> bytes:
    """
    A value as JSON in printable ASCII.  What no JSON can hold is written as its `repr`.
    """
    try:
        data = _ENCODER.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return json.dumps(value, default=repr, skipkeys=True).encode()
    if data.isascii() and b"\x7f" not in data:
        return data
    # Such characters stand in texts only, where an escape means the same.
    return _UNPRINTABLE.sub(_escaped, data.decode()).encode()


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
