"""
For whom a tool is registered.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from toolcell_server.principal import Principal


@dataclass(frozen=True, slots=True)
class Scope:
    """
    Everybody, one principal, or one session of a principal.  A tool of another's scope is not
    there: not in lists, not for calls, not in what comes close.
    """

    kind: Literal["global", "principal", "session"] = "global"
    principal: str = ""
    session: str = ""

    def visible_to(self, principal: Principal) -> bool:
        """
        Whether the tool is there for that caller.
        """
        if self.kind == "global":
            return True
        if self.principal != principal.name:
            return False
        return self.kind == "principal" or self.session == principal.session

    def holds_against(self, other: Scope) -> bool:
        """
        Whether a name that is held here cannot be had in another scope, because somebody would find
        both.  What is one principal's own keeps no name from everybody.
        """
        if self.kind == "global" or other.kind == "global":
            return self.kind == "global"
        if self.principal != other.principal:
            return False
        return "principal" in (self.kind, other.kind) or self.session == other.session


GLOBAL: Final = Scope()
