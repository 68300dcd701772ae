"""
How a provider says no, before it is put into its own words.
"""

from __future__ import annotations


class Refused(Exception):  # noqa: N818  # names what happened
    """
    Raised when a request is answered with an error.  `param` and `code` are OpenAI's; `kind` is a
    provider's own word for the type of the error, "" where the status says it.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        kind: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.kind = kind
        self.retry_after = retry_after
