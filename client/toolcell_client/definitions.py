"""
Builds definitions of tools, and requests that change them, from Python values.  Pure.

Theory of operation.  A definition is a mapping with the keys of a manifest, and says how the tool
runs: `argv`, `stdin` and `result` as in the manifest of a command, or a mapping by the name of its
source (`command`, `upload`, `openapi`, `mcp`) with the fields of the contract.  So a file that a
bundle would load can be registered as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypedDict

from google.protobuf.timestamp_pb2 import Timestamp
from toolcell.v1 import registry_pb2 as pb

from toolcell_client.requests import enum_number

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

Definition = Mapping[str, Any] | pb.ToolDefinition
_COMMAND: Final = ("argv", "stdin", "result")
_SOURCES: Final[dict[str, Any]] = {
    "command": pb.CommandSource,
    "upload": pb.UploadSource,
    "openapi": pb.OpenApiSource,
    "mcp": pb.McpSource,
}


class Whose(TypedDict, total=False):
    """
    Whose tool it is, by default the caller's own or else everybody's: `scope` is "global",
    "principal" or "session"; `principal` and `session` are for who may change everybody's.
    """

    scope: str
    principal: str
    session: str


class Registering(TypedDict, total=False):
    """
    How to register; every field may be left out.
    """

    scope: str  # "global", "principal" or "session"; left out: global for who may, else the own
    all_or_nothing: bool  # left out: true
    replace: bool  # replace tools of the same name, version and scope
    validate_only: bool  # check everything, register nothing
    session_id: str  # for that session, unless a definition has a scope; they go when it ends


class Which(NamedTuple):
    """
    A tool to change, by default all of its versions; for the rest see `Whose`.
    """

    name: str
    version: str = ""
    scope: str = ""
    principal: str = ""
    session: str = ""

    def fields(self) -> dict[str, Any]:
        """
        As the requests take them.
        """
        return {**self._asdict(), "scope": scope_number(self.scope)}


def registration(
    definitions: Iterable[Definition],
    scope: str = "",
    *,
    all_or_nothing: bool = True,
    replace: bool = False,
    validate_only: bool = False,
    session_id: str = "",
) -> pb.RegisterToolsRequest:
    """
    Raises:
        ValueError, TypeError: something is no definition; says what.
    """
    return pb.RegisterToolsRequest(
        definitions=[message(each, scope) for each in definitions],
        all_or_nothing=all_or_nothing,
        replace=replace,
        validate_only=validate_only,
        session_id=session_id,
    )


def message(definition: Definition, scope: str = "") -> pb.ToolDefinition:
    """
    One definition; its own scope wins over `scope`.

    Raises:
        ValueError, TypeError: it is none; says what.
    """
    if isinstance(definition, pb.ToolDefinition):
        return definition
    manifest = dict(definition)
    made = pb.ToolDefinition(scope=scope_number(manifest.pop("scope", "") or scope))
    flat: dict[str, Any] = {key: manifest.pop(key) for key in _COMMAND if key in manifest}
    if flat:
        made.command.CopyFrom(_source("command", flat))
    for name in _SOURCES:
        if isinstance(manifest.get(name), Mapping):
            getattr(made, name).CopyFrom(_source(name, manifest.pop(name)))
    made.manifest_json = json.dumps(manifest, ensure_ascii=False).encode()
    return made


def deprecation(which: Which, reason: str, sunset: datetime | None) -> pb.DeprecateToolRequest:
    """
    Asks to deprecate a tool; `sunset` must know its time zone.

    Raises:
        ValueError: it does not.
    """
    request = pb.DeprecateToolRequest(reason=reason, **which.fields())
    if sunset is not None:
        if sunset.tzinfo is None:
            raise ValueError("sunset has no time zone; give it one, as in datetime.now(UTC)")
        time = Timestamp()
        time.FromDatetime(sunset)
        request.sunset_time.CopyFrom(time)
    return request


def scope_number(scope: str) -> pb.ToolScope.ValueType:
    """
    "global", "principal" or "session" as the contract has it; "": unspecified.

    Raises:
        ValueError: it is none of these.
    """
    return pb.ToolScope.ValueType(enum_number(pb.ToolScope, scope or 0))


def _source(name: str, fields: Mapping[str, Any]) -> Any:
    values = {**fields}
    if isinstance(values.get("document"), str):
        values["document"] = values["document"].encode()
    try:
        return _SOURCES[name](**values)
    except (TypeError, ValueError) as exc:
        raise ValueError(f"the source {name} of the definition cannot be sent: {exc}") from exc
