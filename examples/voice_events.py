"""
Voice, over text events: a session of OpenAI Realtime whose model calls a tool.  The WebSocket is
real; the user types, and the answers are text, so that it needs no microphone.

    pip install 'openai[realtime]'
    python examples/voice_events.py
"""

from __future__ import annotations

import asyncio
from typing import Any

import offline
import openai
from toolcell_client import AsyncClient
from toolcell_client.testing.providers import Calls, Says, Then
from toolcell_client.voice import VoiceOptions, VoiceSession

SCRIPT = (
    Calls(("calculate", {"expression": "19 * 23"})),
    Then(lambda view: Says(f"That is {view.results[0].value['result']['value']}.")),
)
OPTIONS = VoiceOptions(session={"output_modalities": ["text"]})
SAID = [{"type": "input_text", "text": "What is nineteen times twenty-three?"}]


async def say(connection: Any) -> None:
    """
    What a microphone does otherwise.
    """
    await connection.conversation.item.create(
        item={"type": "message", "role": "user", "content": SAID}
    )
    await connection.response.create()


async def talk(options: dict[str, Any]) -> None:
    async with (
        AsyncClient() as client,
        openai.AsyncOpenAI(**options) as model,
        model.realtime.connect(model="gpt-realtime") as connection,
    ):

        async def heard(event: Any) -> None:
            if event.type == "session.updated" and not began.is_set():
                began.set()
                await say(connection)
            elif event.type == "response.function_call_arguments.done":
                print(f"the model calls {event.name} {event.arguments}")
            elif event.type == "response.output_text.done":
                print(event.text)
                await connection.close()

        began = asyncio.Event()
        async with VoiceSession(client, "calculate", options=OPTIONS, on_event=heard) as voice:
            await voice.serve(connection)


def main() -> None:
    with offline.openai_options(*SCRIPT) as options:
        asyncio.run(talk(options))


if __name__ == "__main__":
    offline.run(main)
