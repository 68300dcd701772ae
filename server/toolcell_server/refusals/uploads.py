"""
Refusals of code that is uploaded.
"""

from __future__ import annotations

from toolcell_server.refusals.base import CallRefused, shown


class UploadRefused(CallRefused):
    """
    Raised when an upload is too large, or not what is unpacked here; `why` continues a sentence.
    """

    spoken = "I cannot take that file."

    def __init__(self, why: str) -> None:
        super().__init__(
            f"the upload {why}",
            "upload a Python file, a zip of Python files or a pure wheel, within the limits",
            violations=[("content", why)],
        )


class NotSigned(CallRefused):
    """
    Raised when an upload is not signed by a key that the operator lists.
    """

    code = "PERMISSION_DENIED"
    category = "permanent"
    spoken = "I am not allowed to take that file."

    def __init__(self, why: str) -> None:
        super().__init__(
            f"the upload is refused: {why}",
            "sign its SHA-256 with a key of registry.upload_keys, or ask the operator",
        )


class UploadsFull(CallRefused):
    """
    Raised when there is no room for one more upload.
    """

    code = "RESOURCE_EXHAUSTED"
    category = "permanent"
    spoken = "I have no room for another file."

    def __init__(self, room: str) -> None:
        super().__init__(
            f"there is no room for the upload: {room}",
            "unregister tools whose code is not needed, wait an hour, or ask the operator to raise"
            " registry.uploads_bytes",
        )


class UnknownUpload(CallRefused):
    """
    Raised when the caller has uploaded no code with that digest.
    """

    code = "NOT_FOUND"
    spoken = "I do not have that file."

    def __init__(self, sha256: str) -> None:
        super().__init__(
            f"you have uploaded no code with the SHA-256 {shown(sha256)}",
            "upload it first, and register within the hour",
            metadata={"sha256": sha256[:64]},
        )


class CodeNotLoaded(CallRefused):
    """
    Raised when uploaded code does not load in its cell, or declares no tool.
    """

    spoken = "That file does not work as a tool."

    def __init__(self, why: str) -> None:
        super().__init__(
            f"the uploaded code declares no tool: {why}",
            "mend it and upload it again, or give a manifest and an entry, module:function",
            violations=[("upload", f"declares no tool: {why}")],
        )
