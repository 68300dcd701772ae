"""
What happened in a conversation, for people and programs that look at it afterwards.

Theory of operation.  The history is what the provider is sent, in its format and whole; the
transcript is what happened, in one format for all providers, and may be kept where the history may
not.  So it is bounded: long texts lose their middle, and beyond `maximum_entries` the oldest are
dropped and counted.  `redact` sees an entry before it is kept, and returns it, another one, or None
to keep nothing; if it raises, only the entry's kind is kept: a hook that fails must not leak.
A token of an approval is in no entry.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from toolcell_client.loops.entries import (
    CallAnswered,
    Entry,
    ModelSaid,
    UserSaid,
    Withheld,
    entry_of,
)
from toolcell_client.loops.transcript_text import rendered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAXIMUM_ENTRIES = 10_000  # arbitrary; a conversation of days
MAXIMUM_CHARACTERS = 8_000  # arbitrary; of one text in one entry

Redact = Callable[[Entry], Entry | None]


class Transcript:
    """
    The entries of one conversation, oldest first.  `dropped` counts those that are kept no more.
    """

    def __init__(
        self,
        entries: Iterable[Entry] = (),
        *,
        redact: Redact | None = None,
        maximum_entries: int = MAXIMUM_ENTRIES,
        maximum_characters: int = MAXIMUM_CHARACTERS,
    ) -> None:
        if maximum_entries < 1 or maximum_characters < 1:
            raise ValueError("transcript: maximum_entries and maximum_characters must be positive")
        self.dropped = 0
        self._redact = redact
        self._characters = maximum_characters
        self._entries: deque[Entry] = deque(maxlen=maximum_entries)
        for each in entries:
            self._keep(each)

    def add(self, entry: Entry) -> None:
        """
        Keep an entry, redacted and shortened.
        """
        redacted = self._redacted(entry)
        if redacted is not None:
            self._keep(_shortened(redacted, self._characters))

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def to_plain(self) -> dict[str, Any]:
        """
        As JSON, for `Transcript.of_plain`.
        """
        return {"dropped": self.dropped, "entries": [each.to_plain() for each in self]}

    @classmethod
    def of_plain(cls, plain: dict[str, Any], redact: Redact | None = None) -> Transcript:
        """
        Raises:
            ValueError: an entry is none.
        """
        made = cls(map(entry_of, plain.get("entries", ())), redact=redact)
        made.dropped += plain.get("dropped", 0)
        return made

    def to_json(self) -> str:
        """
        As JSON lines: one entry a line.
        """
        return "".join(f"{json.dumps(each.to_plain(), ensure_ascii=False)}\n" for each in self)

    @property
    def text(self) -> str:
        """
        For people to read.
        """
        first = [f"… {self.dropped} earlier entries dropped …"] if self.dropped else []
        return "\n".join([*first, *map(rendered, self)])

    def _keep(self, entry: Entry) -> None:
        self.dropped += len(self._entries) == self._entries.maxlen
        self._entries.append(entry)

    def _redacted(self, entry: Entry) -> Entry | None:
        if self._redact is None:
            return entry
        try:
            return self._redact(entry)
        except Exception:  # noqa: BLE001  # whatever it raises, nothing of the entry may be kept
            return Withheld(time=entry.time, of=entry.kind)


def _shortened(entry: Entry, characters: int) -> Entry:
    if isinstance(entry, CallAnswered):
        arguments = json.dumps(entry.arguments, ensure_ascii=False, default=str)
        kept = entry.arguments if len(arguments) <= characters else _cut(arguments, characters)
        return replace(entry, answer=_cut(entry.answer, characters), arguments=kept)
    if isinstance(entry, UserSaid | ModelSaid):
        return replace(entry, text=_cut(entry.text, characters))
    return entry


def _cut(text: str, characters: int) -> str:
    if len(text) <= characters:
        return text
    half = characters // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"
