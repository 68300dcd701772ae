"""
Why a message is not passed on.
"""

from __future__ import annotations


class Malformed(ValueError):  # noqa: N818  # names what happened
    """
    Raised when bytes are not one strict HTTP/1 message.  The text completes "it was refused: "; it
    holds none of the bytes.
    """


class NotTaken(Exception):  # noqa: N818  # names what happened
    """
    Raised when a request is well formed and yet never taken, whatever is granted.  `reason` is the
    word for programs; the text is as that of `Malformed`.
    """

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
