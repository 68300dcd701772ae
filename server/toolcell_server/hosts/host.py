"""
One host: the stream of one client, the tools that it offers, and the calls that it runs.

Theory of operation.  What is sent to a host waits for its stream, which writes as fast as the host
reads.  What can wait there is bounded by how many calls it may run at once, and a host that does
not read is gone as soon as it misses its heartbeats.

Calls are found by the number that they have *in this stream*, so that no host can say anything of a
call of another, whatever number it makes up.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from toolcell.v1 import host_pb2

from toolcell_server.hosts.hosted_call import HostedCall
from toolcell_server.refusals import HostProtocolBroken

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.execution import Execution
    from toolcell_server.hosts.owner import Owner
    from toolcell_server.refusals import CallRefused
    from toolcell_server.settings.hosts import HostsSettings
    from toolcell_server.tool import Tool

HEARTBEATS: Final = 3  # arbitrary; so many in a row that are not answered, and a host is gone


class Host:
    """
    `freed` is called when a place is free again, `left` when it takes no further calls.
    """

    def __init__(
        self,
        owner: Owner,
        host_id: str,
        tools: tuple[Tool, ...],
        concurrency: int,
        settings: HostsSettings,
        *,
        freed: Callable[[Host], None],
        left: Callable[[Host], None],
    ) -> None:
        self.owner, self.host_id, self.tools = owner, host_id, tools
        self.concurrency = concurrency
        self.busy = 0
        self.leaving = False
        self.followed = False  # it has been told to make room for another
        self.ended = asyncio.Event()
        self.refusal: CallRefused | None = None  # why its stream ends, if it ends for a cause
        self._settings = settings
        self._freed, self._left = freed, left
        self._calls: dict[int, HostedCall] = {}
        self._last_number = self._turn = 0
        self._asked = self._answered = 0  # heartbeats
        self._outgoing: deque[host_pb2.HostToolsResponse] = deque()
        self._something = asyncio.Event()

    @property
    def has_place(self) -> bool:
        """
        Whether it can take a call now.
        """
        return self.busy < self.concurrency and not self.leaving and not self.ended.is_set()

    @property
    def running(self) -> int:
        """
        How many calls it has not ended.
        """
        return len(self._calls)

    def in_turn(self) -> tuple[Tool, ...]:
        """
        Its tools, each time another one first: none of them has every place that becomes free.
        """
        self._turn = (self._turn + 1) % len(self.tools)
        return (*self.tools[self._turn :], *self.tools[: self._turn])

    def take_place(self) -> None:
        """
        Keep a place for a call; `begin` or `give_back` follows.
        """
        self.busy += 1

    def give_back(self) -> None:
        """
        The place is free again.
        """
        self.busy -= 1
        self._freed(self)

    def begin(self, execution: Execution) -> HostedCall:
        """
        Run a call on the place that was kept for it.
        """
        self._last_number += 1
        call = HostedCall(
            self._last_number,
            execution,
            window_bytes=self._settings.window_bytes,
            grace_seconds=self._settings.cancel_grace_seconds,
            send=self.send,
        )
        if self.ended.is_set():
            call.gone()
            return call
        self._calls[call.number] = call
        call.start()
        return call

    def hear(self, said: host_pb2.HostToolsRequest) -> None:
        """
        Take what the host says.

        Raises:
            HostProtocolBroken: no host may say that.
        """
        kind = said.WhichOneof("message")
        if kind is None:
            return  # of a newer contract
        if kind == "heartbeat":
            self._hear_heartbeat(said.heartbeat.number)
        elif kind == "leaving":
            self.leave()
        elif kind == "offer":
            raise HostProtocolBroken("a second offer; end the stream, and offer in another")
        else:
            self._hear_of_call(said, kind)

    def send(self, response: host_pb2.HostToolsResponse) -> None:
        """
        Let it be sent, in order.
        """
        if not self.ended.is_set():
            self._outgoing.append(response)
            self._something.set()

    async def next(self) -> host_pb2.HostToolsResponse:
        """
        What is to be sent next.
        """
        while not self._outgoing:
            self._something.clear()
            await self._something.wait()
        return self._outgoing.popleft()

    def ask(self) -> bool:
        """
        Ask for a sign of life; false: it has missed too many.
        """
        if self._asked - self._answered >= HEARTBEATS:
            return False
        self._asked += 1
        heartbeat = host_pb2.HostHeartbeat(number=self._asked)
        self.send(host_pb2.HostToolsResponse(heartbeat=heartbeat))
        return True

    def drain(self) -> None:
        """
        Tell it that another stream should follow this one, or that no further call comes.
        """
        self.followed = True
        self.send(host_pb2.HostToolsResponse(draining=host_pb2.HostDraining()))

    def leave(self) -> None:
        """
        No further call goes to it, and it ends when those that run have.
        """
        if not self.leaving:
            self.leaving = True
            self._left(self)
            self._end_if_idle()

    def end(self, refusal: CallRefused | None = None) -> None:
        """
        It is gone, and so are its calls; the first cause counts.
        """
        if self.ended.is_set():
            return
        self.refusal = refusal
        self.ended.set()
        self._outgoing.clear()
        calls, self._calls = self._calls, {}
        for call in calls.values():
            call.gone()

    def _hear_heartbeat(self, number: int) -> None:
        if number > self._asked:
            raise HostProtocolBroken(f"an answer to heartbeat {number}, which was never sent")
        self._answered = max(self._answered, number)

    def _hear_of_call(self, said: host_pb2.HostToolsRequest, kind: str) -> None:
        call = self._calls.get(said.call)
        if call is None:
            ended = 0 < said.call <= self._last_number
            why = "has ended" if ended else "this stream was never given"
            raise HostProtocolBroken(f"{kind} of call {said.call}, which {why}")
        if call.hear(said, kind):
            del self._calls[said.call]
            self.give_back()
            self._end_if_idle()

    def _end_if_idle(self) -> None:
        if self.leaving and not self._calls:
            self.end()
