"""
Decides when `response.create` may be sent.  Pure: the time is passed in.

Theory of operation.  Only one response at a time may write to the conversation.  Responses come
from three sides: from us, after results; from the server, when it has heard a turn of the user; and
from us again as fillers, which write nothing but are heard.  So a wish for a response is one flag,
however often it is wished, and it is acted on when nothing is active, nothing is asked for, nobody
speaks, and no filler is being said.

A request can cross a response that the server began by itself.  Then the server refuses it, naming
our event; the wish comes back and waits for the end of what is active.  A request that nobody
answers is given up after `request_seconds`, and wished again once.

A response that the server begins after the user's turn has seen every result that was sent before
the turn ended: it grants the wish.
"""

from __future__ import annotations

from dataclasses import dataclass

ALREADY_ACTIVE = "conversation_already_has_active_response"
HELD_SECONDS = 1.0  # arbitrary; from the end of a turn to the response that it brings
UNKNOWN = "?"  # a response is active whose id we have not seen


@dataclass(slots=True)
class Sequencer:
    """
    What is active, asked for and wished.
    """

    request_seconds: float
    wished: bool = False
    read_back: str = ""  # what the next response has to say, word for word
    active: str = ""
    filler: str = ""
    user_speaks: bool = False
    asked: str = ""  # our event that has not been answered
    asked_at: float = 0.0
    filler_at: float = 0.0
    unknown_at: float = 0.0
    held_until: float | None = None  # the server may be about to begin a response by itself
    last: str = ""
    last_read_back: str = ""
    turn_ended: bool = False  # since the wish
    counter: int = 0
    repeated: bool = False

    def wish(self, read_back: str = "") -> None:
        """
        A response is wanted; one that has to say something certain beats one that has not.
        """
        self.wished = True
        self.turn_ended = False
        self.read_back = read_back or self.read_back

    def idle(self) -> bool:
        """
        Whether no response of the conversation is active or asked for.
        """
        return not (self.active or self.asked)

    def free(self) -> bool:
        """
        Whether something may be said now.
        """
        return self.idle() and not self.filler and not self.user_speaks

    def silent(self) -> bool:
        """
        Whether nothing is said, and nothing is about to be.
        """
        return self.free() and not self.wished and self.held_until is None

    def take(self, now: float) -> tuple[str, str] | None:
        """
        The id for a `response.create` that is to be sent now, and what it has to say.
        """
        if not (self.wished and self.free()) or self.held_until is not None:
            return None
        self.asked = self.last = self.next_id()
        self.asked_at = now
        self.wished = False
        self.last_read_back, self.read_back = self.read_back, ""
        return self.asked, self.last_read_back

    def turn_over(self, now: float) -> None:
        """
        The user has ended his turn; the server may begin a response by itself.
        """
        self.user_speaks = False
        self.turn_ended = True
        self.held_until = now + HELD_SECONDS

    def take_filler(self, now: float) -> str:
        """
        The id for a filler that is sent now.
        """
        self.filler = self.next_id()
        self.filler_at = now
        return self.filler

    def created(self, response_id: str) -> None:
        self.active = response_id
        self.held_until = None
        self.repeated = False
        if not self.asked and self.wished and self.turn_ended and not self.read_back:
            self.wished = False
        self.asked = ""

    def done(self, response_id: str) -> None:
        if self.active in (response_id, UNKNOWN):
            self.active = ""

    def filler_done(self) -> None:
        self.filler = ""

    def refused(self, event_id: str, code: str, now: float) -> bool:
        """
        The server reports an error; whether it was about a request of ours.
        """
        if event_id and event_id == self.filler:
            self.filler = ""
            return True
        if event_id != self.last and not (not event_id and code == ALREADY_ACTIVE and self.last):
            return False
        self.asked = self.last = ""
        if code == ALREADY_ACTIVE:
            self.active = self.active or UNKNOWN
            self.unknown_at = now
            self.wish(self.last_read_back)
        return True

    def expire(self, now: float) -> None:
        """
        Give up what nobody has answered.
        """
        if self.held_until is not None and now >= self.held_until:
            self.held_until = None
        if self.filler and now - self.filler_at >= self.request_seconds:
            self.filler = ""
        if self.active == UNKNOWN and now - self.unknown_at >= self.request_seconds:
            self.active = ""
        if self.asked and now - self.asked_at >= self.request_seconds:
            self.asked = ""
            if not self.repeated:
                self.wish(self.last_read_back)
            self.repeated = not self.repeated

    def deadlines(self) -> list[float]:
        """
        When `expire` has something to do.
        """
        since = [self.filler_at] if self.filler else []
        since += [self.asked_at] if self.asked else []
        since += [self.unknown_at] if self.active == UNKNOWN else []
        held = [] if self.held_until is None else [self.held_until]
        return held + [each + self.request_seconds for each in since]

    def next_id(self) -> str:
        self.counter += 1
        return f"toolcell_{self.counter}"
