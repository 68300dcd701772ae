"""
OpenAI, Chat Completions with the older `functions`: one call in a response, without an id.

    pip install openai
    python examples/openai_functions.py
"""

from __future__ import annotations

import offline
import openai
from toolcell_client import Client, Conversation


def main() -> None:
    with (
        Client() as client,
        offline.openai_options(*offline.ONE_BY_ONE) as options,
        openai.OpenAI(**options) as model,
    ):
        talk = Conversation(
            client,
            model,
            provider="openai-functions",
            model_name="gpt-4o",
            tools=["calculate", "text_stats"],
        )
        reply = talk.say(offline.QUESTION)
        print(talk.transcript.text)
        print(reply.text)


if __name__ == "__main__":
    offline.run(main)
