"""
Takes the events of the provider, each to the part that it concerns.

Theory of operation.  What a provider sends is hostile too: an event that has not the fields it
should have is reported, and the session goes on.  Fillers are known by their mark, which the server
repeats; they are no part of the conversation, and no call in them is executed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats import Problem, RawCall, ToolCall
from toolcell_client.formats.format import plain
from toolcell_client.formats.openai_realtime import FORMAT
from toolcell_client.formats.openai_realtime_stream import MOST_CHARACTERS, read, short
from toolcell_client.voice.answers import CONFIRM_CALL
from toolcell_client.voice.deeds import Account, Execute, Report, Send
from toolcell_client.voice.outgoing import FILLER, MARK, READ_BACK, response_cancel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.formats.openai_realtime_stream import RealtimeAccumulator
    from toolcell_client.voice.asking import Asking
    from toolcell_client.voice.calls import Calls
    from toolcell_client.voice.room import Response, Room

MOST_STREAMS = 8  # responses that are put together at once; one is active, fillers are not put


class Hearing:
    """
    Knows which responses are being made.
    """

    def __init__(self, room: Room, calls: Calls, asking: Asking) -> None:
        self._room, self._calls, self._asking = room, calls, asking
        self._streams: dict[str, RealtimeAccumulator] = {}
        self._beside: dict[str, None] = {}  # responses that are no part of the conversation

    def take(self, event: Any, now: float) -> None:
        """
        One event.
        """
        self._room.place += 1
        try:
            told = plain(event)
            self._take(told, now)
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            self._room.do(Report({"type": "unreadable_event", "message": f"{exc!r:.200}"}))

    def heard(self, text: str, now: float) -> None:
        """
        A turn that the program heard.
        """
        self._room.place += 1
        self._interrupted(now)
        self._room.turns.heard(text, self._room.place)
        self._calls.stop_if_asked(text, now)

    def _take(self, told: Mapping[str, Any], now: float) -> None:
        match told.get("type"):
            case "response.created":
                self._created(told["response"], now)
            case "response.output_item.added" | "response.output_item.done":
                self._item(told, now)
            case "response.done":
                self._done(told["response"], told, now)
            case "input_audio_buffer.speech_started":
                self._room.sequencer.user_speaks = True
                self._room.turns.started(told["item_id"], self._room.place)
                self._interrupted(now)
            case "input_audio_buffer.committed":
                self._room.sequencer.turn_over(now)
                self._room.turns.committed(told["item_id"], self._room.place)
            case "input_audio_buffer.cleared" | "input_audio_buffer.timeout_triggered":
                self._room.sequencer.turn_over(now)
                self._room.turns.dropped()
            case "input_audio_buffer.speech_stopped":
                self._room.sequencer.turn_over(now)
                self._room.quiet_since = now
            case "error":
                self._error(told["error"], now)
            case kind:
                self._take_more(str(kind), told, now)

    def _take_more(self, kind: str, told: Mapping[str, Any], now: float) -> None:
        match kind:
            case "conversation.item.input_audio_transcription.completed":
                transcript = str(told.get("transcript") or "")
                self._room.turns.transcribed(told["item_id"], transcript)
                self._calls.stop_if_asked(transcript, now)
            case "conversation.item.input_audio_transcription.failed":
                self._room.turns.transcribed(told["item_id"], "")
            case "session.created":
                self._session()
                session = told.get("session")
                self._room.model = short(session.get("model")) if isinstance(session, dict) else ""
            case "conversation.item.truncated":
                self._truncated(told["item_id"], now)
            case "output_audio_buffer.started":
                self._asking.plays(told["response_id"])
            case "output_audio_buffer.stopped":
                self._asking.played(told["response_id"], whole=True)
            case "output_audio_buffer.cleared":
                self._asking.played(told["response_id"], whole=False)
            case _ if told.get("response_id") in self._streams:
                self._streams[told["response_id"]].add(told)

    def _session(self) -> None:
        self._room.sessions += 1
        if self._room.sessions > 1:
            self._calls.end_all()
            self._asking.forget()
            self._streams.clear()
            self._beside.clear()
            self._room.begin_again()

    def _created(self, response: Mapping[str, Any], now: float) -> None:
        response_id, mark = str(response["id"]), (response.get("metadata") or {}).get(MARK)
        self._room.quiet_since = now
        if mark == FILLER:
            self._beside[response_id] = None
            return
        self._room.sequencer.created(response_id)
        self._room.response(response_id)
        self._stream(response_id)
        if mark == READ_BACK:
            self._asking.read_out_by(response_id)

    def _item(self, told: Mapping[str, Any], now: float) -> None:
        response_id = str(told["response_id"])
        if response_id in self._beside:
            return
        response = self._room.response(response_id)
        response.items.add(str(told["item"].get("id", "")))
        for raw in self._stream(response_id).add(told):
            if isinstance(raw, RawCall):
                self._call(response, raw, now)

    def _done(self, inner: Mapping[str, Any], told: Mapping[str, Any], now: float) -> None:
        response_id = str(inner["id"])
        self._room.quiet_since = now
        self._room.do(Account(read(inner), self._room.model))
        if response_id in self._beside or (inner.get("metadata") or {}).get(MARK) == FILLER:
            self._beside.pop(response_id, None)
            self._room.sequencer.filler_done()
            return
        response, stream = self._room.response(response_id), self._stream(response_id)
        fresh = stream.add(told)
        turn = stream.turn()
        del self._streams[response_id]
        self._room.sequencer.done(response_id)
        status = str(inner.get("status") or "")
        self._asking.response_done(response_id, status, turn.text, frozenset(response.items))
        if status == "cancelled":
            response.silent = True
            self._calls.interrupt(now, {response_id})
        for raw in (*fresh, *(each for each in turn.calls if each.problem is not None)):
            if isinstance(raw, RawCall):
                self._call(response, raw, now)
        response.done = True
        self._room.settle(response)

    def _call(self, response: Response, raw: RawCall, now: float) -> None:
        room = self._room
        if not raw.call_id or room.is_known(raw.call_id):
            return
        response.waiting.add(raw.call_id)
        response.called = True
        if raw.problem is None and len(raw.arguments) >= MOST_CHARACTERS:
            raw = RawCall(
                call_id=raw.call_id, name=raw.name, arguments="", problem=Problem.TRUNCATED
            )
        if raw.name == CONFIRM_CALL and raw.problem is None:
            self._asking.confirm(response.response_id, raw, now)
            return
        call = room.toolset.call(raw)
        if call.problem is not None:
            self._calls.refuse(response.response_id, call)
        else:
            self._begin(response, call, now)

    def _begin(self, response: Response, call: ToolCall, now: float) -> None:
        room, tool = self._room, self._room.toolset.tools[call.tool]
        late = room.sequencer.user_speaks or response.silent
        if late and not self._calls.goes_on(tool.effects):
            detail = "The user interrupted; nothing ran."
            call = ToolCall(raw=call.raw, tool=call.tool, problem=Problem.CANCELLED, detail=detail)
            self._calls.refuse(response.response_id, call)
        elif tool.effects == "destructive" and room.options.confirm_destructive:
            self._asking.ask(response.response_id, call.call_id, call.tool, call.arguments, now)
        else:
            deed = Execute(
                key=call.call_id,
                tool=call.tool,
                version=tool.version,
                arguments=call.arguments,
                offered=tool,
            )
            self._calls.begin(deed, response.response_id, call.call_id, now)

    def _truncated(self, item_id: str, now: float) -> None:
        self._asking.not_heard(item_id)
        responses = list(self._room.responses.values())
        last = max([each.began for each in responses if item_id in each.items], default=None)
        heard = [each for each in responses if last is None or each.began <= last]
        for response in heard:
            response.silent = True
        self._calls.interrupt(now, {each.response_id for each in heard})

    def _interrupted(self, now: float) -> None:
        self._room.quiet_since = now
        for response_id in self._beside:  # the server's own interruption does not end these
            self._room.do(Send(response_cancel(response_id)))
        self._room.hush()
        self._calls.interrupt(now)

    def _error(self, error: Mapping[str, Any], now: float) -> None:
        event_id, code = str(error.get("event_id") or ""), str(error.get("code") or "")
        self._room.sequencer.refused(event_id, code, now)
        self._room.do(Report(dict(error)))

    def _stream(self, response_id: str) -> RealtimeAccumulator:
        if response_id not in self._streams:
            while len(self._streams) >= MOST_STREAMS:
                del self._streams[next(iter(self._streams))]
            self._streams[response_id] = FORMAT.accumulator()
        return self._streams[response_id]
