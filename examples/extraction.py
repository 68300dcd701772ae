"""
Data from text: a tool that is only a schema.  Nothing runs; the arguments, checked, are the result.

    pip install openai 'toolcell[extraction]'
    python examples/extraction.py
"""

from __future__ import annotations

import offline
import openai
from toolcell_client import Client
from toolcell_client.formats import Toolset
from toolcell_client.loops import extraction_tool
from toolcell_client.testing.providers import Calls

TEXT = "Ada Lovelace, born in 1815 in London, wrote the first program."
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "born": {"type": "integer"},
        "city": {"type": "string"},
    },
    "required": ["name", "born"],
    "additionalProperties": False,
}
PERSON = extraction_tool("person", SCHEMA, "Takes the person that the text is about.")
SCRIPT = (Calls(("person", {"name": "Ada Lovelace", "born": 1815, "city": "London"})),)


def main() -> None:
    toolset = Toolset([PERSON])
    with (
        Client() as client,
        offline.openai_options(*SCRIPT) as options,
        openai.OpenAI(**options) as model,
    ):
        response = model.chat.completions.create(
            model="gpt-5.5",
            messages=[{"role": "user", "content": TEXT}],
            tools=toolset.definitions("openai", strict=True),  # type: ignore[arg-type]  # dicts
            **toolset.choice("openai", "person"),
        )
        done = client.run_tool_calls("openai", response, toolset=toolset)
        print([each.value for each in done.extracted])


if __name__ == "__main__":
    offline.run(main)
