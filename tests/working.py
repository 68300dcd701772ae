"""
A service that runs workflows, with a file outside the cells in which every run of a tool leaves a
line, and that may be killed and started again.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crashing import kill
from running_server import start_server
from toolcell_client import Client
from waiting import PATIENCE, NeverHappened

if TYPE_CHECKING:
    from running_server import Server
    from toolcell.v1 import workflow_pb2 as pb

BUNDLE = Path(__file__).parent / "contract" / "bundles" / "working"
SETTINGS = """
[policy]
roots = [{{path = "{root}", access = "write"}}]

[[bundles]]
name = "working"
path = "{bundle}"

[builtin]
enabled = false
{more}
"""


@dataclass
class Working:
    """
    `start` and `kill` as often as is wanted; what the server keeps is kept.
    """

    folder: Path
    more: str = ""
    limits: str = ""  # lines of [server]
    server: Server | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.folder.chmod(0o755)
        self.lines.parent.mkdir()
        self.lines.parent.chmod(0o777)
        self.lines.touch()
        self.lines.chmod(0o666)
        (self.folder / "state").mkdir(mode=0o700)

    @property
    def lines(self) -> Path:
        return self.folder / "root" / "lines"

    def counted(self) -> Counter[str]:
        return Counter(self.lines.read_text().splitlines())

    def start(self, token: str = "") -> Client:
        settings = SETTINGS.format(root=self.lines.parent, bundle=BUNDLE, more=self.more)
        flags = ("--set", f"state_dir={self.folder / 'state'}")
        self.server = start_server(self.folder, settings, server=self.limits, flags=flags)
        return self.client(token)

    def client(self, token: str = "") -> Client:
        assert self.server
        return Client(self.server.target, attempts=1, token=token)

    def kill(self) -> None:
        assert self.server
        kill(self.server.process)
        self.server = None

    def stop(self) -> None:
        if self.server:
            self.server.stop()

    def step(self, name: str, tool: str = "append", **more: Any) -> dict[str, Any]:
        """
        A step that leaves a line with its name, by default.
        """
        arguments = {"path": str(self.lines), "line": name}
        return {"name": name, "tool": tool, "arguments": arguments, **more}


def settled(client: Client, run_id: str, seconds: float = 30) -> pb.WorkflowRun:
    """
    A run that goes on no more by itself.
    """
    end = time.monotonic() + seconds * PATIENCE
    while client.workflows.get_run(run_id).state == 1:
        if time.monotonic() > end:
            raise NeverHappened(f"the run {run_id} goes on")
        client.workflows.watch(run_id).result()
    return client.workflows.get_run(run_id)
