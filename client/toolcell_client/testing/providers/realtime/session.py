"""
One realtime connection: the client's events in, the server's events out.

Theory of operation.  The thread of the connection reads client events; a response is played by a
thread of its own (`speaking.py`); a test may speak for the user with `hear`.  One lock guards the
conversation and which response is active.  A response stops being active in the same step that
sends `response.done`, so that a client which waits for it may create the next one.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers import openai_words as words
from toolcell_client.testing.providers.journal import Received
from toolcell_client.testing.providers.openai_words import field, invalid, only, typed
from toolcell_client.testing.providers.realtime import settings as rules
from toolcell_client.testing.providers.realtime.conversation import RealtimeConversation
from toolcell_client.testing.providers.realtime.responding import begin, view_of
from toolcell_client.testing.providers.realtime.websocket import Closed, WebSocket
from toolcell_client.testing.providers.refusing import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.testing.providers.realtime.speaking import Speaking
    from toolcell_client.testing.providers.server import ProviderServer
    from toolcell_client.testing.providers.view import View


class RealtimeSession:
    """
    See the module.  `settings` are those of the session; `active` is the response that is spoken.
    """

    provider = "openai-realtime"
    reply_prefix = "resp_"
    call_prefix = "call_"

    def __init__(
        self, server: ProviderServer, socket: WebSocket, model: str, headers: Mapping[str, str]
    ) -> None:
        self.server = server
        self.settings = rules.first(server.new_id("sess_"), model)
        self.conversation = RealtimeConversation(self.emit, server.new_id)
        self.active: Speaking | None = None
        self._aside: list[Speaking] = []
        self._spoken = False
        self._buffered = 0
        self._socket = socket
        self._headers = headers
        self._lock = threading.RLock()

    def run(self) -> None:
        """
        Until the client goes.
        """
        self.emit("session.created", {"session": self.settings})
        try:
            while True:
                self._take(self._socket.receive())
        except Closed:
            pass
        finally:
            self._finish()

    def emit(self, kind: str, fields: Mapping[str, Any]) -> None:
        """
        Send an event.
        """
        event = {"type": kind, "event_id": self.server.new_id("event_")} | dict(fields)
        self._socket.send(json.dumps(event))

    def drop(self) -> None:
        """
        Break the connection.
        """
        self._socket.drop()

    def hear(self, text: str) -> None:
        """
        The user says something: what is being said is interrupted, and a response begins, unless
        the session's turn detection is told otherwise.
        """
        item_id = self.speech_started()
        self.emit("input_audio_buffer.speech_stopped", {"audio_end_ms": 900, "item_id": item_id})
        self.conversation.heard(item_id, text)
        if self._detection().get("create_response", True) and self._detection():
            self._create({})

    def speech_started(self) -> str:
        """
        The user begins to speak; the id of the item that it will be.
        """
        item_id = self.server.new_id("item_")
        place = {"audio_start_ms": 300, "item_id": item_id}
        self.emit("input_audio_buffer.speech_started", place)
        active = self.active
        if active and self._detection().get("interrupt_response", True) and self._detection():
            active.cancel("turn_detected")
            active.join()
        return item_id

    def ended(self, speaking: Speaking, last: Mapping[str, Any]) -> None:
        """
        A response is over; `last` are the fields of its last event.
        """
        with self._lock:
            if self.active is speaking:
                self.active = None
            self.emit("response.done", last)
            limit = {"name": "tokens", "limit": 40000, "remaining": 39000, "reset_seconds": 1.0}
            self.emit("rate_limits.updated", {"rate_limits": [limit]})

    def _finish(self) -> None:
        for each in [*self._aside, *([self.active] if self.active else [])]:
            each.cancel("client_cancelled")
            each.join()

    def _take(self, text: str) -> None:
        event: dict[str, Any] = {}
        view = None
        why = ""
        try:
            event = _event(text)
            view = self._do(event)
        except Refused as exc:
            why = exc.message
            inner = words.error(exc)["error"] | {"event_id": event.get("event_id")}
            self.emit("error", {"error": inner})
        kind = str(event.get("type", ""))
        self.server.note(Received(self.provider, kind, self._headers, event, view, why))

    def _do(self, event: dict[str, Any]) -> View | None:
        kind = field(event, "type", str, "")
        if kind == "session.update":
            change = field(event, "session", dict, "")
            self.settings = rules.updated(self.settings, change, spoken=self._spoken)
            self.emit("session.updated", {"session": self.settings})
        elif kind.startswith("conversation.item."):
            self.conversation.take(kind, event)
        elif kind == "response.create":
            return self._create(event.get("response") or {})
        elif kind == "response.cancel":
            self._cancel()
        elif kind.startswith("input_audio_buffer."):
            self._buffer(kind, event)
        elif kind != "output_audio_buffer.clear":
            raise invalid(f"Invalid value: '{kind}'.", "type")
        return None

    def _buffer(self, kind: str, event: Mapping[str, Any]) -> None:
        if kind == "input_audio_buffer.append":
            self._buffered += len(field(event, "audio", str, ""))
        elif kind == "input_audio_buffer.clear":
            self._buffered = 0
            self.emit("input_audio_buffer.cleared", {})
        elif not self._buffered:
            raise invalid(
                "Error committing input audio buffer: buffer too small.",
                "",
                "input_audio_buffer_commit_empty",
            )
        else:
            self._buffered = 0
            self.conversation.heard(self.server.new_id("item_"), "")

    def _cancel(self) -> None:
        active = self.active
        if active is None:
            raise invalid(
                "Cancellation failed: no active response found",
                "",
                "response_cancel_not_active",
            )
        active.cancel("client_cancelled")

    def _detection(self) -> dict[str, Any]:
        return self.settings["audio"]["input"].get("turn_detection") or {}

    def _create(self, asked: dict[str, Any]) -> View:
        only(asked, rules.RESPONSE_FIELDS, "response")
        aside = asked.get("conversation") == "none"
        made = self.settings | asked
        rules.check_modalities(made["output_modalities"], "response.output_modalities")
        with self._lock:
            if self.active and not aside:
                raise invalid(
                    "Conversation already has an active response in progress:"
                    f" {self.active.reply.reply_id}. Wait until the response is finished before"
                    " creating a new one.",
                    "",
                    "conversation_already_has_active_response",
                )
            view = view_of(self, made, asked)
            speaking = begin(self, view, made, aside=aside)
            if speaking is None:
                return view
            if aside:
                self._aside.append(speaking)
            else:
                self.active = speaking
            self._spoken = self._spoken or made["output_modalities"] == ["audio"]
        speaking.start()
        return view


def _event(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise invalid(f"Could not parse the event as JSON: {exc}", "", "invalid_json") from exc
    event: dict[str, Any] = typed(value, dict, "event")
    return event
