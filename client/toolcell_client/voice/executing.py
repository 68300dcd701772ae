"""
Runs the calls of a voice session on a toolcell server, and tells the dialogue of them.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from toolcell.v1 import approval_pb2

from toolcell_client.errors import ApprovalRequired, CallRefused, ToolcellError
from toolcell_client.loops.extracting import NOT_TAKEN, TAKEN
from toolcell_client.loops.planning import echoed
from toolcell_client.loops.repairing import repairable
from toolcell_client.loops.validating import violations
from toolcell_client.model_text import as_tool_message
from toolcell_client.plain import short_name
from toolcell_client.voice.answers import Told
from toolcell_client.voice.awaiting import Required

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from toolcell_client.async_client import AsyncClient
    from toolcell_client.result import Result
    from toolcell_client.voice.deeds import AwaitDecision, Execute

DECIDED = {"approved": True, "denied": False, "expired": False, "void": False, "used": False}

Ended = Told | Required


class Taken(Told):
    """
    The arguments of a schema-only tool fit it.
    """


class Executing:
    """
    Executes over a client.
    """

    def __init__(self, client: AsyncClient, options: Mapping[str, Any]) -> None:
        self._client, self._options = client, options

    async def run(self, deed: Execute, alive: Callable[[str], None]) -> Ended:
        """
        Run a call to its end.  Cancelling the task cancels the execution; `alive` is called with
        what the tool says of its progress, "" for other signs of life.
        """
        try:
            return await self._run(deed, alive)
        except ApprovalRequired as exc:
            if exc.token:
                return Required(kind=exc.kind, token=exc.token, approval_id=exc.approval_id)
            return told(exc, deed)
        except ToolcellError as exc:
            return told(exc, deed)
        except (TypeError, ValueError) as exc:
            return Told({"ok": False, "error": "invalid_call", "message": f"{exc}"[:300]})

    async def decision(self, deed: AwaitDecision, pause_seconds: float) -> tuple[bool, str]:
        """
        Wait until an approval is decided: whether somebody said yes, and why not.
        """
        while True:
            try:
                approval = await self._client.approvals.get(deed.approval_id)
            except CallRefused as exc:
                return False, exc.message
            except ToolcellError:
                pass  # the server may come back; the approval does not last for ever
            else:
                state = short_name(approval_pb2.ApprovalState, approval.state)
                if state in DECIDED:
                    return DECIDED[state], approval.reason or state
            await asyncio.sleep(pause_seconds)

    async def _run(self, deed: Execute, alive: Callable[[str], None]) -> Told:
        if deed.offered is not None and deed.offered.schema_only:
            return await asyncio.to_thread(self._extract, deed)
        options: dict[str, Any] = {**self._options, "version": deed.version}
        if deed.token:
            options |= {"approval_token": deed.token, "approval_pin": deed.pin}
        options["call_id"] = echoed(deed.key)
        stream = self._client.execute(deed.tool, dict(deed.arguments), **options)
        async for event in stream:
            alive(event.progress.message if event.HasField("progress") else "")
        return told(await stream.result(), deed)

    def _extract(self, deed: Execute) -> Told:
        assert deed.offered is not None, "somebody offered it"
        arguments = json.dumps(deed.arguments, ensure_ascii=False).encode()
        found = violations(deed.offered.parameters, arguments)
        if found:
            hints = repairable(found, deed.offered.parameters, deed.arguments)
            return Told({**NOT_TAKEN, "violations": hints})
        return Taken({"ok": True, "result": TAKEN["message"]})


def told(answer: Result | ToolcellError, deed: Execute) -> Told:
    """
    What the model is told of an ending or a refusal, with what helps to repair the call.
    """
    outcome, message = getattr(answer, "outcome", answer), as_tool_message(answer)
    if message.get("violations") and deed.offered is not None:
        hints = repairable(message["violations"], deed.offered.parameters, deed.arguments)
        message = {**message, "violations": hints}
    return Told(message, str(getattr(outcome, "spoken", "")))
