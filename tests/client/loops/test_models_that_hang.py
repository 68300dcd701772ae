"""
Models that never end: budgets of time hold for them, too.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from clocks import Clock
from scripted_models import says
from toolcell_client import AsyncClient, AsyncConversation, Budget, Client, Conversation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from toolcell_client.testing import FakeServer

PIECE = {"choices": [{"index": 0, "delta": {"content": "."}}]}


class Trickling:
    """
    Says a little, each time after a second, for ever.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def pieces(self, _: Any) -> Iterator[dict[str, Any]]:
        while True:
            self.clock.now += 1
            yield PIECE

    async def later(self, request: Any) -> AsyncIterator[dict[str, Any]]:
        for each in self.pieces(request):
            yield each


def options(clock: Clock) -> dict[str, Any]:
    return {"provider": "openai", "budget": Budget(seconds=5), "clock": clock}


def test_a_stream_that_trickles_ends(client: Client) -> None:
    clock = Clock(0.0)
    talk = Conversation(client, Trickling(clock).pieces, **options(clock))
    with pytest.raises(TimeoutError, match="within 5 s"):
        list(talk.stream("Hi."))
    assert (talk.history, clock.now) == ([], 6)


def test_an_asynchronous_stream_that_trickles_ends(server: FakeServer) -> None:
    async def main() -> None:
        clock = Clock(0.0)
        async with AsyncClient(server.target) as client:
            talk = AsyncConversation(client, Trickling(clock).later, **options(clock))
            with pytest.raises(TimeoutError, match="within 5 s"):
                [each async for each in talk.stream("Hi.")]
            assert (talk.history, clock.now) == ([], 6)

    asyncio.run(main())


async def silent(_: Any) -> AsyncIterator[dict[str, Any]]:
    await asyncio.Event().wait()
    yield PIECE


async def never(_: Any) -> dict[str, Any]:
    await asyncio.Event().wait()
    return says("")


async def streamed(talk: AsyncConversation) -> None:
    async for _ in talk.stream("Hi."):
        pass


async def said(talk: AsyncConversation) -> None:
    await talk.say("Hi.")


@pytest.mark.parametrize(("model", "ask"), [(silent, streamed), (never, said)])
def test_a_model_that_says_nothing_is_left(
    server: FakeServer, model: Callable[..., Any], ask: Callable[..., Any]
) -> None:
    """
    Without a bound this test would not end.
    """

    async def main() -> None:
        async with AsyncClient(server.target) as client:
            bound = Budget(seconds=0.2)
            talk = AsyncConversation(client, model, provider="openai", budget=bound)
            with pytest.raises(TimeoutError, match="had left"):
                await ask(talk)
            assert talk.history == []

    asyncio.run(asyncio.wait_for(main(), 30))
