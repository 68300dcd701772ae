"""
OpenAI, Chat Completions: a conversation whose model calls two tools at once.

    pip install openai
    python examples/openai_chat.py
"""

from __future__ import annotations

import offline
import openai
from toolcell_client import Client, Conversation


def main() -> None:
    with (
        Client() as client,
        offline.openai_options(*offline.SCRIPT) as options,
        openai.OpenAI(**options) as model,
    ):
        talk = Conversation(client, model, model_name="gpt-5.5", tools=["calculate", "text_stats"])
        reply = talk.say(offline.QUESTION)
        print(talk.transcript.text)
        print(reply.text)


if __name__ == "__main__":
    offline.run(main)
