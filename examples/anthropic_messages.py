"""
Anthropic, Messages: a conversation whose model calls two tools at once.

    pip install anthropic
    python examples/anthropic_messages.py
"""

from __future__ import annotations

import anthropic
import offline
from toolcell_client import Client, Conversation


def main() -> None:
    with (
        Client() as client,
        offline.anthropic_options(*offline.SCRIPT) as options,
        anthropic.Anthropic(**options) as model,
    ):
        talk = Conversation(
            client, model, model_name="claude-sonnet-5-5", tools=["calculate", "text_stats"]
        )
        reply = talk.say(offline.QUESTION)
        print(talk.transcript.text)
        print(reply.text)


if __name__ == "__main__":
    offline.run(main)
