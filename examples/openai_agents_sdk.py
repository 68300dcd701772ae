"""
The OpenAI Agents SDK: toolcell's tools as function tools of an agent.

    pip install 'toolcell[openai-agents]'
    python examples/openai_agents_sdk.py
"""

from __future__ import annotations

import asyncio

import agents
import offline
import openai
from toolcell_client import Client
from toolcell_client.frameworks.openai_agents import tools


async def ask() -> None:
    with Client() as client, offline.openai_options(*offline.SCRIPT) as options:
        async with openai.AsyncOpenAI(**options) as model:
            agent = agents.Agent(
                name="helper",
                model=agents.OpenAIChatCompletionsModel("gpt-5.5", openai_client=model),
                tools=tools(client, "calculate", "text_stats"),
            )
            done = await agents.Runner.run(agent, offline.QUESTION)
            print(done.final_output)


def main() -> None:
    agents.set_tracing_disabled(disabled=True)  # traces go to OpenAI, with a key
    asyncio.run(ask())


if __name__ == "__main__":
    offline.run(main)
