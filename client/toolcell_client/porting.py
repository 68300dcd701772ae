"""
Requests to export and import tools, from Python values.  Pure.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from toolcell.v1 import registry_pb2 as pb

from toolcell_client.definitions import scope_number
from toolcell_client.requests import enum_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def exporting(names: Iterable[str], scope: str) -> pb.ExportToolsRequest:
    """
    Asks for the first page.

    Raises:
        ValueError: there is no such scope.
    """
    return pb.ExportToolsRequest(names=names, scope=scope_number(scope))


def importing(
    definitions: Iterable[Mapping[str, Any]], on_conflict: str, *, validate_only: bool
) -> pb.ImportToolsRequest:
    """
    Asks to register what was exported.

    Raises:
        ValueError, TypeError: something is no JSON, or there is no such choice.
    """
    number = enum_number(pb.ImportConflict, on_conflict)
    return pb.ImportToolsRequest(
        definitions_json=[json.dumps(each, ensure_ascii=False).encode() for each in definitions],
        on_conflict=pb.ImportConflict.ValueType(number),
        validate_only=validate_only,
    )
