"""
All of governance around real cells, without a socket in between: calls by whoever it is, and the
records that they leave.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import repeating
from auditing_logs import records
from toolcell.v1 import execution_pb2 as pb
from toolcell_server import settings
from toolcell_server.app import App
from toolcell_server.principal import Principal, calling

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from toolcell_server.execution import Execution
    from toolcell_server.fallbacks.falling_back import FallingBack

ALICE = Principal(name="alice", scopes=frozenset({"tools:*"}))


class Context:
    """
    The end of an RPC that has no deadline.
    """

    def time_remaining(self) -> None:
        return None

    def peer(self) -> str:
        return "ipv4:127.0.0.1:1"


class Governed:
    """
    What alice says to a service; `events` are those of her last call.
    """

    def __init__(self, app: App, admission: FallingBack) -> None:
        self.app = app
        self._admission = admission
        self._service = app._service()
        self.events: list[pb.ExecuteResponse] = []

    async def run(
        self, tool: str, arguments: dict[str, Any] | None = None, **fields: Any
    ) -> pb.Finished:
        data = json.dumps(arguments or {}).encode()
        request = pb.RunRequest(tool=tool, arguments_json=data, **fields)
        record = self.app.executions.start(await self.admit(request))
        with record.attachments, record.reader() as events:
            self.events = [pb.ExecuteResponse.FromString(event) async for event in events]
        return self.events[-1].finished

    async def admit(self, request: pb.RunRequest) -> Execution:
        return await self._admission.admit(request, None, ALICE)

    async def served(self, tool: str, **fields: Any) -> pb.RunResponse:
        """
        The same through the service, which joins and replays.
        """
        fields.setdefault("arguments_json", b"{}")
        with calling(ALICE):
            context: Any = Context()
            return await self._service.run(pb.RunRequest(tool=tool, **fields), context)

    @property
    def kinds(self) -> list[str]:
        said = [str(event.WhichOneof("event")) for event in self.events]
        return [kind for kind in said if kind not in ("usage", "heartbeat")]

    async def settled(self) -> None:
        """
        Wait until everything that executions held is given back.
        """
        if tasks := self.app.executions._tasks:
            await asyncio.wait(tasks, timeout=10)
        assert 0 == self.app.executions.running


def governed(
    folder: Path,
    scenario: Callable[[Governed], Awaitable[None]],
    more: str = "",
    *,
    state: bool = False,
    content: bool = False,
) -> list[dict[str, Any]]:
    """
    Play a scenario; returns the records of the audit log, those about itself left out.  `state`:
    what the folder remembers of earlier ones counts; `content`: the log has it.
    """
    file = folder / "settings.toml"
    (folder / "audit").mkdir(mode=0o700, exist_ok=True)
    place = f'audit = {{folder = "{folder / "audit"}", content = {str(content).lower()}}}\n'
    top = place + (f'state_dir = "{folder}"\n' if state else "")
    file.write_text(top + repeating.settings(folder, more))

    async def whole() -> None:
        app = App(settings.read(str(file), {}))
        async with app.without_a_face() as admission:
            await scenario(Governed(app, admission))

    asyncio.run(whole())
    return [one for one in records(folder / "audit") if ".audit." not in one["type"]]


def types(found: list[dict[str, Any]]) -> list[str]:
    return [one["type"].removeprefix("toolcell.") for one in found]
