"""
A call that a person has to say yes to: the server asks (see [[rules]] in settings.toml), and this
program asks whoever sits before it.

    pip install openai
    python examples/approval.py
"""

from __future__ import annotations

import sys

import offline
import openai
from toolcell_client import Client, Conversation
from toolcell_client.loops import Approve, Deny, Question
from toolcell_client.testing.providers import Calls, Says, Then

FILE = str(offline.FOLDER / "confirmed" / "greeting.txt")
SCRIPT = (
    Calls(("write_file", {"path": FILE, "content": "Hello\n"})),
    Then(lambda view: Says(f"Done: {view.results[0].text}")),
)


def ask(question: Question) -> Approve | Deny:
    print(f"The model wants {question.call.tool} with {question.call.arguments}.")
    if sys.stdin.isatty() and input("Do it? [y/N] ").lower() != "y":
        return Deny("the user said no")
    return Approve()  # without a terminal there is nobody to ask: this is an example


def main() -> None:
    (offline.FOLDER / "confirmed").mkdir(exist_ok=True)
    with (
        Client() as client,
        offline.openai_options(*SCRIPT) as options,
        openai.OpenAI(**options) as model,
    ):
        talk = Conversation(client, model, model_name="gpt-5.5", tools=["write_file"], approve=ask)
        print(talk.say(f"Write 'Hello' into {FILE}.").text)


if __name__ == "__main__":
    offline.run(main)
