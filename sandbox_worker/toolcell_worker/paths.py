"""
How a tool names the paths it needs: absolute, or by argument, `"{path}"` being the value that the
argument `path` has in this call.  An argument that is absent grants nothing.
"""

from __future__ import annotations


def reads(path: str) -> dict[str, str]:
    """
    The tool may read `path`, and list it if it is a directory.
    """
    return {"path": path, "access": "read"}


def writes(path: str) -> dict[str, str]:
    """
    The tool may read and write `path` in place.  Prefer `stages` for single files.
    """
    return {"path": path, "access": "write"}


def stages(path: str) -> dict[str, str]:
    """
    The tool writes a private copy of the file `path`, new or existing; the service puts it in
    place when the tool completes, and discards it otherwise.
    """
    return {"path": path, "access": "staged"}
