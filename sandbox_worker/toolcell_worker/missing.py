"""
Which paths this call asked for and did not get because nothing is there.

The server leaves out of a grant what does not exist; what exists and may not be had, it refuses
before a cell is made.  So a path that the tool declares and the arguments name, and that the cell
was not given, was not there when the call was admitted.  (Or the caller narrowed the grant to other
paths, which cannot be told from here unless they lie in it.)  This explains, it grants nothing.
"""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

from toolcell_worker.definition import decode
from toolcell_worker.errors import ArgumentsInvalid
from toolcell_worker.manifest import PLACEHOLDER
from toolcell_worker.wire import Access, Mount

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_worker.wire import CellGrant

ACCESSES = {"read": Access.READ, "write": Access.WRITE, "staged": Access.STAGED}


def add(cell: CellGrant, requests: list[dict[str, str]], arguments: bytes) -> CellGrant:
    """
    The grant, with a mount that was not given for each path that was asked for and is not in it.
    `requests` are the `paths` of the tool's manifest.
    """
    try:
        given = decode(arguments)
    except ArgumentsInvalid:
        return cell  # the call itself will say so
    absent = [
        Mount(ACCESSES[request["access"]], path, "", directory=False, given=False)
        for request in requests
        for path in map(os.path.normpath, _named(request["path"], given))
        if not any(_lies_in(mount.path, path) for mount in cell.mounts)
    ]
    return dataclasses.replace(cell, mounts=(*cell.mounts, *absent))


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _named(template: str, given: dict[str, Any]) -> Iterator[str]:
    found = PLACEHOLDER.search(template)
    if found is None:
        yield template
        return
    value = given.get(found[1])
    for text in value if isinstance(value, list) else [value]:
        if isinstance(text, str):
            yield template.replace(found[0], text)
