"""
Where tools of OpenAPI documents come from: the documents themselves.

Nothing is fetched, neither the document nor what it refers to.  That a credential is only for tools
of everybody is seen to for all sources alike (`plan.py`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.refusals import InvalidField
from toolcell_server.registering import added, checking
from toolcell_server.registering.added import Made
from toolcell_server.registering.offered import Skipped
from toolcell_server.registering.openapi import documents, operations, servers
from toolcell_server.registering.openapi.operations import Wish
from toolcell_server.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from toolcell.v1 import registry_pb2

    from toolcell_server.principal import Principal
    from toolcell_server.registering.offered import Offers
    from toolcell_server.registering.turns import Turns

ALLOWED: Final = added.COMMON


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenApiSource:
    """
    Offers a tool for each operation.  `credentials` are the names of the operator's, `safe` says
    which hosts he trusts to mean GET by GET.
    """

    credentials: Collection[str]
    safe: Callable[[str], bool]
    turns: Turns

    async def offer(self, definition: registry_pb2.ToolDefinition, principal: Principal) -> Offers:
        """
        Raises:
            InvalidField: there is no such document, operation, server or credential.
        """
        asked, keys = definition.openapi, added.added(definition, ALLOWED)
        names = frozenset(asked.operations)
        wish = Wish(
            base_url=asked.base_url,
            prefix=asked.prefix,
            credential=asked.credential,
            wanted=(lambda own: own in names) if names else lambda _: True,
            safe=self.safe,
        )
        offers, known = await self.made(asked.document, wish, keys, principal.name)
        if missing := sorted(names - known):
            raise InvalidField(
                "openapi.operations", f"names {missing[0]!r:.80}, which is not there"
            )
        return offers

    async def made(
        self, document: bytes, wish: Wish, keys: dict[str, Any], whose: str
    ) -> tuple[Offers, set[str]]:
        """
        The tools of a document, and what it calls those of its operations that are wanted; `keys`
        are put into each manifest.

        Raises:
            InvalidField: as `offer`.
        """
        if wish.credential and wish.credential not in self.credentials:
            # Which there are is the operator's affair, and not news for who may register his own.
            raise InvalidField("openapi.credential", "must be one of egress.credentials")
        async with self.turns.of(whose):
            found = await in_thread(_found, document, wish)
        made = (
            Made(each.pointer, {**each.manifest, **keys}, operations.CARRIER, each.payload)
            for each in found.operations
        )
        skipped = [Skipped(each.pointer, each.reason) for each in found.skipped]
        own = {each.own for each in found.operations} | {each.own for each in found.skipped}
        return await checking.offers(made, skipped, self.turns, whose), own


def _found(document: bytes, wish: Wish) -> operations.Found:
    try:
        return operations.found_in(documents.read(document), wish, time.thread_time)
    except documents.NotADocument as exc:
        raise InvalidField("openapi.document", str(exc)) from None
    except servers.NoServer as exc:
        raise InvalidField("openapi.base_url", str(exc)) from None
