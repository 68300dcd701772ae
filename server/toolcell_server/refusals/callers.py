"""
Refusals that depend on who calls.
"""

from __future__ import annotations

from typing import Final, Literal, Self

from toolcell_server.refusals.base import CallRefused

Cause = Literal["missing", "invalid", "expired"]
_CAUSES: Final[dict[Cause, tuple[str, str]]] = {
    "missing": ("this server wants credentials", "send a token as authorization: Bearer …"),
    "invalid": ("the credentials are not valid", "ask the operator for valid ones"),
    "expired": ("the credentials have expired", "get new ones"),
}


class Unauthenticated(CallRefused):
    """
    Raised when a caller is not known.  `cause` is all that he is told of why.
    """

    code = "UNAUTHENTICATED"
    spoken = "I could not show who I am, so I was not let in."

    def __init__(self, cause: Cause) -> None:
        super().__init__(*_CAUSES[cause], metadata={"cause": cause})

    @classmethod
    def example(cls) -> Self:
        """
        One of them, for the reference of all errors.
        """
        return cls("missing")
