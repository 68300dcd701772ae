"""
Responses of models that call tools, and both clients as one function.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from toolcell_client import AsyncClient, Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client.loops.turn_result import TurnResult

Turn = Callable[..., "TurnResult"]


def chat(*calls: tuple[str, str, Any], stop: str = "tool_calls") -> dict[str, Any]:
    """
    A chat completion that calls: (id, tool, arguments as an object or as the model wrote them).
    """
    made = [
        {
            "id": call_id,
            "type": "function",
            "function": {
                "name": name,
                "arguments": written if isinstance(written, str) else json.dumps(written),
            },
        }
        for call_id, name, written in calls
    ]
    message = {"role": "assistant", "content": None, "tool_calls": made}
    return {"choices": [{"index": 0, "message": message, "finish_reason": stop}], "model": "m"}


def streamed(
    *calls: tuple[str, str, Any], text: str = "", stop: str | None = "tool_use"
) -> Iterator[dict[str, Any]]:
    """
    The same as a stream of Anthropic, in which a call is whole before the next begins; `stop` None:
    it breaks off.
    """
    yield {
        "type": "message_start",
        "message": {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": [],
            "usage": {"input_tokens": 3, "output_tokens": 1},
        },
    }
    index = 0
    if text:
        yield from block(index, {"type": "text", "text": ""}, "text_delta", "text", text)
        index = 1
    for place, (call_id, name, arguments) in enumerate(calls, index):
        begun = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
        written = arguments if isinstance(arguments, str) else json.dumps(arguments)
        yield from block(place, begun, "input_json_delta", "partial_json", written)
    if stop is not None:
        yield {
            "type": "message_delta",
            "delta": {"stop_reason": stop, "stop_sequence": None},
            "usage": {"output_tokens": 9},
        }
        yield {"type": "message_stop"}


def block(
    index: int, begun: dict[str, Any], kind: str, name: str, written: str
) -> Iterator[dict[str, Any]]:
    """
    One block of content, in two pieces.
    """
    half = len(written) // 2
    yield {"type": "content_block_start", "index": index, "content_block": begun}
    for piece in (written[:half], written[half:]):
        yield {
            "type": "content_block_delta",
            "index": index,
            "delta": {"type": kind, name: piece},
        }
    yield {"type": "content_block_stop", "index": index}


def sync_turn(target: str) -> Turn:
    """
    `run_tool_calls` of `Client`, with a client of its own.
    """

    def run(response: Any, provider: str = "openai", **options: Any) -> TurnResult:
        with Client(target) as client:
            done: TurnResult = client.run_tool_calls(provider, response, **options)
            return done

    return run


def async_turn(target: str) -> Turn:
    """
    The same of `AsyncClient`.
    """

    async def run(response: Any, provider: str, **options: Any) -> TurnResult:
        async with AsyncClient(target) as client:
            done: TurnResult = await client.run_tool_calls(provider, response, **options)
            return done

    return lambda response, provider="openai", **options: asyncio.run(
        run(response, provider, **options)
    )


BOTH = {"sync": sync_turn, "async": async_turn}
