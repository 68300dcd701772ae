"""
A model behind a function of your own: here the standard library posts to an endpoint that speaks
Chat Completions, as many local servers do.

    OPENAI_BASE_URL=http://127.0.0.1:8000/v1 OPENAI_API_KEY=any python examples/plain_callable.py
"""

from __future__ import annotations

import json
import os
import urllib.request
from typing import Any

import offline
from toolcell_client import Client, Conversation

PUBLIC = "https://api.openai.com/v1"


def main() -> None:
    with Client() as client, offline.openai_options(*offline.SCRIPT) as options:
        place = options.get("base_url") or os.environ.get("OPENAI_BASE_URL", PUBLIC)
        key = options.get("api_key") or os.environ["OPENAI_API_KEY"]

        def ask(request: dict[str, Any]) -> Any:
            """
            Send the fields of the provider's API, and return its response.
            """
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
            body = json.dumps(request).encode()
            post = urllib.request.Request(f"{place}/chat/completions", body, headers)
            with urllib.request.urlopen(post, timeout=60) as answer:
                return json.load(answer)

        name = os.environ.get("OPENAI_MODEL", "gpt-5.5")
        tools = ["calculate", "text_stats"]
        talk = Conversation(client, ask, provider="openai", model_name=name, tools=tools)
        print(talk.say(offline.QUESTION).text)


if __name__ == "__main__":
    offline.run(main)
