"""
Whose requests the bridge takes to be whose.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from toolcell_client.mcp_server import identities
from toolcell_client.mcp_server.choosing import Choice
from toolcell_client.mcp_server.identities import Identities, Identity
from toolcell_client.options import ClientOptions

if TYPE_CHECKING:
    import pytest
    from toolcell_client.testing import FakeServer


def test_a_token_is_one_identity_also_while_room_is_made(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A second one would have connections that nobody closes, and executions that nobody cancels.
    """
    at_once = Identity.aclose

    async def aclose(self: Identity) -> None:
        await asyncio.sleep(0)  # as where there are streams to end
        await at_once(self)

    monkeypatch.setattr(identities, "MOST_IDENTITIES", 1)
    monkeypatch.setattr(Identity, "aclose", aclose)

    async def scenario() -> None:
        known = Identities(ClientOptions(target=server.target), Choice())
        try:
            await known.of_token("first")
            one, other = await asyncio.gather(known.of_token("second"), known.of_token("second"))
            assert one is other
        finally:
            await known.aclose()
            await known.own.aclose()

    asyncio.run(scenario())
