"""
The calls of a dialogue: which run, which wait for room, and what interrupts them.

Theory of operation.  A call begins when its item is completed, and ends by one output, whatever
happens: a call without an output stays open in the conversation, and models repeat it.  So an
interrupted call is answered at once, before anybody knows what it had done, and says so; what its
execution still tells is not heard any more.  What goes on although the user spoke ends silently.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell_client.formats import Problem
from toolcell_client.voice import answers
from toolcell_client.voice.deeds import Cancel, Execute
from toolcell_client.voice.hearing import says_stop
from toolcell_client.voice.options import BargeIn

if TYPE_CHECKING:
    from collections.abc import Collection

    from toolcell_client.formats import ToolCall
    from toolcell_client.voice.answers import Told
    from toolcell_client.voice.room import Room


@dataclass(slots=True)
class Running:
    """
    A call that runs.  `call_id` is the one that gets the output; `progress` is what the tool said
    last, and `alive` that the execution has been heard of.
    """

    deed: Execute
    response_id: str
    call_id: str
    effects: str
    began: float
    alive: bool = False
    progress: str = ""


class Calls:
    """
    What runs, by key.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self.running: dict[str, Running] = {}
        self._queue: deque[Running] = deque()

    def begin(self, deed: Execute, response_id: str, call_id: str, now: float) -> None:
        """
        Run a call, or let it wait for room.
        """
        room = self._room
        if len(self.running) + len(self._queue) >= room.options.max_calls:
            detail = "Too many calls are running; nothing ran. Wait for their results."
            room.answer(response_id, call_id, answers.not_executed("too_many_calls", detail))
            return
        tool = room.toolset.tools.get(deed.tool)
        effects = tool.effects if tool is not None else "destructive"
        self._queue.append(Running(deed, response_id, call_id, effects, now))
        self._fill(now)

    def refuse(self, response_id: str, call: ToolCall) -> None:
        """
        Answer a call that is not executed.
        """
        error = str(call.problem or Problem.MALFORMED)
        output = answers.not_executed(error, call.detail)
        self._room.answer(response_id, call.call_id, output)

    def progressed(self, key: str, message: str) -> None:
        """
        An execution is alive, and may have said what it does.
        """
        if key in self.running:
            self.running[key].alive = True
            self.running[key].progress = message or self.running[key].progress

    def take(self, key: str, now: float) -> Running | None:
        """
        A call that runs no more.  None: it had been interrupted.
        """
        found = self.running.pop(key, None)
        self._fill(now)
        return found

    def ended(self, key: str, told: Told, now: float) -> Running | None:
        """
        An execution has ended; answers its call.
        """
        found = self.take(key, now)
        if found is not None:
            output = answers.ended(told, self._room.options.words)
            self._room.answer(found.response_id, found.call_id, output)
        return found

    def interrupt(self, now: float, response_ids: Collection[str] | None = None) -> None:
        """
        The user has interrupted: these responses, or everything.
        """
        for running in (*self.running.values(), *self._queue):
            if response_ids is not None and running.response_id not in response_ids:
                continue
            if self._room.options.at_barge_in(running.effects) is BargeIn.CANCEL:
                self._end(running)
        self._fill(now)

    def stop_if_asked(self, transcript: str, now: float) -> None:
        """
        End the calls whose user has to say that he wants it, if he has.
        """
        options = self._room.options
        if says_stop(transcript, options.words):
            for running in (*self.running.values(), *self._queue):
                if options.at_barge_in(running.effects) is BargeIn.ASK:
                    self._end(running)
            self._fill(now)

    def goes_on(self, effects: str) -> bool:
        """
        Whether a call may begin although the user speaks.
        """
        return self._room.options.at_barge_in(effects) is BargeIn.FINISH

    def end_all(self) -> None:
        """
        Cancel whatever runs; nothing is answered any more.
        """
        self._queue.clear()
        for key in list(self.running):
            self._room.do(Cancel(key))
        self.running.clear()

    def _end(self, running: Running) -> None:
        key = running.deed.key
        started = self.running.pop(key, None) is not None
        if started:
            self._room.do(Cancel(key))
        else:
            self._queue.remove(running)
        detail = "The user interrupted. " + (
            "It was cancelled; what it had done by then is not known, and it is not undone."
            if started
            else "Nothing ran."
        )
        say = self._room.options.words.interrupted if started else ""
        output = answers.not_executed("interrupted", detail, say)
        self._room.answer(running.response_id, running.call_id, output)

    def _fill(self, now: float) -> None:
        while self._queue and len(self.running) < self._room.options.max_concurrent_calls:
            running = self._queue.popleft()
            running.began = now
            self.running[running.deed.key] = running
            self._room.do(running.deed)
