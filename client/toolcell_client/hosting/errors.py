"""
How a hosted function says what went wrong.
"""

from __future__ import annotations

from typing import Literal

Category = Literal["user", "temporary", "permanent"]


class ToolError(Exception):
    """
    Raised by a hosted function to say what went wrong, and who can do something about it.

    `message` is for people, `code` the tool's own stable word.  `category` says who can do
    something: the `user` who wrote the arguments, time (`temporary`), nobody (`permanent`).
    `retryable`: the same call may succeed later.  `hint` is one sentence that a model can act on,
    `spoken` one that a voice agent can say.
    """

    def __init__(
        self,
        message: str,
        code: str = "",
        category: Category = "permanent",
        *,
        retryable: bool = False,
        hint: str = "",
        spoken: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.category = category
        self.retryable = retryable
        self.hint = hint
        self.spoken = spoken
