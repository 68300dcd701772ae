"""
Google, Gemini: a conversation whose model calls two tools at once.

    pip install google-genai
    python examples/gemini.py
"""

from __future__ import annotations

import offline
from google import genai
from toolcell_client import Client, Conversation


def main() -> None:
    with (
        Client() as client,
        offline.gemini_options(*offline.SCRIPT) as options,
        genai.Client(**options) as model,
    ):
        talk = Conversation(
            client, model, model_name="gemini-3.8-flash", tools=["calculate", "text_stats"]
        )
        reply = talk.say(offline.QUESTION)
        print(talk.transcript.text)
        print(reply.text)


if __name__ == "__main__":
    offline.run(main)
