"""
A service that may be killed in part, with a root for its tools and a client that gives up.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from processes import Holdings, descendants, holdings, named
from running_server import Server, start_server
from toolcell_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client import Stream

MIXED = Path(__file__).parent / "contract" / "bundles" / "mixed"
CALLS = 50
SECONDS = 20.0
SETTINGS = """
[policy]
roots = [{{path = "{root}", access = "write"}}]

[[bundles]]
name = "mixed"
path = "{mixed}"

[builtin]
enabled = false
"""


class Mortal:
    """
    A server that runs CALLS calls at once.
    """

    def __init__(self, server: Server, client: Client, root: Path) -> None:
        self.server = server
        self.client = client
        self.root = root

    @property
    def pid(self) -> int:
        return self.server.process.pid

    def keepers(self) -> list[int]:
        return named(self.pid, "keeper")

    def outer(self) -> int:
        """
        The zygote's process that the server started.
        """
        [zygote] = named(self.pid, "zygote")
        return zygote

    def inner(self) -> int:
        """
        Process 1 of the zygote's pid namespace: the parent of all cells.
        """
        return descendants(self.outer())[0]

    def look(self) -> Holdings:
        return holdings(self.pid)

    def occupy(self) -> list[Stream]:
        """
        As many calls as the service runs at once, each of them in the middle of its tool; every
        other one only reads.
        """
        tools = ("await_file", "await_file_and_write")
        arguments = {"folder": str(self.root), "name": "go"}
        streams = [self.client.execute(tools[number % 2], arguments) for number in range(CALLS)]
        for stream in streams:
            next(event for event in stream if event.HasField("progress"))
        return streams


@contextlib.contextmanager
def start_mortal(
    folder: Path, server: str = f"max_executions = {CALLS}\nqueue = {CALLS}"
) -> Iterator[Mortal]:
    """
    Parameters:
        folder: the server's own; the root is made below it.
        server: further lines of the [server] table.
    """
    root = folder / "root"
    root.mkdir()
    settings = SETTINGS.format(root=root, mixed=MIXED)
    with (
        start_server(folder, settings, server=server) as running,
        Client(running.target, timeout=SECONDS) as client,
    ):
        yield Mortal(running, client, root)
