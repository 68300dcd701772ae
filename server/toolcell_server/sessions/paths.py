"""
How callers name what lies in a workspace.  Pure.
"""

from __future__ import annotations

from toolcell_worker.wire.workspace import WORKSPACE

from toolcell_server.paths import MAXIMUM_PART_BYTES
from toolcell_server.refusals import InvalidField
from toolcell_server.sessions.session import MAXIMUM_PATH


def checked(path: str, field: str = "path") -> str:
    """
    The path itself, relative to the workspace.  Who writes it as tools do (`/workspace/a`) means
    the same.

    Raises:
        InvalidField: it is malformed.
    """
    relative = path.removeprefix(f"{WORKSPACE}/")
    parts = relative.split("/")
    if not relative or relative == WORKSPACE:
        raise InvalidField(field, "must name something in the workspace")
    if "\0" in relative or "" in parts or "." in parts or ".." in parts:
        why = "must be relative to the workspace, without empty parts, NUL, . and .."
        raise InvalidField(field, why)
    longest = max(len(part.encode()) for part in parts)
    if len(relative.encode()) > MAXIMUM_PATH or longest > MAXIMUM_PART_BYTES:
        why = f"must have at most {MAXIMUM_PATH} bytes, and {MAXIMUM_PART_BYTES} in each part"
        raise InvalidField(field, why)
    return relative
