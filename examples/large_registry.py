"""
Hundreds of tools, of which a model sees the few that fit what the user says, and can look for more.

    pip install openai
    python examples/large_registry.py
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import offline
import openai
from toolcell_client import Client, Conversation, Selection
from toolcell_client.testing.providers import Calls, Says, Then

if TYPE_CHECKING:
    from collections.abc import Iterator

CITIES = [f"{name}{number}" for name in ("oslo", "rome", "lima", "cairo") for number in range(50)]
SCRIPT = (
    Calls(("greet_rome7", {"text": "Ada"})),
    Then(
        lambda view: Says(
            f"{view.results[0].text.strip()} The model was offered {len(view.tools)} tools."
        )
    ),
)


def tool(city: str) -> dict[str, Any]:
    """
    The manifest of a command, as it would be in a file for `toolcell tools register`.
    """
    return {
        "name": f"greet_{city}",
        "description": f"Greets somebody in the name of the city of {city}.",
        "effects": "read_only",
        "argv": ["/bin/echo", f"{city} greets", "{text}."],
        "result": "text",
        "parameters": {
            "type": "object",
            "properties": {"text": {"type": "string", "description": "Whom to greet."}},
            "required": ["text"],
        },
    }


@contextlib.contextmanager
def registered(client: Client) -> Iterator[None]:
    """
    Have a tool for each city.
    """
    for some in (CITIES[:100], CITIES[100:]):  # a request has up to 100
        client.registry.register([tool(city) for city in some], replace=True)
    try:
        yield
    finally:
        for city in CITIES:
            client.registry.unregister(f"greet_{city}")


def main() -> None:
    with (
        Client() as client,
        registered(client),
        offline.openai_options(*SCRIPT) as options,
        openai.OpenAI(**options) as model,
    ):
        print(len(client.toolset().tools), "tools are registered.")
        select = Selection(maximum=5)
        talk = Conversation(client, model, model_name="gpt-5.5", select=select)
        print(talk.say("Greet Ada in the name of the city of rome7.").text)


if __name__ == "__main__":
    offline.run(main)
