"""
The items of a realtime conversation, and the events that tell of them.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers.openai_words import field, invalid
from toolcell_client.testing.providers.realtime.items import check_item

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from toolcell_client.testing.providers.reply import NewId


class RealtimeConversation:
    """
    `items` by their ids, in order.
    """

    def __init__(self, emit: Callable[[str, Mapping[str, Any]], None], new_id: NewId) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self._emit = emit
        self._new_id = new_id
        self._lock = threading.Lock()

    def add(self, item: dict[str, Any], *, done: bool) -> None:
        """
        An item comes at the end.
        """
        with self._lock:
            previous = next(reversed(self.items), None)
            self.items[item["id"]] = item
            place = {"previous_item_id": previous, "item": dict(item)}
            self._emit("conversation.item.added", place)
            if done:
                self._emit("conversation.item.done", place)

    def done(self, item: dict[str, Any]) -> None:
        """
        An item of a response is as it stays.
        """
        with self._lock:
            ids = list(self.items)
            at = ids.index(item["id"]) if item["id"] in ids else 0
            place = {"previous_item_id": ids[at - 1] if at else None, "item": dict(item)}
            self._emit("conversation.item.done", place)

    def heard(self, item_id: str, text: str) -> None:
        """
        The user has said something.
        """
        self._emit("input_audio_buffer.committed", {"previous_item_id": None, "item_id": item_id})
        part = {"type": "input_audio", "transcript": text}
        item = {"id": item_id, "object": "realtime.item", "type": "message", "role": "user"}
        self.add(item | {"status": "completed", "content": [part]}, done=True)
        usage = {"type": "tokens", "input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        place = {"item_id": item_id, "content_index": 0, "transcript": text, "usage": usage}
        self._emit("conversation.item.input_audio_transcription.completed", place)

    def take(self, kind: str, event: Mapping[str, Any]) -> None:
        """
        An event of the client whose type begins with `conversation.item.`.

        Raises:
            Refused: OpenAI would not take it.
        """
        if kind == "conversation.item.create":
            self._create(event)
        elif kind == "conversation.item.retrieve":
            self._emit("conversation.item.retrieved", {"item": self._known(event)})
        elif kind == "conversation.item.delete":
            item_id = self._known(event)["id"]
            with self._lock:
                del self.items[item_id]
            self._emit("conversation.item.deleted", {"item_id": item_id})
        elif kind == "conversation.item.truncate":
            place = {"item_id": self._known(event)["id"]}
            place |= {"content_index": field(event, "content_index", int, "")}
            place |= {"audio_end_ms": field(event, "audio_end_ms", int, "")}
            self._emit("conversation.item.truncated", place)
        else:
            raise invalid(f"Invalid value: '{kind}'.", "type")

    def _create(self, event: Mapping[str, Any]) -> None:
        item = check_item(event.get("item"), self.items)
        item = {"id": self._new_id("item_"), "object": "realtime.item"} | item
        previous = event.get("previous_item_id")
        if previous not in (None, "root", *self.items):
            raise invalid(f"Item with id '{previous}' not found.", "previous_item_id")
        self.add(item | {"status": "completed"}, done=True)

    def _known(self, event: Mapping[str, Any]) -> dict[str, Any]:
        item_id = field(event, "item_id", str, "")
        if item_id not in self.items:
            raise invalid(
                f"Error retrieving item: the item with id '{item_id}' does not exist.", "item_id"
            )
        return self.items[item_id]
