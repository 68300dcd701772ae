"""
Whether a workspace holds more than it may.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from toolcell_server.sessions.live import Live
    from toolcell_server.sessions.session import Session

MAXIMUM_DEPTH: Final = 64  # folders in each other; nobody looks deeper


class Used(NamedTuple):
    """
    What a workspace holds; `deep`: folders deeper than anybody looks.
    """

    bytes: int
    files: int
    deep: bool = False


def fault_of(session: Session, used: Used, live: Live | None = None) -> str:
    """
    Why a workspace is full, with what is on its way or still being sent; empty if it is not.
    """
    bytes_, files = used.bytes, used.files
    if live is not None:
        bytes_, files = bytes_ + live.incoming + live.held, files + live.uploads
    if used.deep:
        return f"it holds folders in each other, more than {MAXIMUM_DEPTH} deep"
    if files > session.quota_files:
        return f"it may hold {session.quota_files} files, and would hold more"
    if bytes_ > session.quota_bytes:
        return f"it may hold {session.quota_bytes} bytes, and would hold more"
    return ""
