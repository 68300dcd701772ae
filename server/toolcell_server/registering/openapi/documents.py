"""
An OpenAPI document, read from JSON or YAML.  What it holds is hostile: it is bounded here, in
bytes, nodes and depth, before anybody looks at it.
"""

from __future__ import annotations

import re
from typing import Any, Final

from toolcell_server import strict_json

MAXIMUM_BYTES: Final = 4 * 2**20
MAXIMUM_NODES: Final = 300_000  # arbitrary; that of GitHub, with a thousand operations, has more
MAXIMUM_DEPTH: Final = 64
_VERSION: Final = re.compile(r"3\.[01]\.\d+(-.*)?")


class NotADocument(ValueError):  # noqa: N818  # names what happened
    """
    Raised when bytes are no OpenAPI document that can be read; says why, and the remedy.
    """


def read(data: bytes) -> dict[str, Any]:
    """
    The document that bytes hold.

    Raises:
        NotADocument: they are no JSON or YAML, are too large, or of another kind or version.
    """
    if len(data) > MAXIMUM_BYTES:
        raise NotADocument(
            f"the document has {len(data)} bytes, at most {MAXIMUM_BYTES} are read; cut out what is"
            " not needed"
        )
    document = _parsed(data)
    version = document.get("openapi")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        found = (
            f"swagger {document['swagger']!s:.20}" if "swagger" in document else f"{version!r:.40}"
        )
        raise NotADocument(f"its version is {found}; documents of OpenAPI 3.0 and 3.1 are read")
    if not isinstance(document.get("paths"), dict):
        raise NotADocument("it has no table of paths, so there is nothing to call")
    return document


def is_older(document: dict[str, Any]) -> bool:
    """
    Whether it is of OpenAPI 3.0, whose schemas are not yet JSON Schemas.
    """
    return str(document["openapi"]).startswith("3.0.")


def _parsed(data: bytes) -> dict[str, Any]:
    if data.lstrip()[:1] == b"{":
        try:
            value = strict_json.parse(data, MAXIMUM_BYTES, MAXIMUM_DEPTH)
        except strict_json.NotStrictJson as exc:
            where = f" at {exc.pointer}" if exc.pointer else ""
            raise NotADocument(f"it cannot be read{where}: {exc}") from None
        if _more_nodes_than(value, MAXIMUM_NODES):
            raise NotADocument(
                f"it has more than {MAXIMUM_NODES} values; cut out what is not needed"
            )
        return value
    # Here: only documents in YAML need it, and no server that has none.
    from toolcell_server.registering.openapi import yaml_reading

    try:
        read = yaml_reading.read(data, MAXIMUM_NODES, MAXIMUM_DEPTH)
    except ValueError as exc:
        raise NotADocument(f"it cannot be read: {exc}") from None
    if not isinstance(read, dict):
        raise NotADocument("it is neither a JSON object nor a YAML mapping")
    return read


def _more_nodes_than(value: Any, maximum: int) -> bool:
    open_ = [value]
    for _ in range(maximum):
        if not open_:
            return False
        node = open_.pop()
        if isinstance(node, dict):
            open_ += node.values()
        elif isinstance(node, list):
            open_ += node
    return bool(open_)
