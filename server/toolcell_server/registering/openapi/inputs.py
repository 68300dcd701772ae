"""
The arguments of an operation: parameters and body in one flat object.  Pure.

Names are the parameters' own.  Where two parameters of different places have one name, or a field
of the body has that of a parameter, the first in the order path, query, header, cookie, body keeps
it; the others have their place before it: `query_id`, `body_id`.  A body that is no plain object of
fields is one argument, `body`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.registering import naming
from toolcell_server.registering.openapi import pointers
from toolcell_server.registering.openapi.bodies import Body, NotSupported, body_of, is_json

if TYPE_CHECKING:
    from toolcell_server.registering.openapi.schemas import Schemas

MAXIMUM_PARAMETERS: Final = 500  # of one operation and its path; arbitrary
_PLACES: Final = ("path", "query", "header", "cookie")
_STYLES: Final = {
    "path": ("simple",),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
# Written by the client, or by the egress: OpenAPI 3 says itself that the first three are ignored.
_OWN_HEADER_WORDS: Final = """
    accept content-type authorization connection content-length cookie expect host keep-alive
    proxy-authorization proxy-connection te trailer transfer-encoding upgrade
"""
_OWN_HEADERS: Final = frozenset(_OWN_HEADER_WORDS.split())


@dataclass(frozen=True, slots=True)
class Inputs:
    """
    The schema of the arguments; and where each goes, as the carrier is told.
    """

    schema: dict[str, Any]
    parameters: list[dict[str, Any]]
    body: dict[str, Any] | None


def inputs_of(schemas: Schemas, item: dict[str, Any], operation: dict[str, Any]) -> Inputs:
    """
    The inputs of an operation; `item` is its path, whose parameters it has as well.

    Raises:
        NotResolved: a reference leads nowhere.
        NotSupported: a parameter is written in a way that is not done here.
        TooLarge: the schema has more than a tool may have.
    """
    made = _Made(schemas)
    declared = _declared(schemas.document, item, operation)
    for parameter in sorted(declared, key=lambda each: _PLACES.index(each["in"])):
        made.add_parameter(parameter)
    body = body_of(schemas.document, operation)
    told = made.add_body(body) if body else None
    schema: dict[str, Any] = {
        "type": "object",
        "properties": made.properties,
        "additionalProperties": False,
    }
    if made.required:
        schema["required"] = made.required
    return Inputs(schemas.whole(schema), made.parameters, told)


class _Made:
    """
    What was made of the parameters so far.
    """

    def __init__(self, schemas: Schemas) -> None:
        self.schemas = schemas
        self.properties: dict[str, Any] = {}
        self.required: list[str] = []
        self.parameters: list[dict[str, Any]] = []
        self._taken: set[str] = set()

    def add_parameter(self, parameter: dict[str, Any]) -> None:
        name, place = parameter["name"], parameter["in"]
        style, explode, schema, as_json = _written(parameter)
        argument = self._add(
            name,
            place,
            schema,
            str(parameter.get("description") or ""),
            required=place == "path" or parameter.get("required") is True,
        )
        told = {"argument": argument, "name": name, "place": place, "style": style}
        self.parameters.append({**told, "explode": explode, "json": as_json})

    def add_body(self, body: Body) -> dict[str, Any]:
        told = {"kind": body.kind, "content_type": body.content_type, "required": body.required}
        if body.fields is None:
            argument = self._add(
                "body", "body", body.schema, body.description, required=body.required
            )
            return {**told, "argument": argument, "fields": {}}
        whole = {"type": "object", "properties": body.fields, "required": list(body.missed)}
        copied = self.schemas.copy(whole)
        fields, missed = {}, set(copied["required"])
        for name, schema in copied["properties"].items():
            fields[argument := naming.argument_name(name, "body", self._taken)] = name
            self.properties[argument] = schema
            if name in missed:
                self.required.append(argument)
        return {**told, "argument": "", "fields": fields}

    def _add(self, name: str, place: str, schema: Any, description: str, *, required: bool) -> str:
        argument = naming.argument_name(name, place, self._taken)
        copied = self.schemas.copy(schema)
        if description and isinstance(copied, dict):
            copied = {**copied, "description": description}
        self.properties[argument] = copied
        if required:
            self.required.append(argument)
        return argument


def _declared(
    document: dict[str, Any], item: dict[str, Any], operation: dict[str, Any]
) -> list[dict[str, Any]]:
    """
    Parameters of the path and of the operation, which has its way where both declare one.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for holder in (item, operation):
        entries = holder.get("parameters") or ()
        if len(entries) > MAXIMUM_PARAMETERS:
            raise NotSupported(f"it has more than {MAXIMUM_PARAMETERS} parameters")
        for entry in entries:
            parameter = pointers.resolved(document, entry)
            name, place = parameter.get("name"), parameter.get("in")
            if not isinstance(name, str) or place not in _PLACES:
                raise NotSupported(f"its parameter {name!r:.80} is in {place!r:.40}")
            if place != "header" or name.lower() not in _OWN_HEADERS:
                found[name, place] = parameter
    return list(found.values())


def _written(parameter: dict[str, Any]) -> tuple[str, bool, Any, bool]:
    """
    How a parameter is written: style, explode, schema, and whether as JSON.
    """
    place, name = parameter["in"], parameter["name"]
    content = parameter.get("content")
    if isinstance(content, dict) and content:
        [(kind, media), *_] = content.items()
        if not is_json(kind):
            raise NotSupported(f"its parameter {name!r:.80} is written as {kind:.60}")
        return _STYLES[place][0], False, (media or {}).get("schema", {}), True
    style = parameter.get("style") or _STYLES[place][0]
    if style not in _STYLES[place]:
        raise NotSupported(f"its parameter {name!r:.80} has the style {style!r:.40} in {place}")
    explode = parameter.get("explode")
    explode = explode if isinstance(explode, bool) else style == "form"
    return style, explode, parameter.get("schema", {}), False
