"""
A service with the bundle of this folder, an operator's root, and nothing else.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from processes import Holdings, descendants, holdings, named
from running_server import Server, start_server
from toolcell_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client import Result

BUNDLE = Path(__file__).parent / "bundle"
SECONDS = 20.0
IN_THE_BUNDLE = "a-token-of-the-bundle"
SETTINGS = """
[policy]
roots = [{{path = "{root}", access = "write"}}]

[[bundles]]
name = "faulty"
path = "{bundle}"
env = {{TOKEN = "{token}"}}

[builtin]
enabled = false
"""


@dataclass(frozen=True, slots=True)
class Place:
    """
    A running service and what it was granted.
    """

    server: Server
    client: Client
    root: Path

    @property
    def pid(self) -> int:
        return self.server.process.pid

    def zygote(self) -> int:
        """
        The parent of all cells.
        """
        return descendants(named(self.pid, "zygote")[0])[0]

    def look(self, *folders: Path) -> Holdings:
        return holdings(self.pid, self.root, *folders)

    def work(self, code: str, folder: Path | None = None, **options: Any) -> Result:
        """
        Run code in a cell that may write one folder of the root.
        """
        return self.client.run(
            "work", {"folder": str(folder or self.root), "code": code}, **options
        )


@contextlib.contextmanager
def serving(
    folder: Path, server: str = "", root: Path | None = None, *, lasting: bool = True
) -> Iterator[Place]:
    """
    Parameters:
        folder: the server's own; the root is made below it, unless there is one.
        server: further lines of the [server] table.
        lasting: False, if the server is to be killed: then the client does not look for it again.
    """
    if root is None:
        root = folder / "root"
        root.mkdir()
    settings = SETTINGS.format(root=root, bundle=BUNDLE, token=IN_THE_BUNDLE)
    with (
        start_server(folder, settings, server=server) as running,
        Client(running.target, timeout=SECONDS, attempts=6 if lasting else 0) as client,
    ):
        yield Place(running, client, root)
