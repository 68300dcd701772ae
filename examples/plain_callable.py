"""
A model behind a function of your own: here httpx posts to an endpoint that speaks Chat
Completions, as many local servers do.

    pip install httpx
    OPENAI_BASE_URL=http://127.0.0.1:8000/v1 OPENAI_API_KEY=any python examples/plain_callable.py
"""

from __future__ import annotations

import os
from typing import Any

import httpx
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
            headers = {"Authorization": f"Bearer {key}"}
            url = f"{place}/chat/completions"
            answer = httpx.post(url, json=request, headers=headers, timeout=60)
            return answer.raise_for_status().json()

        name = os.environ.get("OPENAI_MODEL", "gpt-5.5")
        tools = ["calculate", "text_stats"]
        talk = Conversation(client, ask, provider="openai", model_name=name, tools=tools)
        print(talk.say(offline.QUESTION).text)


if __name__ == "__main__":
    offline.run(main)
