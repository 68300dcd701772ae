"""
Who waits, and whose turn is next.  Pure; no clock.

Theory of operation.  Calls are counted by *share*: the principal's, or the connection's as long as
nobody is known by name.  Two things are shared, and one flood must take neither from the others.

*Turns.*  The next turn is that of the share with the fewest executions running, and among those of
the one that has waited longest for it; within a share calls keep their order.  A share alone uses
every place, and one that comes later gets each place that becomes free until it has as many.
Shares are kept by how many they run, as an LFU cache keeps its entries.  There are at most
√(2 · running) different numbers, so a turn costs the same however many shares and calls wait.

*Places in the queue.*  What was accepted is never refused later, so nobody can be displaced by who
has a better right; there must be room for him when he comes.  A share may therefore wait with no
more calls than `GREED` times as many as there are free places ("dynamic thresholds", Choudhury and
Hahne 1998): a flood alone fills 4/5 of the queue, two fill 4/9 each, and the next share always
finds some.  Nothing has to be known about how many shares there will be.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

GREED: Final = 4  # arbitrary; leaves one fifth of the queue to others


@dataclass(slots=True)
class Share:
    """
    The calls of one principal or connection; it is forgotten when it has none.
    """

    running: int = 0
    waiting: OrderedDict[str, None] = field(default_factory=OrderedDict)


class Shares:
    """
    Calls by share.  An execution id is in it at most once, waiting or running.
    """

    def __init__(self, queue: int) -> None:
        self.queue = queue
        self.running = 0
        self.waiting = 0
        self.shares_waiting = 0
        self._shares: dict[str, Share] = {}
        self._of: dict[str, str] = {}  # execution → share
        # Those that wait, by how many they run, each in order of when it came to that number.
        self._by_running: dict[int, OrderedDict[str, None]] = {}

    def waiting_of(self, name: str) -> int:
        share = self._shares.get(name)
        return len(share.waiting) if share else 0

    def has_room(self, name: str) -> bool:
        """
        Whether one more call of that share may wait.
        """
        return self.waiting_of(name) < GREED * (self.queue - self.waiting)

    def ahead(self, name: str) -> int:
        """
        At most how many turns come before that of a call that this share adds now.
        """
        own = self.waiting_of(name)
        others = self.shares_waiting - bool(own)
        return min(self.waiting, own + (own + 1) * others)

    def wait(self, name: str, execution_id: str) -> None:
        share = self._shares.setdefault(name, Share())
        self._of[execution_id] = name
        if not share.waiting:
            self._line_up(name, share)
        share.waiting[execution_id] = None
        self.waiting += 1

    def next(self) -> str:
        """
        Whose turn is next; somebody waits.
        """
        name = next(iter(self._by_running[min(self._by_running)]))
        return next(iter(self._shares[name].waiting))

    def start(self, execution_id: str) -> None:
        """
        Let one run that waits.
        """
        name = self._of[execution_id]
        share = self._shares[name]
        self._step_out(name, share)
        del share.waiting[execution_id]
        self.waiting -= 1
        self._count(name, share, +1)

    def run(self, name: str, execution_id: str) -> None:
        """
        Let one run that does not wait.
        """
        share = self._shares.setdefault(name, Share())
        self._of[execution_id] = name
        if share.waiting:
            self._step_out(name, share)
        self._count(name, share, +1)

    def leave(self, execution_id: str) -> bool:
        """
        Forget one, whether it waits or runs; whether it was there.
        """
        if execution_id not in self._of:
            return False
        name = self._of.pop(execution_id)
        share = self._shares[name]
        if share.waiting:
            self._step_out(name, share)
        if execution_id in share.waiting:
            del share.waiting[execution_id]
            self.waiting -= 1
            self._count(name, share, 0)
        else:
            self._count(name, share, -1)
        return True

    def waits(self, execution_id: str) -> bool:
        return execution_id in self._of and execution_id in self._share_of(execution_id).waiting

    def __contains__(self, execution_id: str) -> bool:
        return execution_id in self._of

    def _share_of(self, execution_id: str) -> Share:
        return self._shares[self._of[execution_id]]

    def _count(self, name: str, share: Share, more: int) -> None:
        share.running += more
        self.running += more
        if share.waiting:
            self._line_up(name, share)
        elif not share.running:
            del self._shares[name]

    def _line_up(self, name: str, share: Share) -> None:
        self._by_running.setdefault(share.running, OrderedDict())[name] = None
        self.shares_waiting += 1

    def _step_out(self, name: str, share: Share) -> None:
        line = self._by_running[share.running]
        del line[name]
        self.shares_waiting -= 1
        if not line:
            del self._by_running[share.running]
