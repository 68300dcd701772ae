"""
ExportTools and ImportTools, as messages.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from toolcell.v1 import registry_pb2 as pb

from toolcell_server import pages
from toolcell_server.porting.exporting import FIRST, MOST_LOOKED_AT
from toolcell_server.refusals import BadPageToken, InvalidField
from toolcell_server.registering.faults import to_proto

if TYPE_CHECKING:
    from toolcell_server.porting.exporting import Exporter, Position
    from toolcell_server.porting.importing import Imported, Importer
    from toolcell_server.principal import Principal

MOST_NAMES: Final = 100
MOST_DEFINITIONS: Final = 1000  # of one request, as the contract says
_LONGEST_NAME: Final = 64
# A page is cut short here: clients receive 4 MiB by default.
_PAGE_BYTES: Final = 2 * 2**20
_KINDS: Final = {
    pb.TOOL_SCOPE_UNSPECIFIED: "",
    pb.TOOL_SCOPE_GLOBAL: "global",
    pb.TOOL_SCOPE_PRINCIPAL: "principal",
    pb.TOOL_SCOPE_SESSION: "session",
}


class Porting(NamedTuple):
    """
    What exports and imports.
    """

    exporter: Exporter
    importer: Importer


def export(
    exporter: Exporter, request: pb.ExportToolsRequest, caller: Principal
) -> pb.ExportToolsResponse:
    """
    A page.

    Raises:
        BadPageToken, InvalidField: as the contract says.
        NotPermitted, StoreFailed: as `Exporter.export`.
    """
    size = pages.size(request.page_size)
    _check_names(request)
    filters = {"names": sorted(request.names), "scope": request.scope}
    after = _position(pages.decode(request.page_token, filters))
    response = pb.ExportToolsResponse()
    room, last, looked_at = _PAGE_BYTES, after, 0
    kind = _KINDS.get(request.scope, "")
    for exported in exporter.export(after, request.names, kind, caller):
        if exported.encoded is not None:
            room -= len(exported.encoded)
            if response.definitions_json and (len(response.definitions_json) == size or room < 0):
                break
            response.definitions_json.append(exported.encoded)
        last, looked_at = exported.position, looked_at + 1
    else:
        if looked_at < MOST_LOOKED_AT:
            return response
    response.next_page_token = pages.encode(json.dumps(last), filters)
    return response


async def bring(
    importer: Importer, request: pb.ImportToolsRequest, caller: Principal
) -> pb.ImportToolsResponse:
    """
    What became of each definition.

    Raises:
        InvalidField: there is none, or there are too many.
        CallRefused: as `Importer.bring`.
    """
    if not 1 <= len(request.definitions_json) <= MOST_DEFINITIONS:
        raise InvalidField("definitions_json", f"must be 1 to {MOST_DEFINITIONS}")
    conflict = request.on_conflict or pb.IMPORT_CONFLICT_FAIL
    found, done = await importer.bring(
        request.definitions_json, caller, conflict, validate_only=request.validate_only
    )
    return pb.ImportToolsResponse(definitions=map(_told, found), imported=done)


def _told(imported: Imported) -> pb.ImportedDefinition:
    return pb.ImportedDefinition(
        outcome=imported.outcome,
        tools=imported.tools,
        faults=map(to_proto, imported.faults),
    )


def _check_names(request: pb.ExportToolsRequest) -> None:
    if len(request.names) > MOST_NAMES or any(len(name) > _LONGEST_NAME for name in request.names):
        said = f"must be at most {MOST_NAMES}, each of at most {_LONGEST_NAME} characters"
        raise InvalidField("names", said)


def _position(text: str) -> Position:
    if not text:
        return FIRST
    try:
        kind, principal, session, digest = map(str, json.loads(text))
        bytes.fromhex(digest)
    except (ValueError, TypeError):  # whoever knows how tokens are made can make one
        raise BadPageToken("is malformed") from None
    return kind, principal, session, digest
