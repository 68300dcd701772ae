"""
Responses of models that call tools, and both clients as one function.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from scripted_models import calling
from toolcell_client import AsyncClient, Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client.loops.turn_result import TurnResult

Turn = Callable[..., "TurnResult"]
HALF = '{"n": '  # arguments of a call that is never whole


def chat(*calls: tuple[str, str, Any], stop: str = "tool_calls") -> dict[str, Any]:
    """
    A chat completion that calls: (id, tool, arguments as an object or as the model wrote them).
    """
    choice = {"index": 0, "message": calling(calls), "finish_reason": stop}
    return {"choices": [choice], "model": "m"}


def streamed(
    *calls: tuple[str, str, Any], text: str = "", status: str | None = "completed"
) -> Iterator[dict[str, Any]]:
    """
    The same as a stream of OpenAI Responses, in which a call is whole before the next begins;
    `status` None: it breaks off.
    """
    yield {"type": "response.created", "response": {"model": "m", "status": "in_progress"}}
    for place, letter in enumerate(text):
        yield {"type": "response.output_text.delta", "output_index": 0, "delta": letter}
        assert place < 100, "a test says little"
    for index, (call_id, name, arguments) in enumerate(calls, 1):
        written = arguments if isinstance(arguments, str) else json.dumps(arguments)
        item = {"type": "function_call", "id": f"fc_{index}", "call_id": call_id, "name": name}
        at = {"output_index": index, "item_id": item["id"]}
        begun = {**item, "arguments": "", "status": "in_progress"}
        yield {"type": "response.output_item.added", "output_index": index, "item": begun}
        yield {"type": "response.function_call_arguments.delta", **at, "delta": written}
        whole = {**item, "arguments": written, "status": "completed"}
        if arguments is not HALF:
            yield {"type": "response.output_item.done", "output_index": index, "item": whole}
    if status is not None:
        yield {"type": f"response.{status}", "response": {"model": "m", "status": status}}


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
