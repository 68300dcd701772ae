"""
What the responses of a voice session took, told as for any conversation.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from realtime_events import calls, event, item, says
from toolcell_client import AsyncClient
from toolcell_client.formats import Tokens
from toolcell_client.testing import FakeServer, completed
from toolcell_client.usage import Price, UsageLedger
from toolcell_client.voice import VoiceOptions, VoiceSession
from toolcell_client.voice.outgoing import FILLER, MARK

if TYPE_CHECKING:
    from toolcell_client.usage import Usage

TOOK = {"input_tokens": 7, "output_tokens": 3, "input_token_details": {"cached_tokens": 5}}
CREATED = event("session.created", session={"type": "realtime", "model": "gpt-realtime"})
FILLED = {"metadata": {MARK: FILLER}}


def heard(server: FakeServer, options: VoiceOptions, *events: dict[str, Any]) -> Usage:
    server.tool("look", completed(1))

    async def whole() -> Usage:
        async with AsyncClient(server.target) as client:
            async with VoiceSession(client, options=options) as voice:
                for each in events:
                    await voice.handle(each)
            return voice.usage

    return asyncio.run(whole())


def test_every_response_is_counted_fillers_as_well(server: FakeServer) -> None:
    ledger = UsageLedger()
    usage = heard(
        server,
        VoiceOptions(
            name="hotline", metrics=ledger, prices={"gpt-realtime": Price(input=4, output=16)}
        ),
        CREATED,
        *calls("r1", item("c1"), usage=TOOK),
        *says("r2", "One moment.", usage=TOOK, **FILLED),
    )
    assert usage == ledger.total == ledger.by_model["gpt-realtime"]
    assert list(ledger.by_conversation) == ["hotline"]
    assert (usage.requests, usage.tokens) == (2, Tokens(input=14, output=6, cached=10))
    assert usage.cost == Decimal(14 * 4 + 6 * 16) / 1_000_000


def test_a_price_that_nobody_has_named_is_not_guessed(server: FakeServer) -> None:
    """
    Tokens of sound cost several times what tokens of text do, and are not told apart.
    """
    usage = heard(server, VoiceOptions(), CREATED, *says("r1", "Hello.", usage=TOOK))
    assert (usage.cost, usage.unpriced) == (None, 1)


def test_a_model_that_is_not_named_has_the_programs_name(server: FakeServer) -> None:
    ledger = UsageLedger()
    options = VoiceOptions(model_name="mine", metrics=ledger)
    heard(server, options, *says("r1", "Hello.", usage=TOOK))
    assert list(ledger.by_model) == ["mine"]
