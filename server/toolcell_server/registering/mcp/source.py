"""
Where tools of MCP servers come from: the servers themselves, asked once, in a cell of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from toolcell_server.carried import Carried
from toolcell_server.refusals import InvalidField
from toolcell_server.registering import added, checking
from toolcell_server.registering.mcp.listed import CARRIER, Server, tools_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from toolcell.v1 import registry_pb2

    from toolcell_server.principal import Principal
    from toolcell_server.registering.offered import Offers
    from toolcell_server.registering.turns import Turns
    from toolcell_server.scopes import Scope

ALLOWED: Final = added.COMMON | {"paths", "domains", "effects", "idempotent"}
_MOST_ARGUMENTS: Final = 64


class Trial(Protocol):
    """
    Runs something once, in a cell.
    """

    async def result(
        self, manifest: Mapping[str, Any], carried: Carried, principal: Principal, /
    ) -> Any:
        """
        What it returned.

        Raises:
            CallRefused: it may not run.
            ValueError: it did not complete; says how it ended.
        """
        ...


@dataclass(frozen=True, slots=True)
class McpSource:
    """
    Offers a tool for each that the server lists.  `scope` is where a definition of a principal
    goes; `own_grants`: whether tools of its own scope may have paths and domains.
    """

    trial: Callable[[], Trial]
    scope: Callable[[Principal, registry_pb2.ToolScope.ValueType], Scope]
    turns: Turns
    own_grants: bool = False

    async def offer(self, definition: registry_pb2.ToolDefinition, principal: Principal) -> Offers:
        """
        Raises:
            InvalidField: there is no such program, or it is no MCP server with such tools.
            CallRefused: it may not have what it asks for, or there is no place to run it.
        """
        asked, keys = definition.mcp, added.added(definition, ALLOWED)
        # Before anything runs: to ask it is to run it, with all that its tools would get.
        scope = self.scope(principal, definition.scope)
        added.check_granted(keys, scope, own_grants=self.own_grants)
        names = frozenset(asked.tools)
        server = Server(
            argv=tuple(asked.argv),
            keys={**keys, **({"env": dict(asked.env)} if asked.env else {})},
            prefix=asked.prefix,
            wanted=(lambda own: own in names) if names else lambda _: True,
        )
        found, known = await self.asked(server, principal)
        if missing := sorted(names - known):
            listed = ", ".join(sorted(known))
            raise InvalidField("mcp.tools", f"names {missing[0]!r:.80}; it offers {listed:.500}")
        return found

    async def asked(self, server: Server, principal: Principal) -> tuple[Offers, set[str]]:
        """
        The tools of a server; and the names of all that it offers.

        Raises:
            InvalidField: as `offer`.
            CallRefused: as `offer`.
        """
        argv = server.argv
        if not argv or not argv[0].startswith("/"):
            raise InvalidField("mcp.argv", "must begin with the absolute path of a program")
        if len(argv) > _MOST_ARGUMENTS or any("\0" in each for each in argv):
            raise InvalidField(
                "mcp.argv", f"has more than {_MOST_ARGUMENTS} parts, or a NUL in one"
            )
        carried = Carried(carrier=CARRIER, payload={"argv": list(argv)}, code=server.code)
        try:
            found = tools_of(server, await self.trial().result(server.asking(), carried, principal))
        except ValueError as exc:
            raise InvalidField("mcp", f"is no MCP server that can be used: {exc}") from None
        whose = principal.name
        return await checking.offers(found.made, found.skipped, self.turns, whose), found.known
