"""
Who may register and change which tools.  Pure.

Theory of operation.  A right is looked at before anything is looked for: who may not change what is
everybody's, or another's, hears so whether or not there is such a tool; and among what he may
change there is nothing of others that he could hear of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from toolcell.v1 import registry_pb2 as pb

from toolcell_server.principal import OWN_TOOLS, TOOLS
from toolcell_server.refusals import InvalidField, NotPermitted
from toolcell_server.scopes import GLOBAL, Scope

if TYPE_CHECKING:
    from toolcell_server.principal import Principal


class Wanted(NamedTuple):
    """
    The tool that a request names: the kind of its scope, and whose it is, if that is said; its name
    and version, an empty one for all.
    """

    kind: pb.ToolScope.ValueType = pb.TOOL_SCOPE_UNSPECIFIED
    principal: str = ""
    session: str = ""
    name: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Authority:
    """
    `everybody`: nobody is asked who he is, and whoever reaches the server may change all.
    """

    everybody: bool = False

    def may_all(self, caller: Principal) -> bool:
        """
        Whether he may change whatever was registered.
        """
        return self.everybody or TOOLS in caller.scopes

    def check(self, caller: Principal) -> None:
        """
        Raises:
            NotPermitted: he may register nothing.
        """
        if not self.may_all(caller) and OWN_TOOLS not in caller.scopes:
            raise NotPermitted(f"registering tools without the scope {TOOLS} or {OWN_TOOLS}")

    def new(self, caller: Principal, kind: pb.ToolScope.ValueType) -> Scope:
        """
        The scope that he registers in.

        Raises:
            InvalidField: it is of a session, and he has none.
            NotPermitted: it is everybody's, and not his to register in.
        """
        self.check(caller)
        if kind == pb.TOOL_SCOPE_UNSPECIFIED:
            kind = pb.TOOL_SCOPE_GLOBAL if self.may_all(caller) else pb.TOOL_SCOPE_PRINCIPAL
        return self._scope(caller, Wanted(kind))

    def scopes(self, caller: Principal, wanted: Wanted) -> list[Scope]:
        """
        The scopes in which the tool that he wants to change may be, the first that has it counts.

        Raises:
            InvalidField: it is of a session, and none is named.
            NotPermitted: he may not change what is in such a scope.
        """
        self.check(caller)
        if wanted.kind != pb.TOOL_SCOPE_UNSPECIFIED or wanted.principal or wanted.session:
            return [self._scope(caller, wanted)]
        own = [Scope("principal", caller.name)]
        if caller.session:
            own.insert(0, Scope("session", caller.name, caller.session))
        return [*own, GLOBAL] if self.may_all(caller) else own

    def _scope(self, caller: Principal, wanted: Wanted) -> Scope:
        kind, owner = wanted.kind, wanted.principal or caller.name
        if kind == pb.TOOL_SCOPE_GLOBAL:
            if not self.may_all(caller):
                raise NotPermitted(f"changing the tools of everybody without the scope {TOOLS}")
            return GLOBAL
        if owner != caller.name and not self.may_all(caller):
            raise NotPermitted(f"changing the tools of others without the scope {TOOLS}")
        if kind == pb.TOOL_SCOPE_PRINCIPAL or not (kind or wanted.session):
            return Scope("principal", owner)
        session = wanted.session or (caller.session if owner == caller.name else "")
        if not session:
            raise InvalidField("scope", "is of a session, and this caller has none")
        return Scope("session", owner, session)
