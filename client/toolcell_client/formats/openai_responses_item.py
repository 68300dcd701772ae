"""
One output item of OpenAI Responses: a call, a message, or what goes back as it came.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.openai_problems import problem_of
from toolcell_client.formats.pieces import Pieces, Room, argument_text, short
from toolcell_client.formats.turns import Problem, RawCall

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# What a call's text is called, by its type.
CALL_TEXTS = {"function_call": "arguments", "custom_tool_call": "input"}
# Types of which no null is taken back, though they may come with one.
WITHOUT_NULLS = {*CALL_TEXTS, "message", "reasoning"}
# What no request has: what the SDK makes of texts, and who made an item.
REPLY_ONLY = {"parsed", "parsed_arguments", "created_by"}


@dataclass(slots=True)
class ItemParts:
    """
    What came of an item.  `order` sorts it among the others; `written` is the text of a call's
    arguments or of a message; `done`: `item` will not change any more; `surplus`: there were too
    many calls before it.  `brought` is the call as it was said to be whole.
    """

    order: int
    item: dict[str, Any]
    written: Pieces
    surplus: bool = False
    done: bool = False
    brought: RawCall | None = None

    @property
    def is_call(self) -> bool:
        return kind_of(self.item) in CALL_TEXTS

    @property
    def refuses(self) -> bool:
        return any(said == "refusal" for said, _ in texts_of(self.item))

    def settle(self, item: dict[str, Any], arguments: Room) -> str:
        """
        The item is whole, and this is it: it decides, whatever came in pieces.  Return the text of
        a message that had not come yet.
        """
        self.item, self.done = item, True
        if self.is_call:
            self.written = Pieces(arguments)
            self.written.add(argument_text(item.get(CALL_TEXTS[kind_of(item)])))
            return ""
        text, known = "".join(text for _, text in texts_of(item)), str(self.written)
        return self.written.add(text[len(known) :]) if text.startswith(known) else ""

    def raw(self, problem: Problem | None) -> RawCall:
        """
        The call as it was brought, or with that problem.
        """
        if self.brought is not None:
            return self.brought
        unfinished = self.item.get("status") not in (None, "completed")
        if problem is None and (unfinished or not self.done):
            problem = Problem.TRUNCATED
        custom = kind_of(self.item) == "custom_tool_call"
        problem, detail = problem_of(problem, self.written, surplus=self.surplus, custom=custom)
        return RawCall(
            call_id=short(self.item.get("call_id")),
            name=short(self.item.get("name")),
            arguments=str(self.written),
            problem=problem,
            detail=detail,
            echo=self._echo(custom=custom),
        )

    def message(self) -> dict[str, Any] | None:
        """
        As it goes back; None if it cannot, as what is half reasoning.
        """
        if self.is_call:
            return self._call_message()
        if self.done:
            return outgoing(self.item)
        if kind_of(self.item) != "message":
            return None
        text = {"type": "output_text", "text": str(self.written), "annotations": []}
        return outgoing(self.item) | {"status": "incomplete", "content": [text]}

    def _call_message(self) -> dict[str, Any]:
        made = outgoing(self.item)
        made |= {"call_id": short(made.get("call_id")), "name": short(made.get("name"))}
        made[CALL_TEXTS[kind_of(made)]] = str(self.written)
        if not self.done and kind_of(made) == "function_call":
            made["status"] = "incomplete"
        return made

    def _echo(self, *, custom: bool) -> dict[str, Any]:
        keys = ("caller",) if custom else ("caller", "namespace")
        echo = {key: self.item[key] for key in keys if self.item.get(key) is not None}
        return echo | ({"type": "custom_tool_call_output"} if custom else {})


def kind_of(item: Mapping[str, Any]) -> str:
    """
    The type of an event, an item, or a part of a message; "" where that is no text.
    """
    written = item.get("type")
    return written if isinstance(written, str) else ""


def outgoing(item: dict[str, Any]) -> dict[str, Any]:
    """
    The item as a request takes it.
    """
    made = {key: each for key, each in item.items() if key not in REPLY_ONLY}
    if kind_of(item) not in WITHOUT_NULLS:
        return made
    made = {key: each for key, each in made.items() if each is not None}
    if kind_of(made) == "message" and isinstance(content := made.get("content"), list):
        made["content"] = [_part(each) for each in content]
    return made


def texts_of(item: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """
    What a message says, as kind ("output_text" or "refusal") and text.
    """
    content = item.get("content") if kind_of(item) == "message" else ()
    for part in content if isinstance(content, list) else ():
        said = kind_of(part) if isinstance(part, dict) else ""
        text = part.get("refusal" if said == "refusal" else "text") if said else None
        if said in ("output_text", "refusal") and isinstance(text, str):
            yield said, text


def _part(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    return {key: each for key, each in part.items() if each is not None and key not in REPLY_ONLY}
