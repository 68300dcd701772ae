"""
A service whose executions outlive broken streams for a moment, and calls whose stream breaks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
from running_server import Server, start_server
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1.execution_pb2_grpc import ToolExecutionServiceStub

CHATTY = Path(__file__).parent / "contract" / "bundles" / "chatty"
GRACE = 1.0
JOURNAL_BYTES = 256 * 1024
AT_ONCE = 4
SETTINGS = f"""
[[bundles]]
name = "chatty"
path = "{CHATTY}"

[builtin]
enabled = false
"""


def start_chatty(folder: Path) -> Server:
    """
    A server with talkative tools, little patience for whoever is gone, and a small journal.
    """
    more = (
        f"reattach_grace_seconds = {GRACE}\njournal_bytes = {JOURNAL_BYTES}\n"
        f"max_executions = {AT_ONCE}\nqueue = 4"
    )
    return start_server(folder, SETTINGS, server=more)


class Broken:
    """
    A call of a client that reads some events and then is gone without a word.
    """

    def __init__(self, server: Server, tool: str, arguments: str = "{}", **fields: Any) -> None:
        self.events: list[pb.ExecuteResponse] = []
        with grpc.insecure_channel(server.target) as channel:
            stub: Any = ToolExecutionServiceStub(channel)
            request = pb.ExecuteRequest(tool=tool, arguments_json=arguments.encode(), **fields)
            for event in stub.Execute(request):
                self.events.append(event)
                if event.HasField("output") or self._is_queued():
                    break

    def _is_queued(self) -> bool:
        return False

    @property
    def execution_id(self) -> str:
        return self.events[-1].execution_id

    @property
    def last(self) -> int:
        return self.events[-1].sequence


class BrokenWhileQueued(Broken):
    """
    The same, gone as soon as it is accepted.
    """

    def _is_queued(self) -> bool:
        return True
