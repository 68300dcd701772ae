"""
One definition as it is exported: JSON, with all that was done to its tools since.  Pure.

    {"manifest": {"name": "count_words", "version": "1", …}, "scope": "global",
     "command": {"argv": ["/usr/bin/wc", "-w"], …},
     "names": ["count_words@1"],
     "deprecated": [{"tool": "count_words@1", "reason": "use count",
                     "sunset_time": "2027-01-01T00:00:00Z"}]}

`names` are those of its tools that are registered; a definition that stands for more is imported
without the others.  `principal` and `session` say whose it is, if not the caller's.  `deprecated`
has the tools of which not the manifest has the last word.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from toolcell_server.defining import documents, whole
from toolcell_server.defining.documents import Unreadable
from toolcell_server.defining.faults import Code, Fault
from toolcell_server.tool import to_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell.v1 import registry_pb2 as pb

    from toolcell_server.tool import Tool

MAXIMUM_BYTES: Final = 3 * 2**20  # of an entry; clients receive 4 MiB by default
_LONGEST_REASON: Final = 256

Deprecated = tuple[str, float]  # why, and until when; 0.0: for ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    A definition; `names` None: all of its tools.
    """

    definition: pb.ToolDefinition
    names: frozenset[str] | None = None
    deprecated: Mapping[str, Deprecated] = field(default_factory=dict)
    principal: str = ""
    session: str = ""


def name_of(tool: Tool) -> str:
    """
    A tool as entries name it.
    """
    return f"{tool.name}@{tool.version}"


def to_json(entry: Entry) -> dict[str, Any]:
    """
    An entry as JSON.
    """
    made = documents.to_entry(entry.definition)
    for key in ("principal", "session"):
        if getattr(entry, key):
            made[key] = getattr(entry, key)
    made["names"] = sorted(entry.names or ())
    if entry.deprecated:
        made["deprecated"] = [_told(name, *why) for name, why in sorted(entry.deprecated.items())]
    return made


def from_json(encoded: bytes) -> Entry:
    """
    The entry that some JSON is.

    Raises:
        Unreadable: it is none; says everything that is wrong.
    """
    value = _decoded(encoded)
    faults = list(_faults(value))
    try:
        definition = documents.from_entry(value)
    except Unreadable as exc:
        faults += exc.faults
    if faults:
        raise Unreadable(faults)
    names = value.get("names")
    return Entry(
        definition=definition,
        names=None if names is None else frozenset(names),
        deprecated={
            each["tool"]: (each.get("reason", ""), _seconds(each.get("sunset_time", "")))
            for each in value.get("deprecated", ())
        },
        principal=value.get("principal", ""),
        session=value.get("session", ""),
    )


def _told(name: str, reason: str, sunset: float) -> dict[str, str]:
    told = {"tool": name, "reason": reason}
    if time := to_timestamp(sunset):
        told["sunset_time"] = time.ToJsonString()
    return told


def _decoded(encoded: bytes) -> dict[str, Any]:
    if len(encoded) > MAXIMUM_BYTES:
        said = f"has {len(encoded)} bytes; at most {MAXIMUM_BYTES} are allowed"
        raise Unreadable([Fault("", Code.TOO_LARGE, said)])
    try:
        value = json.loads(encoded)
    except (ValueError, RecursionError) as exc:
        raise Unreadable([Fault("", Code.UNREADABLE, f"is no JSON: {exc!s:.160}")]) from None
    if not isinstance(value, dict):
        raise Unreadable([Fault("", Code.WRONG_TYPE, "must be an object")])
    if found := whole.faults({key: part for key, part in value.items() if key != "openapi"}):
        raise Unreadable(found)
    return value


def _faults(value: Mapping[str, Any]) -> list[Fault]:
    found = [
        Fault(f"/{key}", Code.WRONG_TYPE, "must be a text")
        for key in ("principal", "session")
        if not isinstance(value.get(key, ""), str)
    ]
    names = value.get("names")
    if names is not None and not _texts(names):
        found.append(Fault("/names", Code.WRONG_TYPE, 'must be a list of texts as "name@version"'))
    if value.get("redacted"):
        said = "says that a secret was taken out; put it back, and leave this key out"
        found.append(Fault("/redacted", Code.REDACTED, said))
    deprecated = value.get("deprecated", [])
    if not isinstance(deprecated, list):
        return [*found, Fault("/deprecated", Code.WRONG_TYPE, "must be a list of objects")]
    for index, each in enumerate(deprecated):
        if wrong := _of_deprecated(each):
            found.append(Fault(f"/deprecated/{index}", Code.MALFORMED, wrong))
    return found


def _of_deprecated(each: Any) -> str:
    shape = 'must be {"tool": "name@version", "reason": …, "sunset_time": …}'
    if not isinstance(each, dict) or not set(each) <= {"tool", "reason", "sunset_time"}:
        return shape
    if "tool" not in each or not _texts(list(each.values())):
        return shape
    if len(each.get("reason", "")) > _LONGEST_REASON or not each.get("reason", "").isprintable():
        return f"has a reason that is no line of at most {_LONGEST_REASON} characters"
    try:
        _seconds(each.get("sunset_time", ""))
    except ValueError:
        return "has a sunset_time that is none; write it as 2027-01-31T12:00:00Z"
    return ""


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _seconds(time: str) -> float:
    """
    Raises:
        ValueError: it is no time of RFC 3339.
    """
    if not time:
        return 0.0
    made = Timestamp()
    made.FromJsonString(time)
    return made.ToMicroseconds() / 1e6
