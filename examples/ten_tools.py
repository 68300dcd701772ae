"""
An agent with ten tools: files, a database, code in two languages, arithmetic, text and time.

    pip install openai
    python examples/ten_tools.py
"""

from __future__ import annotations

import contextlib
import sqlite3

import offline
import openai
from toolcell_client import Budget, Client, Conversation
from toolcell_client.testing.providers import Calls, Says, Then

TEXT, SHOP = offline.FOLDER / "report.txt", offline.FOLDER / "shop.db"
TASK = f"""
Write a report on the shop in {SHOP} (table sales: item, price) into {TEXT}: how many were sold and
for how much, at what time, and on which machine. Check the sum in Python and in a shell.
"""
SCRIPT = (
    Calls(
        ("system_info", {}),
        ("current_time", {"timezone": "Europe/Oslo"}),
        ("list_files", {"path": str(offline.FOLDER)}),
        ("query_sqlite", {"database": str(SHOP), "sql": "SELECT item, price FROM sales"}),
        text="Let me look around.",
    ),
    Calls(
        ("calculate", {"expression": "3 + 4 + 5"}),
        ("run_python", {"code": "print(sum([3, 4, 5]))"}),
        ("run_shell", {"command": "echo $((3 + 4 + 5))"}),
        text="Now the sum, three times.",
    ),
    Calls(("write_file", {"path": str(TEXT), "content": "3 sold, for 12 in all.\n"})),
    Calls(("read_file", {"path": str(TEXT)}), ("text_stats", {"text": "3 sold, for 12 in all."})),
    Then(lambda view: Says(f"The report says: {view.results[-2].value['content'].strip()}")),
)
TOOLS = sorted({name for step in SCRIPT[:-1] for name, _ in step.calls})


def make_shop() -> None:
    with contextlib.closing(sqlite3.connect(SHOP)) as shop, shop:
        shop.execute("DROP TABLE IF EXISTS sales")
        shop.execute("CREATE TABLE sales (item TEXT, price INTEGER)")
        shop.executemany("INSERT INTO sales VALUES (?, ?)", [("tea", 3), ("salt", 4), ("ink", 5)])


def main() -> None:
    make_shop()
    with (
        Client() as client,
        offline.openai_options(*SCRIPT) as options,
        openai.OpenAI(**options) as model,
    ):
        budget = Budget(steps=20, seconds=300)
        talk = Conversation(client, model, model_name="gpt-5.5", tools=TOOLS, budget=budget)
        reply = talk.say(TASK)
        print(talk.transcript.text)
        print(f"{len(TOOLS)} tools; {reply.text}")


if __name__ == "__main__":
    offline.run(main)
