"""
What the parts of one dialogue share.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toolcell_client.formats.openai_realtime import output_item
from toolcell_client.voice.deeds import Send
from toolcell_client.voice.sequencing import Sequencer
from toolcell_client.voice.user_turns import UserTurns

if TYPE_CHECKING:
    from toolcell_client.formats import Toolset
    from toolcell_client.voice.deeds import Deed
    from toolcell_client.voice.options import VoiceOptions

KEPT_ANSWERS = 1_000  # arbitrary; call ids that are remembered
KEPT_RESPONSES = 64  # arbitrary; those with open calls are kept besides
MOST_ITEMS = 256  # arbitrary; of one response that are remembered


@dataclass(slots=True)
class Response:
    """
    A response of the conversation.  `began` is its place; `waiting` are calls without an output.
    `silent`: the user has spoken since, so nothing is said for it.
    """

    response_id: str
    began: int
    waiting: set[str] = field(default_factory=set)
    called: bool = False
    done: bool = False
    silent: bool = False
    items: set[str] = field(default_factory=set)


class Room:
    """
    Options, the order of events, who speaks, and which calls have no output yet.
    """

    def __init__(self, options: VoiceOptions, toolset: Toolset) -> None:
        self.options = options
        self.toolset = toolset
        self.sequencer = Sequencer(options.request_seconds)
        self.turns = UserTurns()
        self.place = 0
        self.deeds: list[Deed] = []
        self.responses: OrderedDict[str, Response] = OrderedDict()
        self.quiet_since = 0.0
        self.sessions = 0  # of the provider; a connection that was made again has a new one
        self.model = ""  # the provider's word for it
        self._answered: OrderedDict[str, None] = OrderedDict()

    def do(self, deed: Deed) -> None:
        self.deeds.append(deed)

    def response(self, response_id: str) -> Response:
        """
        The response of that id, which begins here if it is new.
        """
        if response_id not in self.responses:
            settled = [key for key, each in self.responses.items() if not each.waiting]
            for key in settled[: max(0, len(self.responses) - KEPT_RESPONSES)]:
                del self.responses[key]
            self.responses[response_id] = Response(response_id, self.place)
        return self.responses[response_id]

    def is_answered(self, call_id: str) -> bool:
        return call_id in self._answered

    def is_known(self, call_id: str) -> bool:
        """
        Whether a call of that id has been answered, or will be.
        """
        waits = any(call_id in each.waiting for each in self.responses.values())
        return waits or self.is_answered(call_id)

    def answer(self, response_id: str, call_id: str, output: str, read_back: str = "") -> None:
        """
        Send the output of a call, and let the model speak once its response has no other open.
        """
        self._answered[call_id] = None
        if len(self._answered) > KEPT_ANSWERS:
            self._answered.popitem(last=False)
        self.do(Send(output_item(call_id, output)))
        response = self.response(response_id)
        response.called = True
        response.waiting.discard(call_id)
        if read_back:
            self.sequencer.read_back = read_back
            response.silent = False
        self.settle(response)

    def settle(self, response: Response) -> None:
        """
        Wish for a response, once, when this one is done and all its calls have outputs.
        """
        if not (response.called and response.done and not response.waiting):
            return
        response.called = False
        if not response.silent:
            self.sequencer.wish()

    def begin_again(self) -> None:
        """
        The provider knows nothing any more: a new session has no tools, calls and responses.
        """
        self.responses.clear()
        self.sequencer = Sequencer(self.options.request_seconds, counter=self.sequencer.counter)
        self.turns = UserTurns()

    def hush(self) -> None:
        """
        The user speaks: his turn will be answered, and what ran before is told without a word.
        """
        for response in self.responses.values():
            response.silent = True
