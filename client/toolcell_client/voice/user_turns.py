"""
What the user said, and when it began.  Pure.

Theory of operation.  Time here is the order of events: `place` counts them.  Of a turn four things
are known, each by its own event and in this order, but for the last, which may come much later:
that speech began, that the audio was committed, and what was transcribed.  Without voice activity
detection nothing says when speech began; then it is where the audio was committed.  If something
else is committed than what began, the turn is as old as the oldest that is open: too old is safe,
because only what began late enough may be a yes.
"""

from __future__ import annotations

from dataclasses import dataclass

MOST_TURNS = 64  # arbitrary; the latest


@dataclass(slots=True)
class UserTurn:
    """
    `transcript` None: none has come yet.  `committed` 0: the user still speaks.  `failed`: there
    will be none, so whatever was said is not known; it may have been a no.
    """

    item_id: str
    began: int
    committed: int = 0
    transcript: str | None = None
    failed: bool = False


class UserTurns:
    """
    The latest turns.
    """

    def __init__(self) -> None:
        self._turns: dict[str, UserTurn] = {}

    def started(self, item_id: str, place: int) -> None:
        self._keep(UserTurn(item_id, place))

    def committed(self, item_id: str, place: int) -> None:
        turn = self._turns.get(item_id)
        if turn is None:
            still_open = [each for each in self._turns.values() if not each.committed]
            for each in still_open:
                del self._turns[each.item_id]
            began = min([each.began for each in still_open], default=place)
            turn = UserTurn(item_id, began)
            self._keep(turn)
        turn.committed = turn.committed or place

    def transcribed(self, item_id: str, transcript: str) -> None:
        turn = self._turns.get(item_id)
        if turn is not None and turn.committed and turn.transcript is None:
            turn.transcript = transcript

    def not_transcribed(self, item_id: str) -> None:
        """
        Nobody can say what a turn was.
        """
        turn = self._turns.get(item_id)
        if turn is not None and turn.committed and turn.transcript is None:
            turn.transcript, turn.failed = "", True

    def dropped(self) -> None:
        """
        The audio was cleared: what had begun is no turn.
        """
        self._turns = {key: each for key, each in self._turns.items() if each.committed}

    def heard(self, text: str, place: int) -> None:
        """
        A turn that the program has heard or read by itself.
        """
        self._keep(UserTurn(f"heard_{place}", place, place, text))

    def after(self, place: int) -> list[UserTurn]:
        """
        Turns that began later, in their order, those that go on included.
        """
        found = [each for each in self._turns.values() if each.began > place]
        return sorted(found, key=lambda each: each.began)

    def _keep(self, turn: UserTurn) -> None:
        self._turns.setdefault(turn.item_id, turn)
        while len(self._turns) > MOST_TURNS:
            del self._turns[next(iter(self._turns))]
