"""
One realtime response: its events in their order, and what is left of them when it is interrupted.

Theory of operation.  A thread of its own plays a response, so that the client can be read
meanwhile.  Before each event it waits at `hold`, if the turn has one and `hold_after` events were
sent.  `cancel` sets a reason and releases it: the item under way then ends "incomplete", with its
`…done` events as the API sends them, and the response ends "cancelled".  A turn with a `finish`
other than the true one ends so after all of its events.
"""

from __future__ import annotations

import threading
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers.reply import MadeCall, Reply, pieces

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_client.testing.providers.realtime.session import RealtimeSession

STATUSES = {
    "end": "completed",
    "calls": "completed",
    "length": "incomplete",
    "refused": "incomplete",
    "cancelled": "cancelled",
}
REASONS = {
    "length": "max_output_tokens",
    "refused": "content_filter",
    "cancelled": "turn_detected",
}
SILENCE = b64encode(bytes(480)).decode()  # 10 ms of PCM


class Speaking:
    """
    A response that is played.
    """

    def __init__(
        self, session: RealtimeSession, reply: Reply, settings: dict[str, Any], *, aside: bool
    ) -> None:
        self.reply = reply
        self.aside = aside  # out of band: nothing of it goes into the conversation
        self._session = session
        self._settings = settings
        self._cancelled = ""
        self._sent = 0
        self._output: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=self._play, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def cancel(self, reason: str) -> None:
        """
        Interrupt it, for "turn_detected" or "client_cancelled".
        """
        self._cancelled = self._cancelled or reason
        if self.reply.turn.how.hold:
            self.reply.turn.how.hold.set()

    def _play(self) -> None:
        self._emit("response.created", {"response": self._response("in_progress")})
        if self.reply.turn.text:
            self._say(last=not self.reply.calls)
        for at, call in enumerate(self.reply.calls):
            if not self._cancelled:
                self._call(call, last=at == len(self.reply.calls) - 1)
        self._pause()
        self._session.ended(self, {"response": self._response("")})

    def _say(self, *, last: bool) -> None:
        audio = self._settings["output_modalities"] == ["audio"]
        part = {"type": "audio", "transcript": ""} if audio else {"type": "text", "text": ""}
        item = self._begin({"type": "message", "role": "assistant", "content": []})
        here = self._place(item) | {"content_index": 0}
        self._emit("response.content_part.added", here | {"part": part})
        kind = "output_audio_transcript" if audio else "output_text"

        def say(piece: str) -> None:
            self._emit(f"response.{kind}.delta", here | {"delta": piece})
            if audio:
                self._emit("response.output_audio.delta", here | {"delta": SILENCE})

        said = self._pieces(self.reply.turn.text, say)
        word = "transcript" if audio else "text"
        if audio:
            self._emit("response.output_audio.done", here)
        self._emit(f"response.{kind}.done", here | {word: said})
        self._emit("response.content_part.done", here | {"part": part | {word: said}})
        item["content"] = [{"type": "output_audio" if audio else "output_text", word: said}]
        self._end(item, last=last)

    def _call(self, call: MadeCall, *, last: bool) -> None:
        named = {"call_id": call.call_id, "name": call.name}
        item = self._begin({"type": "function_call", **named, "arguments": ""})
        here = self._place(item) | {"call_id": call.call_id}
        written = self._pieces(
            call.arguments,
            lambda piece: self._emit(
                "response.function_call_arguments.delta", here | {"delta": piece}
            ),
        )
        item["arguments"] = written
        done = here | {"name": call.name, "arguments": written}
        self._emit("response.function_call_arguments.done", done)
        self._end(item, last=last)

    def _pieces(self, text: str, emit: Callable[[str], None]) -> str:
        said = ""
        for piece in pieces(text, self.reply.turn.how.piece_characters):
            self._pause()
            if self._cancelled:
                break
            emit(piece)
            said += piece
        return said

    def _begin(self, fields: dict[str, Any]) -> dict[str, Any]:
        item = {"id": self.reply.new_id("item_"), "object": "realtime.item"} | fields
        item["status"] = "in_progress"
        self._output.append(item)
        place = {"response_id": self.reply.reply_id, "output_index": len(self._output) - 1}
        self._emit("response.output_item.added", place | {"item": dict(item)})
        if not self.aside:
            self._session.conversation.add(item, done=False)
        return item

    def _end(self, item: dict[str, Any], *, last: bool) -> None:
        self._pause()
        cut = last and STATUSES[self.reply.turn.finish] != "completed"
        item["status"] = "incomplete" if cut or self._cancelled else "completed"
        place = {"response_id": self.reply.reply_id, "output_index": len(self._output) - 1}
        self._emit("response.output_item.done", place | {"item": dict(item)})
        if not self.aside:
            self._session.conversation.done(item)

    def _place(self, item: dict[str, Any]) -> dict[str, Any]:
        return {
            "response_id": self.reply.reply_id,
            "item_id": item["id"],
            "output_index": len(self._output) - 1,
        }

    def _pause(self) -> None:
        """
        Wait at the turn's `hold`, once it is reached.
        """
        how = self.reply.turn.how
        if how.hold and self._sent >= how.hold_after:
            self._session.server.hold(how.hold)

    def _emit(self, kind: str, fields: dict[str, Any]) -> None:
        self._pause()
        if (
            self.reply.turn.how.cut_after is not None
            and self._sent >= self.reply.turn.how.cut_after
        ):
            self._session.drop()
        self._sent += 1
        self._session.emit(kind, fields)

    def _response(self, status: str) -> dict[str, Any]:
        finish = "cancelled" if self._cancelled else self.reply.turn.finish
        ended = status or STATUSES[finish]
        details: dict[str, Any] | None = None
        if not status and ended != "completed":
            details = {"type": ended, "reason": self._cancelled or REASONS[finish]}
        return response(self.reply, ended, details, self._output, self._settings, ended=not status)


def response(
    reply: Reply,
    status: str,
    details: dict[str, Any] | None,
    output: list[dict[str, Any]],
    settings: dict[str, Any],
    *,
    ended: bool,
) -> dict[str, Any]:
    """
    A response as an object.
    """
    return {
        "object": "realtime.response",
        "id": reply.reply_id,
        "status": status,
        "status_details": details,
        "output": [dict(each) for each in output],
        "conversation_id": "conv_local",
        "output_modalities": settings["output_modalities"],
        "max_output_tokens": settings["max_output_tokens"],
        "metadata": settings.get("metadata"),
        "usage": _usage(reply) if ended else None,
    }


def _usage(reply: Reply) -> dict[str, Any]:
    used = reply.usage
    cached = {"text_tokens": used.cached, "audio_tokens": 0}
    return {
        "total_tokens": used.total,
        "input_tokens": used.input,
        "output_tokens": used.output,
        "input_token_details": {
            "text_tokens": used.input,
            "audio_tokens": 0,
            "cached_tokens": used.cached,
            "cached_tokens_details": cached,
        },
        "output_token_details": {"text_tokens": used.output, "audio_tokens": 0},
    }
