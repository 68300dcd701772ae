"""
Refusals of a field of the request.
"""

from __future__ import annotations

from toolcell_server.refusals.base import CallRefused


class InvalidField(CallRefused):
    """
    Raised when a field of the request is malformed.  `description` says what it must be.
    """

    def __init__(self, field: str, description: str) -> None:
        super().__init__(
            f"the field {field} is not valid: {description}",
            f"correct {field} and send the call again",
            metadata={"field": field},
            violations=[(field, description)],
        )


class FieldNotSupported(CallRefused):
    """
    Raised when a field is set that this server declares but does not act on.
    """

    category = "permanent"

    def __init__(self, field: str, why: str = "", remedy: str = "") -> None:
        super().__init__(
            f"the field {field} is not supported by this server{why and f': {why}'}",
            remedy or f"leave {field} out",
            metadata={"field": field},
            violations=[(field, "is not supported by this server")],
        )


class LimitAboveCeiling(CallRefused):
    """
    Raised when a call asks for more than the tool's limit.  Seconds, bytes or a count.
    """

    def __init__(self, limit: str, asked: float, allowed: float) -> None:
        super().__init__(
            f"limits.{limit} asks for {asked} and the tool has {allowed}",
            f"ask for at most {allowed} or leave limits.{limit} out",
            metadata={"limit": limit, "asked": str(asked), "allowed": str(allowed)},
            violations=[(f"limits.{limit}", f"must be at most {allowed}")],
        )


class GrantTooWide(CallRefused):
    """
    Raised when a call asks for a path or a domain that the tool itself would not get.  `what`
    names it in words, as in "writing to '/srv/a'".
    """

    def __init__(self, what: str) -> None:
        super().__init__(
            f"grants ask for {what}, which this call of the tool would not get",
            "ask for less, or leave grants out to get what the tool has",
            metadata={"grant": what},
            violations=[("grants", f"{what} is more than the tool would get")],
        )


class BadPageToken(CallRefused):
    """
    Raised when a page token is malformed or was made for other filters.
    """

    def __init__(self, why: str) -> None:
        super().__init__(
            f"page_token {why}",
            "start again without a page_token, and keep the filters the same on every page",
            metadata={"field": "page_token"},
            violations=[("page_token", why)],
        )
