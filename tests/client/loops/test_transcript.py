"""
What is written down of a conversation.
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from toolcell_client.formats.turns import Tokens
from toolcell_client.loops.entries import (
    KINDS,
    ApprovalAsked,
    ApprovalDecided,
    CallAnswered,
    Ended,
    Entry,
    ModelFailed,
    ModelSaid,
    UserSaid,
    Withheld,
    entry_of,
)
from toolcell_client.loops.transcript import Transcript

ENTRIES: list[Entry] = [
    UserSaid(time=1.5, text="Hi."),
    ModelSaid(
        model="m", text="I see.", stop="calls", calls=1, tokens=Tokens(input=3), cost=Decimal("0.1")
    ),
    CallAnswered(
        call_id="c",
        tool="look",
        arguments={"at": "x"},
        execution_id="e",
        outcome="completed",
        seconds=0.25,
        truncated=True,
        answer="seen",
    ),
    ApprovalAsked(call_id="c", tool="mail", summary="Sends."),
    ApprovalDecided(call_id="c", tool="mail", approved=False),
    ModelFailed(error="Busy", message="429"),
    Ended(stop_reason="end", steps=2),
    Withheld(of="user"),
]
TEXT = """\
user: Hi.
m [calls, 3+0 tokens, 0.1]: I see. (1 calls)
  look({"at": "x"}) completed in 0.250 s, truncated: seen
  mail waits for a yes: Sends.
  mail was denied
model failed: Busy: 429
ended: end after 2 steps
(user, withheld)"""


def test_every_kind_is_here() -> None:
    assert {each.kind for each in ENTRIES} == set(KINDS)


@pytest.mark.parametrize("entry", ENTRIES, ids=[each.kind for each in ENTRIES])
def test_an_entry_comes_back_from_json(entry: Entry) -> None:
    assert entry_of(json.loads(json.dumps(entry.to_plain()))) == entry


def test_a_transcript_is_text_lines_and_json() -> None:
    made = Transcript(ENTRIES)
    assert made.text == TEXT
    assert [json.loads(each)["kind"] for each in made.to_json().splitlines()] == [
        each.kind for each in ENTRIES
    ]
    assert list(Transcript.of_plain(json.loads(json.dumps(made.to_plain())))) == ENTRIES


def test_a_hook_changes_and_drops_entries() -> None:
    def redact(entry: Entry) -> Entry | None:
        if isinstance(entry, UserSaid):
            return replace(entry, text="…")
        return None if isinstance(entry, ModelSaid) else entry

    made = Transcript(redact=redact)
    for each in ENTRIES[:3]:
        made.add(each)
    assert list(made) == [UserSaid(time=1.5, text="…"), ENTRIES[2]]


def test_a_hook_that_fails_leaks_nothing() -> None:
    def redact(_: Entry) -> Entry:
        raise KeyError

    made = Transcript(redact=redact)
    made.add(ENTRIES[0])
    assert list(made) == [Withheld(time=1.5, of="user")]


def test_the_oldest_entries_are_dropped_and_counted() -> None:
    made = Transcript(ENTRIES, maximum_entries=3)
    assert (len(made), made.dropped) == (3, len(ENTRIES) - 3)
    assert made.text.startswith("… 5 earlier entries dropped …")
    assert Transcript.of_plain(made.to_plain()).dropped == 5


def test_long_texts_lose_their_middle() -> None:
    made = Transcript(maximum_characters=100)
    made.add(UserSaid(text="x" * 10_000))
    made.add(CallAnswered(call_id="c", tool="t", arguments={"a": "y" * 9_000}, answer="z" * 9_000))
    assert len(made.to_json()) < 1_000


def test_what_a_terminal_obeys_is_not_shown() -> None:
    made = Transcript([UserSaid(text="\x1b[2J\x9b1m"), ModelFailed(error="E", message="\x07")])
    assert made.text == "user: ?[2J?1m\nmodel failed: E: ?"


@pytest.mark.parametrize("plain", [{"kind": "dance"}, {}, {"kind": "user", "words": ""}])
def test_what_is_no_entry_is_refused(plain: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="entry of kind"):
        entry_of(plain)
