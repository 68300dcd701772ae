"""
A dialogue under test: its tools, its clock, and what it has done.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from clocks import Clock
from realtime_events import CLIENT_EVENTS, calls, says, strictly, user_says
from toolcell_client.formats import OfferedTool, Toolset
from toolcell_client.voice import Dialogue, VoiceOptions
from toolcell_client.voice.answers import CONFIRM_CALL, Told
from toolcell_client.voice.deeds import AwaitDecision, Cancel, Execute, Report, Say, Send
from toolcell_client.voice.outgoing import MARK, READ_BACK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolcell_client.voice.deeds import Deed

ANY = {"type": "object", "properties": {"which": {"type": "string"}}}
LOOK = OfferedTool(name="look", description="Looks.", parameters=ANY, effects="read_only")
WRITE = OfferedTool(name="write", description="Writes.", parameters=ANY, effects="writes")
DELETE = OfferedTool(
    name="delete",
    title="delete logs",
    description="Deletes.",
    parameters=ANY,
    effects="destructive",
)
OK = Told({"ok": True, "result": 1})


class Talk:
    """
    Feeds a dialogue; everything that it sends is checked against the SDK's types.
    """

    def __init__(self, *tools: OfferedTool, **options: Any) -> None:
        self.clock = Clock(100.0)
        self.sent: list[dict[str, Any]] = []
        self.executed: list[Execute] = []
        self.cancelled: list[str] = []
        self.said: list[str] = []
        self.awaited: list[AwaitDecision] = []
        self.reports: list[Any] = []
        self.dialogue = Dialogue(VoiceOptions(**options), Toolset(tools or (LOOK, WRITE, DELETE)))
        self.do(self.dialogue.tick(self.clock()))

    def do(self, deeds: Iterable[Deed]) -> None:
        for deed in deeds:
            match deed:
                case Send():
                    strictly(CLIENT_EVENTS, deed.event)
                    self.sent.append(deed.event)
                case Execute():
                    self.executed.append(deed)
                case Cancel():
                    self.cancelled.append(deed.key)
                case Say():
                    self.said.append(deed.text)
                case AwaitDecision():
                    self.awaited.append(deed)
                case Report():
                    self.reports.append(deed.error)

    def hear(self, *events: dict[str, Any]) -> None:
        for each in events:
            self.do(self.dialogue.handle(each, self.clock()))

    def end(self, key: str, told: Told = OK) -> None:
        self.do(self.dialogue.ended(key, told, self.clock()))

    def wait(self, seconds: float) -> None:
        self.clock.now += seconds
        self.do(self.dialogue.tick(self.clock()))

    def outputs(self) -> dict[str, Any]:
        """
        What calls were answered with, by call id; each has one answer.
        """
        items = [each["item"] for each in self.sent if each["type"] == "conversation.item.create"]
        found = [each for each in items if each["type"] == "function_call_output"]
        ids = [each["call_id"] for each in found]
        assert len(set(ids)) == len(ids), f"answered twice: {ids}"
        return {each["call_id"]: json.loads(each["output"]) for each in found}

    def creates(self) -> list[dict[str, Any]]:
        """
        Every `response.create` so far.
        """
        return [each for each in self.sent if each["type"] == "response.create"]

    def read_back(self) -> str:
        """
        What the last response of ours was to read out.
        """
        response = self.creates()[-1]["response"]
        assert {MARK: READ_BACK} == response["metadata"]
        assert "none" == response["tool_choice"]
        return str(json.loads(response["instructions"].partition(":")[2]))

    def ask(self, arguments: Any = None, response_id: str = "r1", call_id: str = "c1") -> str:
        """
        Let the model call `delete`; the id of the question.
        """
        from realtime_events import item

        self.hear(*calls(response_id, item(call_id, "delete", arguments or {"which": "old"})))
        return str(self.outputs()[call_id]["confirmation_id"])

    def read_out(self, response_id: str = "read", **fields: Any) -> None:
        """
        Let the model read the question out.
        """
        marked = {"metadata": {MARK: READ_BACK}}
        self.hear(*says(response_id, self.read_back(), **{**marked, **fields}))

    def answer(self, text: str, item_id: str = "u1") -> None:
        self.hear(*user_says(item_id, text))

    def confirm(
        self,
        confirmation_id: str,
        call_id: str = "yes",
        response_id: str = "r9",
        phrase: str = "yes",
    ) -> Any:
        """
        Let the model pass on a yes; what it is answered, None if nothing has come.
        """
        from realtime_events import item

        arguments = {"confirmation_id": confirmation_id, "phrase": phrase}
        self.hear(*calls(response_id, item(call_id, CONFIRM_CALL, arguments)))
        return self.outputs().get(call_id)
