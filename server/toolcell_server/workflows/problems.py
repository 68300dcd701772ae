"""
What can be wrong with a workflow.  Pure.
"""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    """
    `path` is a JSON pointer into the definition, `code` a stable word, `message` for people.
    """

    path: str
    code: str
    message: str


class NotFilled(Exception):  # noqa: N818  # names what happened
    """
    Raised when a template, a condition or a loop cannot be evaluated with the values at hand.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
