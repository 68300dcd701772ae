"""
Errors of sessions and of the files in their workspaces: nothing ran.
"""

from __future__ import annotations

from toolcell_client.refused import CallRefused, OverQuota


class UnknownSession(CallRefused):
    """
    Raised when the caller has no such session: there is none, it has expired, or it is another's.
    """


class UnknownSessionFile(CallRefused):
    """
    Raised when there is no file of that name in the workspace.
    """


class SessionPathBlocked(CallRefused):
    """
    Raised when something stands where a file shall be put, or in a folder that shall be removed.
    """


class WorkspaceFull(OverQuota):
    """
    Raised when the workspace has no room.  Delete files of it.
    """


class TooManySessions(OverQuota):
    """
    Raised when the caller, or the server, has as many sessions as it may.
    """
