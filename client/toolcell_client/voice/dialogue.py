"""
One voice session as a machine: from an event and the time to things to do.  No input, no output.

Theory of operation.  Whatever happens is told by one method: an event of the provider (`handle`),
something of an execution (`progressed`, `ended`, `approval_needed`, `decided`), other tools
(`offer`), or nothing but time (`tick`, due at `wake()`).  Each returns what is to be done now, in
order.  The parts: `sequencing` (when may the model speak), `calls` (what runs), `asking` and
`confirmations` (what needs a yes), `fillers` (silence), `user_turns` (who said what when).

A `session.update` waits until no response is active or asked for: the calls of a response belong to
the tools that it was made with.  Of several only the last is sent.

A provider's second `session.created` says that the connection was made again: the new session knows
nothing, so what ran is cancelled, the open question is closed, and the tools are sent again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.voice import answers
from toolcell_client.voice.answers import Told
from toolcell_client.voice.asking import Asking
from toolcell_client.voice.calls import Calls
from toolcell_client.voice.confirmations import Confirmations
from toolcell_client.voice.deeds import Say, Send
from toolcell_client.voice.fillers import Fillers
from toolcell_client.voice.hearing_events import Hearing
from toolcell_client.voice.instructions import instructions
from toolcell_client.voice.outgoing import (
    filler_create,
    read_back_create,
    response_create,
    session_update,
)
from toolcell_client.voice.room import Room

if TYPE_CHECKING:
    from toolcell_client.formats import Toolset
    from toolcell_client.voice.awaiting import Required
    from toolcell_client.voice.deeds import Deed
    from toolcell_client.voice.options import VoiceOptions

PROVIDER = "openai-realtime"
NOT_AGAIN = "It needs another approval by now; nothing ran. Call the tool again."


class Dialogue:
    """
    The state of one session; times are seconds of any clock that does not run backwards.
    """

    def __init__(
        self,
        options: VoiceOptions,
        toolset: Toolset,
        confirmations: Confirmations | None = None,
    ) -> None:
        self._room = Room(options, toolset)
        self._calls = Calls(self._room)
        confirmations = confirmations or Confirmations(
            seconds=options.confirm_seconds, by=options.confirm_by, language=options.words
        )
        self._asking = Asking(self._room, self._calls, confirmations)
        self._fillers = Fillers(options)
        self._hearing = Hearing(self._room, self._calls, self._asking)
        self._offered: Toolset | None = toolset
        self._sent: dict[str, Any] | None = None
        self._sessions = 0

    @property
    def confirmations(self) -> Confirmations:
        return self._asking.confirmations

    def handle(self, event: Any, now: float) -> list[Deed]:
        """
        An event of the provider: a mapping, or an object of its SDK.
        """
        self._hearing.take(event, now)
        if self._room.sessions > max(1, self._sessions):
            self._sent, self._offered = None, self._offered or self._room.toolset
        self._sessions = self._room.sessions
        return self._flush(now)

    def progressed(self, key: str, message: str, now: float) -> list[Deed]:
        """
        An execution gave a sign of life; `message` is what its tool says.
        """
        self._calls.progressed(key, message)
        return self._flush(now)

    def ended(self, key: str, told: Told, now: float) -> list[Deed]:
        """
        An execution ended, or was refused.
        """
        if self._calls.ended(key, told, now) is None:
            self._asking.awaiting.ended(key, told)
        return self._flush(now)

    def approval_needed(self, key: str, required: Required, now: float) -> list[Deed]:
        """
        A call needs an approval; nothing ran.
        """
        running = self._calls.take(key, now)
        if running is not None:
            self._asking.approval_needed(running, required, now)
        else:
            again = Told({"ok": False, "error": "approval_required", "message": NOT_AGAIN})
            self._asking.awaiting.ended(key, again)
        return self._flush(now)

    def decided(self, key: str, now: float, *, approved: bool, reason: str = "") -> list[Deed]:
        """
        Somebody else decided about a call.
        """
        self._asking.awaiting.decided(key, reason, approved=approved)
        return self._flush(now)

    def offer(self, toolset: Toolset, now: float) -> list[Deed]:
        """
        From now on, these are the tools.
        """
        self._offered = toolset
        return self._flush(now)

    def heard(self, text: str, now: float) -> list[Deed]:
        """
        The user said this, by the program's own ears or a keyboard.
        """
        self._hearing.heard(text, now)
        return self._flush(now)

    def tick(self, now: float) -> list[Deed]:
        """
        Time has passed.
        """
        return self._flush(now)

    def close(self) -> list[Deed]:
        """
        Everything ends.
        """
        self._calls.end_all()
        self._asking.confirmations.close("closed")
        return self._deeds()

    def wake(self) -> float | None:
        """
        When `tick` has something to do.  None: not before something else happens.
        """
        room = self._room
        due = [*room.sequencer.deadlines(), *(each.until for each in self._asking.waiting)]
        filler = self._fillers.due_at(self._told_of(), room.quiet_since)
        if filler is not None and room.sequencer.silent():
            due.append(filler)
        return min(due, default=None)

    def _flush(self, now: float) -> list[Deed]:
        room = self._room
        room.sequencer.expire(now)
        self._asking.judge(now)
        if room.sequencer.idle():
            self._update()
        question = self._asking.confirmations.open
        if question is None or question.sentence != room.sequencer.read_back:
            room.sequencer.read_back = ""  # it is closed: nobody asks it any more
        if taken := room.sequencer.take(now):
            event_id, sentence = taken
            room.do(
                Send(
                    read_back_create(event_id, sentence) if sentence else response_create(event_id)
                )
            )
        self._fill(now)
        return self._deeds()

    def _update(self) -> None:
        if self._offered is None:
            return
        room, toolset = self._room, self._offered
        room.toolset, self._offered = toolset, None
        ours = answers.confirm_definition()
        others = [each for each in toolset.definitions(PROVIDER) if each["name"] != ours["name"]]
        definitions = [*others, ours]
        text = instructions(
            room.options.language,
            tools=toolset.tools.values() if room.options.confirm_destructive else (),
            confirm_seconds=room.options.confirm_seconds,
        )
        text = "\n\n".join(filter(None, (room.options.instructions, text)))
        event = session_update(definitions, text, room.options.session)
        if event != self._sent:
            self._sent = event
            room.do(Send(event))

    def _fill(self, now: float) -> None:
        sequencer = self._room.sequencer
        due = self._fillers.due_at(self._told_of(), self._room.quiet_since)
        if due is None or now < due or not sequencer.silent():
            return
        line = self._fillers.line(self._told_of(), now)
        if self._room.options.filler == "callback":
            self._room.do(Say(line))
        else:
            self._room.do(Send(filler_create(sequencer.take_filler(now), line)))

    def _told_of(self) -> list[Any]:
        responses = self._room.responses
        return [
            each
            for each in self._calls.running.values()
            if each.response_id not in responses or not responses[each.response_id].silent
        ]

    def _deeds(self) -> list[Deed]:
        done, self._room.deeds = self._room.deeds, []
        return done
