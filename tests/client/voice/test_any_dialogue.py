"""
Whatever happens in whatever order: one output for each call, and one response at a time.

A server of OpenAI Realtime is played as strictly as it is: it refuses outputs of calls that it does
not know, second outputs, and a response while another is active.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exampling import few
from hypothesis import given
from hypothesis import strategies as st
from realtime_events import committed, created, done, item, item_done, message, speech, transcript
from talking import Talk
from toolcell_client.voice.outgoing import FILLER, MARK

if TYPE_CHECKING:
    from toolcell_client.voice.deeds import Execute

NAMES = st.sampled_from(["look", "write", "delete", "nope"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("call"), NAMES),
        st.tuples(st.just("half"), NAMES),
        st.tuples(st.sampled_from(["begin", "end", "cancel", "speak", "fall silent"])),
        st.tuples(st.just("hear"), st.sampled_from(["Yes.", "No.", "Stop!", "", "Hm, well."])),
        st.tuples(st.just("finish"), st.integers(0, 5)),
        st.tuples(st.just("wait"), st.sampled_from([0.5, 1.0, 5.0, 11.0])),
    ),
    max_size=40,
)


class Server:
    """
    Plays the provider for one dialogue.
    """

    def __init__(self) -> None:
        self.talk = Talk()
        self.active = ""
        self.items: list[dict[str, Any]] = []
        self.known: set[str] = set()
        self.answered: set[str] = set()
        self.begun: list[dict[str, Any]] = []
        self.number = 0
        self.read = len(self.talk.sent)
        self.speech = ""
        self.ended: set[str] = set()

    def step(self, kind: str, *how: Any) -> None:
        match kind:
            case "begin" if not self.active:
                self.begin({})
            case "call" | "half" if self.active:
                self.item(how[0], "completed" if kind == "call" else "incomplete")
            case "end" if self.active:
                self.finish("completed")
            case "cancel" if self.active:
                self.finish("cancelled")
            case "speak" if not self.speech:
                self.speech = self.new("u")
                self.talk.hear(speech(self.speech))
            case "fall silent" if self.speech:
                self.fall_silent("")
            case "hear" if self.speech:
                self.fall_silent(how[0])
            case "finish":
                self.end_execution(how[0])
            case "wait":
                self.talk.wait(how[0])
        self.take()

    def new(self, prefix: str) -> str:
        self.number += 1
        return f"{prefix}{self.number}"

    def begin(self, asked: dict[str, Any]) -> None:
        self.active, self.items = self.new("r"), []
        self.talk.hear(created(self.active, metadata=asked.get("metadata")))
        if asked.get("instructions"):
            self.items.append(message(asked["instructions"]))

    def item(self, name: str, status: str) -> None:
        one = item(self.new("c"), name, {"which": "x"}, status=status)
        self.known.add(one["call_id"])
        self.items.append(one)
        self.talk.hear(item_done(self.active, one))

    def finish(self, status: str) -> None:
        response_id, self.active = self.active, ""
        self.talk.hear(done(response_id, *self.items, status=status))

    def fall_silent(self, text: str) -> None:
        item_id, self.speech = self.speech, ""
        self.talk.hear(committed(item_id), transcript(item_id, text))

    def end_execution(self, index: int) -> None:
        running = [each.key for each in self.talk.executed if each.key not in self.ended]
        if running:
            key = running[index % len(running)]
            self.ended.add(key)
            self.talk.end(key)

    def take(self) -> None:
        """
        Read what was sent, as strictly as the server.
        """
        while self.read < len(self.talk.sent):
            event = self.talk.sent[self.read]
            self.read += 1
            if event["type"] == "conversation.item.create":
                call_id = event["item"]["call_id"]
                assert call_id in self.known - self.answered
                self.answered.add(call_id)
            if event["type"] == "response.create":
                self.create(event.get("response") or {})

    def create(self, asked: dict[str, Any]) -> None:
        if (asked.get("metadata") or {}).get(MARK) == FILLER:
            response_id = self.new("f")
            marked: dict[str, Any] = {"metadata": asked["metadata"]}
            self.talk.hear(created(response_id, **marked), done(response_id, **marked))
            return
        assert not self.active, "a response is active already"
        assert not self.speech, "the user is speaking"
        self.begin(asked)


@few
@given(STEPS)
def test_every_call_is_answered_once_and_nobody_speaks_over_another(steps: list[Any]) -> None:
    server = Server()

    for each in steps:
        server.step(*each)
    if server.speech:
        server.step("fall silent")
    for _ in range(30):
        server.step("end")
        server.step("finish", 0)
        server.step("wait", 11.0)

    assert server.known == server.answered
    assert not any(_destroys(each) for each in server.talk.executed)
    assert server.talk.dialogue.wake() is None


def _destroys(deed: Execute) -> bool:
    """
    Nobody passes on a yes in these dialogues, however often one is said.
    """
    return deed.tool == "delete"
