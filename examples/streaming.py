"""
A streamed reply: the model's text, what executions report, and answers, as they come.

    pip install openai
    python examples/streaming.py
"""

from __future__ import annotations

import offline
import openai
from toolcell_client import Client, Conversation
from toolcell_client.loops import Answered, ExecutionEvent, TextDelta
from toolcell_client.testing.providers import Calls, Says, Then

CODE = "for number in range(3): print(number ** 2)"
SCRIPT = (
    Calls(("run_python", {"code": CODE}), text="Let me run that."),
    Then(lambda view: Says("It printed " + str(view.results[0].value["stdout"].split()))),
)


def main() -> None:
    with (
        Client() as client,
        offline.openai_options(*SCRIPT) as options,
        openai.OpenAI(**options) as model,
    ):
        talk = Conversation(client, model, model_name="gpt-5.5", tools=["run_python"])
        for event in talk.stream(f"What does this print? Run it: {CODE}"):
            match event:
                case TextDelta(text):
                    print(text, end="", flush=True)
                case ExecutionEvent(call) if event.kind in {"started", "finished"}:
                    print(f"\n[{call.tool} {event.kind}]", end="")
                case Answered(call, answer):
                    print(f"\n[{call.tool} answered: {answer.text}]")
        print()


if __name__ == "__main__":
    offline.run(main)
