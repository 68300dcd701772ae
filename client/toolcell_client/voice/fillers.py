"""
Decides when a silence is long enough for a line, and which.  Pure.

Theory of operation.  A line is due when a call that will be told of has run for `filler_seconds`
and nobody has spoken for as long, and not again before `filler_every_seconds`.  Only a call whose
execution has been heard of counts: a server that is silent is not "still working".  What a tool
says of its progress is a stranger's text; it is shortened, and said by a response that has no
tools, no conversation and no input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_client.voice.speakable import flat

if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolcell_client.voice.calls import Running
    from toolcell_client.voice.options import VoiceOptions

LONGEST = 120  # characters of what a tool says


class Fillers:
    """
    When the last line was said, and how many there were.
    """

    def __init__(self, options: VoiceOptions) -> None:
        self._options = options
        self._last: float | None = None
        self._count = 0
        self._told: dict[str, str] = {}

    def due_at(self, running: Iterable[Running], quiet_since: float) -> float | None:
        """
        When the next line is due.  None: there is nothing to wait for.
        """
        options = self._options
        began = [each.began for each in running if each.alive]
        if not began or options.filler == "off":
            return None
        due = max(min(began), quiet_since) + options.filler_seconds
        if self._last is not None:
            due = max(due, self._last + options.filler_every_seconds)
        return due

    def line(self, running: Iterable[Running], now: float) -> str:
        """
        What is said now: what a tool has newly said, or a phrase.
        """
        self._last = now
        calls = [each for each in running if each.alive]
        self._told = {each.deed.key: self._told.get(each.deed.key, "") for each in calls}
        for each in calls:
            if each.progress and each.progress != self._told[each.deed.key]:
                self._told[each.deed.key] = each.progress
                if line := flat(each.progress)[:LONGEST]:
                    return line
        phrases = self._options.words.fillers
        self._count += 1
        return phrases[(self._count - 1) % len(phrases)]
