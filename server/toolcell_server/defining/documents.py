"""
Definitions as JSON, as they are exported, imported and kept in files.  Pure.

    {"toolcell_tools": 1, "tools": [
        {"manifest": {"name": "count_words", …}, "scope": "global", "command": {"argv": […]}}]}

An entry has the fields of `ToolDefinition`, but that the manifest, and the document of an OpenAPI
source, stand there as what they are.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import json_format
from toolcell.v1 import registry_pb2 as pb

from toolcell_server.defining.faults import Code, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

FORM: Final = "toolcell_tools"
VERSION: Final = 1
MAXIMUM_TOOLS: Final = 10_000
SOURCES: Final = tuple(field.name for field in pb.ToolDefinition.DESCRIPTOR.oneofs[0].fields)
_SCOPES: Final[dict[str, pb.ToolScope.ValueType]] = {
    "global": pb.TOOL_SCOPE_GLOBAL,
    "principal": pb.TOOL_SCOPE_PRINCIPAL,
    "session": pb.TOOL_SCOPE_SESSION,
}
_NAMES: Final = {number: name for name, number in _SCOPES.items()}


class Unreadable(ValueError):  # noqa: N818  # names what happened
    """
    Raised for what is no definition; `faults` say what is wrong with it.
    """

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.path}: {fault.message}" for fault in faults))
        self.faults = faults


def to_entry(definition: pb.ToolDefinition) -> dict[str, Any]:
    """
    A definition as an entry of a document.
    """
    entry: dict[str, Any] = {}
    if definition.manifest_json:
        entry["manifest"] = json.loads(definition.manifest_json)
    if definition.scope in _NAMES:
        entry["scope"] = _NAMES[definition.scope]
    if source := definition.WhichOneof("source"):
        message = getattr(definition, source)
        fields = json_format.MessageToDict(message, preserving_proto_field_name=True)
        if source == "openapi":
            fields["document"] = definition.openapi.document.decode()
        entry[source] = fields
    return entry


def from_entry(entry: Mapping[str, Any]) -> pb.ToolDefinition:
    """
    The definition that an entry of a document is.

    Raises:
        Unreadable: it is none.
    """
    faults = _faults(entry)
    given = [source for source in SOURCES if source in entry]
    scope = _SCOPES.get(str(entry.get("scope")), pb.TOOL_SCOPE_UNSPECIFIED)
    definition = pb.ToolDefinition(scope=scope)
    if "manifest" in entry:
        definition.manifest_json = _encoded(entry["manifest"])
    for source in given[:1]:
        try:
            json_format.ParseDict(_fields(source, entry[source]), getattr(definition, source))
            getattr(definition, source).SetInParent()
        except json_format.ParseError as exc:
            said = f"cannot be read: {exc!s:.160}; correct it"
            faults.append(Fault(f"/{source}", Code.MALFORMED, said))
    if faults:
        raise Unreadable(faults)
    return definition


def _faults(entry: Mapping[str, Any]) -> list[Fault]:
    known = ("manifest", "scope", *SOURCES)
    listed = ", ".join(known)
    found = [
        Fault(f"/{key}", Code.UNKNOWN_KEY, f"is not known; the keys are {listed}")
        for key in entry
        if key not in known
    ]
    if "scope" in entry and str(entry["scope"]) not in _SCOPES:
        said = f"must be one of {', '.join(_SCOPES)}, not {entry['scope']!r:.80}"
        found.append(Fault("/scope", Code.NOT_ONE_OF, said))
    if len(given := [source for source in SOURCES if source in entry]) > 1:
        said = f"excludes {given[0]}; give one source"
        found.append(Fault(f"/{given[1]}", Code.CONTRADICTION, said))
    return found


def _fields(source: str, value: Any) -> Any:
    """
    The fields of a source as protobuf reads them: bytes are base64 there.
    """
    if source == "openapi" and isinstance(value, dict) and isinstance(value.get("document"), str):
        return {**value, "document": base64.b64encode(value["document"].encode()).decode()}
    return value


def _encoded(manifest: Any) -> bytes:
    try:
        return json.dumps(manifest, ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError):
        said = "holds a value that JSON does not have"
        raise Unreadable([Fault("/manifest", Code.NOT_JSON, said)]) from None
