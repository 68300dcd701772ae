"""
Pydantic AI: toolcell's tools as a toolset of an agent.

    pip install 'toolcell[pydantic-ai]' openai
    python examples/pydantic_ai_agent.py
"""

from __future__ import annotations

import asyncio

import offline
import openai
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from toolcell_client import Client
from toolcell_client.frameworks.pydantic_ai import ToolcellToolset


async def ask() -> None:
    with Client() as client, offline.openai_options(*offline.SCRIPT) as options:
        async with openai.AsyncOpenAI(**options) as service:
            model = OpenAIChatModel("gpt-5.5", provider=OpenAIProvider(openai_client=service))
            # Else Pydantic AI makes them strict where it thinks that OpenAI can.
            toolset = ToolcellToolset[None](client, "calculate", "text_stats", strict=False)
            agent = Agent(model, toolsets=[toolset])
            done = await agent.run(offline.QUESTION)
            print(done.output)


def main() -> None:
    asyncio.run(ask())


if __name__ == "__main__":
    offline.run(main)
