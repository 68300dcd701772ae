"""
OpenAI, Responses, with a loop of its own: `run_tool_calls` executes what one response calls.

    pip install openai
    python examples/openai_responses.py
"""

from __future__ import annotations

from typing import Any

import offline
import openai
from toolcell_client import Client

PROVIDER = "openai-responses"


def answer(client: Client, model: openai.OpenAI, question: str) -> str:
    toolset = client.toolset("calculate", "text_stats")
    tools: list[Any] = toolset.definitions(PROVIDER, strict="where_possible")
    items: list[Any] = [{"role": "user", "content": question}]
    while True:
        response = model.responses.create(model="gpt-5.5", input=items, tools=tools)
        done = client.run_tool_calls(PROVIDER, response, toolset=toolset)
        items += done.turn.messages
        if not done.turn.calls:
            return done.turn.text
        items += done.messages
        for each in done.answers:
            print(f"{each.call.tool} {each.call.arguments}: {each.text}")


def main() -> None:
    with (
        Client() as client,
        offline.openai_options(*offline.SCRIPT) as options,
        openai.OpenAI(**options) as model,
    ):
        print(answer(client, model, offline.QUESTION))


if __name__ == "__main__":
    offline.run(main)
