"""
What a tool raises, and what is raised about a tool.
"""

from __future__ import annotations

from typing import Literal

Category = Literal["user", "temporary", "permanent", "unknown"]


class ToolError(Exception):
    """
    Raised by a tool to say what went wrong, and who can do something about it.

    `message` is for people.  `code` is the tool's own stable word, for programs.  `category` says
    who can do something: the `user` who wrote the arguments, time (`temporary`), nobody
    (`permanent`).  `retryable`: the same call may succeed later.  `hint` is one sentence that a
    model can act on, `spoken` one that a voice agent can say.

    What it is raised `from` is looked at for denied accesses; `from None` hides it.
    """

    def __init__(  # noqa: PLR0917  # public and documented in this order
        self,
        message: str,
        code: str = "",
        category: Category = "permanent",
        retryable: bool = False,  # noqa: FBT001, FBT002  # public and documented in this order
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


class ArgumentsInvalid(ToolError):  # noqa: N818  # names what happened
    """
    Raised when the arguments of a call do not have the types that the tool declares.
    """

    def __init__(self, message: str) -> None:
        super().__init__(
            message,
            code="ARGUMENTS_INVALID",
            category="user",
            hint=f"Correct the arguments and call again: {message}.",
            spoken="The tool was called with the wrong arguments.",
        )


class ResultInvalid(ToolError):  # noqa: N818  # names what happened
    """
    Raised when a tool returns what it may not: no JSON value, or not what it declares.
    """

    def __init__(self, message: str) -> None:
        super().__init__(
            message,
            code="RESULT_INVALID",
            hint="The tool itself is at fault: do not repeat the call, tell its author.",
            spoken="The tool gave an answer that could not be used.",
        )


class ResultTooLarge(ToolError):  # noqa: N818  # names what happened
    """
    Raised when a result, or one partial value, is larger than the limit, in bytes.
    """

    def __init__(self, size: str, limit: int) -> None:
        super().__init__(
            f"the result has {size} bytes; the limit is {limit}",
            code="RESULT_TOO_LARGE",
            hint="Ask for less at a time: fewer rows, a smaller range, a filter.",
            spoken="The answer was too large.",
        )


class CommandFailed(ToolError):  # noqa: N818  # names what happened
    """
    Raised when a command exits with another code than 0, or a signal ends it.
    """

    def __init__(self, message: str, *, exit_code: int | None, signal: int | None) -> None:
        super().__init__(
            message,
            code="COMMAND_FAILED",
            category="unknown",
            hint="Read its standard error, which says why, before calling again.",
            spoken="The command failed.",
        )
        self.exit_code = exit_code
        self.signal = signal


class DefinitionError(Exception):
    """
    Raised when a tool is declared wrongly: while its file is imported, never while it runs.
    """

    def __init__(self, message: str, tool: str = "") -> None:
        super().__init__(message)
        self.tool = tool
