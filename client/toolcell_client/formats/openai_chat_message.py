"""
The message of one chat completion, put together from deltas.  Pure.

Theory of operation.  Fields that are not known here (`reasoning_content` and the like) go back as
they came, as some servers refuse what misses them: texts are joined, lists are lengthened, of other
values the last one stands.  What only a reply may have is left out, or made what a request takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.pieces import Pieces, short, verbatim

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from toolcell_client.formats.openai_chat_call import CallParts
    from toolcell_client.formats.pieces import Room

# Read elsewhere, or of a reply only: what the SDK parsed, and citations.
OWN = {"role", "content", "refusal", "audio", "tool_calls", "function_call"}
# No request may have null for content without one of these, or a refusal.
INSTEAD = {"tool_calls", "function_call", "audio"}
REPLY_ONLY = {"annotations", "parsed"}


class Message:
    """
    All but the calls.
    """

    def __init__(self, texts: Room, more: Room) -> None:
        self._texts, self._more = texts, more
        self._content: list[Pieces | dict[str, Any]] = []
        self._listed = False
        self._given: dict[str, None] = {}  # content and refusal, once they were there
        self._refusal, self._spoken = Pieces(texts), Pieces(texts)
        self._audio = ""
        self._fields: dict[str, Any] = {}

    def add(self, delta: Mapping[str, Any]) -> list[str]:
        """
        Take a delta, or a whole message; return the text that it brought.
        """
        self._given |= dict.fromkeys(delta.keys() & {"content", "refusal"})
        brought = [
            *self._add_content(delta.get("content")),
            self._refusal.add(delta.get("refusal")),
        ]
        audio = delta.get("audio")
        if isinstance(audio, dict):
            self._audio = self._audio or short(audio.get("id"))
            brought.append(self._spoken.add(audio.get("transcript")))
        for key in delta.keys() - OWN - REPLY_ONLY:
            self._add_field(key, delta[key])
        return [each for each in brought if each]

    @property
    def text(self) -> str:
        pieces = (str(each) for each in self._content if isinstance(each, Pieces))
        return "".join(pieces) or self.refusal or str(self._spoken)

    @property
    def refusal(self) -> str:
        return str(self._refusal)

    @property
    def begun(self) -> bool:
        """
        Something came.
        """
        return bool(self._given or self._audio or self._fields)

    def message(self, calls: Iterable[CallParts]) -> dict[str, Any]:
        """
        As it goes back, with these calls.
        """
        made: dict[str, Any] = {"role": "assistant", "content": self._content_value()}
        if "refusal" in self._given:
            made["refusal"] = self.refusal or None
        if self._audio:
            made["audio"] = {"id": self._audio}
        made |= {key: _closed(value) for key, value in self._fields.items() if value is not None}
        for call in calls:
            if call.kind == "legacy":
                made["function_call"] = call.message()
            else:
                made.setdefault("tool_calls", []).append(call.message())
        if made["content"] is None and not (self.refusal or made.keys() & INSTEAD):
            made["content"] = ""
        return made

    def _content_value(self) -> Any:
        if not self._listed:
            return "".join(str(each) for each in self._content) if self._content else None
        return [
            {"type": "text", "text": str(each)} if isinstance(each, Pieces) else each
            for each in self._content
        ]

    def _add_content(self, content: Any) -> list[str]:
        if isinstance(content, str):
            return [self._add_text(content)]
        if not isinstance(content, list):
            return []
        self._listed = True
        return [self._add_part(each) for each in content if isinstance(each, dict)]

    def _add_text(self, text: str) -> str:
        if not self._content or not isinstance(self._content[-1], Pieces):
            self._content.append(Pieces(self._texts))
        last = self._content[-1]
        return last.add(text) if isinstance(last, Pieces) else ""

    def _add_part(self, part: Mapping[str, Any]) -> str:
        if part.get("type") == "text":
            return self._add_text(part.get("text") or "")
        kept = verbatim(part, self._more)
        if kept is not None:
            self._content.append(kept)
        return ""

    def _add_field(self, key: str, value: Any) -> None:
        name = short(key)
        if value is None or not (name in self._fields or self._more.enter(name)):
            return
        known = self._fields.get(name)
        if isinstance(value, str):
            if not isinstance(known, Pieces):
                known = self._fields[name] = Pieces(self._more)
            known.add(value)
        elif isinstance(known, list) and isinstance(value, list):
            known.extend(verbatim(value, self._more) or ())
        else:
            self._fields[name] = verbatim(value, self._more)


def _closed(value: Any) -> Any:
    return str(value) if isinstance(value, Pieces) else value
