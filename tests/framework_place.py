"""
What every framework is tried with: each built-in tool, and a whole server with tools of all kinds.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from running_server import Server, start_server
from turn_place import TurnPlace
from waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from toolcell_client import Client
    from toolcell_client.frameworks.asked import Asked


SHY = '''
from toolcell_worker import tool

@tool(approval="confirm", effects="read_only")
def peek(name: str) -> str:
    """Looks at something private."""
    return f"saw {name}"
'''
UPPER = {
    "name": "upper",
    "version": "1",
    "description": "Writes a text in capitals.",
    "effects": "read_only",
    "argv": ["/usr/bin/tr", "a-z", "A-Z"],
    "stdin": "{text}",
    "result": "text",
    "parameters": {
        "type": "object",
        "required": ["text"],
        "properties": {"text": {"type": "string"}},
    },
}


class ShyPlace(TurnPlace):
    """
    A server with a tool that only reads and needs a yes all the same.
    """

    def started(self) -> Server:
        (self.folder / "tools" / "shy.py").write_text(SHY)
        return super().started()


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """
    A server with the built-in tools, and a call of each: arguments, and words of the answer.
    """

    server: Server
    calls: dict[str, tuple[dict[str, Any], str]]


def built_in(folder: Path) -> BuiltIn:
    """
    With a folder that its tools may be granted files in.
    """
    files = folder / "files"
    files.mkdir()
    (files / "poem.txt").write_text("a rose is a rose\n")
    with closing(sqlite3.connect(files / "data.db")) as database:
        database.execute("CREATE TABLE roses (name TEXT)")
        database.execute("INSERT INTO roses VALUES ('Gertrude')")
        database.commit()
    for each in (folder, files, *files.iterdir()):
        each.chmod(0o777)
    (folder / "state").mkdir(mode=0o700)
    policy = f'[policy]\nroots = [{{ path = "{files}", access = "write" }}]\n'
    flags = ("--set", f"state_dir={folder / 'state'}")
    query = {"database": f"{files}/data.db", "sql": "SELECT name FROM roses"}
    return BuiltIn(
        start_server(folder, f"{policy}[registry]\nenabled = true\n", flags=flags),
        {
            "calculate": ({"expression": "6 * 7"}, "42"),
            "current_time": ({"timezone": "Europe/Berlin"}, "Europe/Berlin"),
            "http_request": ({"url": "https://unreachable.example/"}, "unreachable.example"),
            "list_files": ({"path": str(files)}, "poem.txt"),
            "query_sqlite": (query, "Gertrude"),
            "read_file": ({"path": f"{files}/poem.txt"}, "a rose is a rose"),
            "run_python": ({"code": "print(6 * 7)"}, "42"),
            "system_info": ({}, "python"),
            "text_stats": ({"text": "a rose is a rose"}, "rose"),
            "write_file": ({"path": f"{files}/new.txt", "content": "thorn"}, "new.txt"),
        },
    )


def secret(asked: Asked, text: object) -> bool:
    """
    Whether there are tokens of questions, and none of them is in the text.
    """
    tokens = [each.pending.token for each in asked._kept if each.pending is not None]
    return any(tokens) and not any(each in str(text) for each in tokens if each)


def running(client: Client) -> int:
    """
    How many executions run.
    """
    return len(list(client.list_executions(state="running")))


def nothing_runs(client: Client) -> bool:
    """
    Wait until no execution runs or waits any more, and tell whether the last one was cancelled.
    """
    wait_until(lambda: not running(client) and not list(client.list_executions(state="queued")))
    last = next(client.list_executions())
    return client.get_execution(last.execution_id).outcome.WhichOneof("kind") == "cancelled"
