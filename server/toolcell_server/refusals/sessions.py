"""
Refusals of sessions and of the files in their workspaces.
"""

from __future__ import annotations

from toolcell_server.refusals.base import CallRefused, shown


class UnknownSession(CallRefused):
    """
    Raised when the caller has no such session: there is none, it has expired, or it is another's.
    """

    code = "NOT_FOUND"
    spoken = "I no longer have what we were working on."

    def __init__(self, session_id: str) -> None:
        super().__init__(
            f"no session {shown(session_id)} is there",
            "make one with CreateSession and use its id; sessions end when they expire",
            metadata={"session_id": session_id[:128]},
        )


class TooManySessions(CallRefused):
    """
    Raised when the caller, or the server, has as many sessions as it may.  `whose` is
    "principal" or "server".
    """

    code = "RESOURCE_EXHAUSTED"
    spoken = "I have too much open right now."

    def __init__(self, whose: str, most: int) -> None:
        owner = "the server has" if whose == "server" else "the caller has"
        super().__init__(
            f"{owner} {most} sessions, which is as many as there may be",
            "delete sessions that are no longer needed, or wait until some expire",
            metadata={"whose": whose, "maximum": str(most)},
        )


class SessionsNotListed(CallRefused):
    """
    Raised when a caller who is not authenticated asks for a list of sessions.
    """

    code = "FAILED_PRECONDITION"
    category = "permanent"
    spoken = "I cannot list that."

    def __init__(self) -> None:
        super().__init__(
            "nobody is authenticated here, and the id of a session is all that protects it",
            "keep the id that CreateSession returned, or ask the operator for authentication",
        )


class WorkspaceFull(CallRefused):
    """
    Raised when there is no room: the workspace holds what it may, or the disk is nearly full.
    """

    code = "RESOURCE_EXHAUSTED"
    category = "permanent"
    spoken = "There is no room left for more files."

    def __init__(self, what: str) -> None:
        super().__init__(
            f"the workspace of the session has no room: {what}",
            "delete files with DeleteSessionFile, or make another session",
        )


class UnknownSessionFile(CallRefused):
    """
    Raised when there is no file of that name in a workspace; `what` is found instead.
    """

    code = "NOT_FOUND"
    spoken = "I do not have that file."

    def __init__(self, path: str, what: str) -> None:
        super().__init__(
            f"no file {shown(path)} is in the workspace: {what}",
            "list the files of the session and use one of them",
            metadata={"path": path[:512]},
        )


class SessionPathBlocked(CallRefused):
    """
    Raised when something stands where a file shall be put, or in what shall be removed.
    """

    code = "FAILED_PRECONDITION"
    spoken = "Something is in the way of that file."

    def __init__(self, path: str, what: str) -> None:
        super().__init__(
            f"{shown(path)} cannot be used: {what}",
            "use another path, or delete what is in the way",
            metadata={"path": path[:512]},
        )


class DigestMismatch(CallRefused):
    """
    Raised when other bytes were uploaded than had been announced; nothing was changed.
    """

    spoken = "The file did not arrive whole."

    def __init__(self, what: str) -> None:
        super().__init__(f"the upload is not what it said: {what}", "send the file again")
