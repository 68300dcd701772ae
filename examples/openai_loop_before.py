"""
An ordinary loop around OpenAI, before and after.  openai_loop_before.py executes what the model
calls in its own process; openai_loop_after.py is the same program with toolcell.

    pip install openai
    python examples/openai_loop_before.py
    python examples/openai_loop_after.py
"""

from __future__ import annotations

from typing import Any

import offline
import openai
from own_functions import TOOLS, execute

MODEL = "gpt-5.5"


def answer(model: openai.OpenAI, question: str) -> str:
    tools: Any = TOOLS
    messages: list[Any] = [{"role": "user", "content": question}]
    while True:
        response = model.chat.completions.create(model=MODEL, messages=messages, tools=tools)
        message = response.choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        for call in message.tool_calls:
            messages.append({"role": "tool", "tool_call_id": call.id, "content": execute(call)})


def main() -> None:
    with offline.openai_options(*offline.COUNT) as options, openai.OpenAI(**options) as model:
        print(answer(model, "How many words has 'to be or not to be'?"))


if __name__ == "__main__":
    offline.run(main)
