"""
All hosts of one tool: which of them a call goes to, and who waits for one.

Theory of operation.  A call reserves at admission, as it would a place for a cell: a place at a
host if one is free, else a place in the queue, else it is refused.  Places in the queue and turns
are shared fairly between callers by the same rules (`shares.py`).  The host is the one that is
least busy for its size, and among equals the one whose last call is longest ago.

A place at a host belongs to the call that it was kept for until that call's last word comes back.
An attempt that follows another asks anew, before those that have not run yet.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from toolcell_server.refusals import NoCapacity
from toolcell_server.shares import Shares

if TYPE_CHECKING:
    from toolcell_server.hosts.host import Host
    from toolcell_server.tool import Tool
    from toolcell_server.wanted import Wanted

RETRY_SECONDS: Final = 1.0  # arbitrary; nobody knows how long a host takes


class NoHost(Exception):  # noqa: N818  # names what happened
    """
    Raised when the last host of a tool is gone.
    """


class Group:
    """
    The hosts of `tool`, and its calls.
    """

    def __init__(self, tool: Tool, queue: int) -> None:
        self.tool = tool
        self._hosts: dict[Host, None] = {}  # the one that has waited longest for a call first
        self._shares = Shares(queue)
        self._kept: dict[str, Host] = {}  # places that wait for their calls to begin
        self._turns: dict[str, asyncio.Future[Host]] = {}  # of calls that wait, in order of asking
        self._again: dict[str, None] = {}  # those of them that had a turn before

    def __len__(self) -> int:
        return len(self._hosts)

    @property
    def waiting(self) -> int:
        """
        How many calls wait for a place.
        """
        return self._shares.waiting + len(self._again)

    def is_only(self, host: Host | None) -> bool:
        """
        Whether nobody but that one offers the tool.
        """
        return all(one is host for one in self._hosts)

    def add(self, host: Host) -> None:
        """
        One more host.
        """
        self._hosts[host] = None

    def remove(self, host: Host) -> None:
        """
        It takes no further calls.  Those that a place was kept for wait for another.
        """
        self._hosts.pop(host, None)
        for execution_id in [one for one, at in self._kept.items() if at is host]:
            del self._kept[execution_id]
            self._again[execution_id] = None
            host.give_back()

    def reserve(self, execution_id: str, wanted: Wanted) -> None:
        """
        Raises:
            NoCapacity: no place is free, and no further call may wait for one.
        """
        if not self.waiting and (host := self._free()) is not None:
            self._shares.run(wanted.share, execution_id)
            self._keep(execution_id, host)
        elif self._shares.has_room(wanted.share):
            self._shares.wait(wanted.share, execution_id)
        else:
            raise NoCapacity(RETRY_SECONDS, "hosts")

    def release(self, execution_id: str) -> None:
        """
        The execution is over, or will not run.  It does nothing where there is none.
        """
        self._again.pop(execution_id, None)
        self._turns.pop(execution_id, None)
        self._shares.leave(execution_id)
        if host := self._kept.pop(execution_id, None):
            host.give_back()

    def kept(self, execution_id: str) -> Host | None:
        """
        The host that has a place for an execution now.
        """
        return self._kept.pop(execution_id, None)

    async def turn(self, execution_id: str) -> Host:
        """
        Wait for a place.  Whoever is cancelled has none.

        Raises:
            NoHost: there is no host any more.
        """
        if (host := self.kept(execution_id)) is not None:
            return host
        if not self._hosts:
            raise NoHost
        if not self._shares.waits(execution_id):
            self._again[execution_id] = None
        turn: asyncio.Future[Host] = asyncio.get_running_loop().create_future()
        self._turns[execution_id] = turn
        self.serve()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                turn.result().give_back()
            raise
        finally:
            self._turns.pop(execution_id, None)
            self._again.pop(execution_id, None)

    def serve(self) -> None:
        """
        Give places that are free to those that wait for them.
        """
        while self.waiting and (host := self._free()) is not None:
            execution_id = self._next()
            self._keep(execution_id, host)
            turn = self._turns.get(execution_id)
            if turn is not None and not turn.done():
                turn.set_result(self._kept.pop(execution_id))

    def abandon(self) -> None:
        """
        There is no host any more: tell those that wait.
        """
        for turn in self._turns.values():
            if not turn.done():
                turn.set_exception(NoHost())

    def _next(self) -> str:
        """
        Whose turn is next; somebody waits.
        """
        if self._again:
            execution_id = next(iter(self._again))
            del self._again[execution_id]
            return execution_id
        execution_id = self._shares.next()
        self._shares.start(execution_id)
        return execution_id

    def _free(self) -> Host | None:
        free = [host for host in self._hosts if host.has_place]
        return min(free, key=lambda host: host.busy / host.concurrency, default=None)

    def _keep(self, execution_id: str, host: Host) -> None:
        host.take_place()
        self._kept[execution_id] = host
        self._hosts[host] = self._hosts.pop(host)  # the last one next time
