"""
Refusals for what a caller may not do with a tool that he may know of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_server.refusals.base import CallRefused, shown

if TYPE_CHECKING:
    from collections.abc import Sequence


class MissingScopes(CallRefused):
    """
    Raised when the tool asks for scopes that the caller does not have.
    """

    code = "PERMISSION_DENIED"
    category = "permanent"
    spoken = "I am not allowed to do that."

    def __init__(self, tool: str, scopes: Sequence[str]) -> None:
        super().__init__(
            f"the tool {shown(tool)} asks for the scopes {', '.join(scopes)}",
            "use another tool, or ask the operator for these scopes",
            metadata={"tool": tool, "scopes": ",".join(scopes)},
        )


class DeniedByRule(CallRefused):
    """
    Raised when a rule of the operator does not let these arguments through.  `said` is what he
    says about it, empty if nothing; `argument` is the one that nobody can judge, if that is why.
    """

    code = "PERMISSION_DENIED"
    category = "permanent"
    spoken = "I am not allowed to do that."

    def __init__(self, rule: str, said: str, argument: str = "", why: str = "") -> None:
        what = said or f"the rule {rule} does not allow this call with these arguments"
        judged = f": the argument {shown(argument)} {why}" if why else ""
        super().__init__(
            f"{what}{judged}",
            "call it with other arguments, use another tool, or ask the operator",
            metadata={"rule": rule, "argument": argument},
        )


class NobodyApproves(CallRefused):
    """
    Raised when a call needs an approval, and this server has nobody to ask for it.
    """

    code = "FAILED_PRECONDITION"
    category = "permanent"
    spoken = "I would need an approval for that, and there is nobody to give it."

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"this call needs an approval ({kind}), and this server asks nobody for approvals",
            "do without it, or tell the operator that a rule demands what is not switched on",
            metadata={"approval": kind},
        )
