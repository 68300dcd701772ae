"""
Who offers, and for whom.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from toolcell.v1 import registry_pb2

from toolcell_server.principal import OWN_TOOLS, TOOLS
from toolcell_server.refusals import HostOfferInvalid, NotPermitted
from toolcell_server.scopes import GLOBAL, Scope

if TYPE_CHECKING:
    from toolcell_server.principal import Principal

BUNDLE: Final = (
    "hosted"  # how the names of their bundles begin; ":" is in no bundle of the settings
)


def is_hosted(bundle: str) -> bool:
    """
    Whether the tools of a bundle live at clients.
    """
    return bundle.startswith(f"{BUNDLE}:")


@dataclass(frozen=True, slots=True)
class Owner:
    """
    A principal, by name, and the scope that it offers in.
    """

    principal: str
    scope: Scope

    @property
    def bundle(self) -> str:
        """
        The bundle of all that it offers there.  Names may have colons (`urn:…`), so where a session
        follows, the principal's are written otherwise: no two owners have the same bundle.
        """
        if self.scope.kind != "session":
            return f"{BUNDLE}:{self.scope.kind}:{self.principal}"
        principal = self.principal.replace("%", "%25").replace(":", "%3A")
        return f"{BUNDLE}:{self.scope.kind}:{principal}:{self.scope.session}"


def owner_of(
    principal: Principal, scope: registry_pb2.ToolScope.ValueType, *, authenticated: bool
) -> Owner:
    """
    Who offers, if he may; `authenticated`: callers are asked who they are.

    Raises:
        HostOfferInvalid: there is no such scope, or he has no session.
        NotPermitted: he may not offer tools, or not in that scope.
    """
    if authenticated and not principal.scopes & {TOOLS, OWN_TOOLS}:
        raise NotPermitted(f"hosting tools without the scope {OWN_TOOLS}")
    match scope:
        case registry_pb2.TOOL_SCOPE_UNSPECIFIED | registry_pb2.TOOL_SCOPE_PRINCIPAL:
            return Owner(principal.name, Scope("principal", principal.name))
        case registry_pb2.TOOL_SCOPE_GLOBAL:
            if authenticated and TOOLS not in principal.scopes:
                raise NotPermitted(f"hosting tools for everybody without the scope {TOOLS}")
            return Owner(principal.name, GLOBAL)
        case registry_pb2.TOOL_SCOPE_SESSION:
            if not principal.session:
                raise HostOfferInvalid(
                    [
                        (
                            "offer/scope",
                            "is SESSION, and the caller has none; offer for the principal",
                        )
                    ]
                )
            session = Scope("session", principal.name, principal.session)
            return Owner(principal.name, session)
    raise HostOfferInvalid([("offer/scope", "must be a scope of this contract")])
