"""
One cell and the egress: its listeners are handed over, and at its end its contacts are asked for.

A cell with a network of its own opens them itself, while its walls are built; the one listener of
a proxy the server has opened already.  The egress may have to be started first: that takes a task,
and what the cell says waits for it.  A cell without a network costs nothing here.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import endings
from toolcell_server.egress_process import EgressFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.egress_process import Attachment, Egress
    from toolcell_server.execution import Execution
    from toolcell_server.proxies import Proxy


class Connecting:
    """
    `denied` takes what the egress denies, `end` ends the cell for a cause, `connected` is called
    when it is connected or cannot be.
    """

    def __init__(
        self,
        egress: Egress,
        execution: Execution,
        *,
        denied: Callable[[pb.Denied], None],
        end: Callable[[pb.Outcome], None],
        connected: Callable[[], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._egress = egress
        self._execution = execution
        self._denied = denied
        self._end = end
        self._connected = connected
        self._failed = failed
        self._attachment: Attachment | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        return self._task is not None

    @property
    def is_used(self) -> bool:
        return self._task is not None or self._attachment is not None

    def connect_proxy(self, proxy: Proxy | None) -> None:
        """
        Let the egress answer at the cell's proxy, if it has one.
        """
        if proxy is not None:
            self.connect(proxy.hand_over(), proxy.token)

    def connect(self, descriptors: tuple[int, ...], token: str = "") -> None:
        """
        Let the egress answer in the cell's own network.
        """
        self._task = asyncio.create_task(self._attach(descriptors, token))
        # Not in the task: one that is cancelled before its first step does not get there.
        self._task.add_done_callback(lambda task: self._settle(task, descriptors))

    async def disconnect(self) -> list[pb.HostContact]:
        """
        End its connections; the hosts that it reached.
        """
        while (task := self._task) is not None:
            task.cancel()
            await asyncio.wait((task,))
        return [] if self._attachment is None else await self._egress.detach(self._attachment)

    async def _attach(self, descriptors: tuple[int, ...], token: str) -> None:
        execution = self._execution
        try:
            self._attachment = await self._egress.attach(
                execution.grant,
                descriptors,
                denied=self._denied,
                spent=self._spent,
                fields={"execution_id": execution.execution_id, "tool": execution.tool.name},
                token=token,
            )
        except EgressFailed as exc:
            self._end(endings.lost(pb.LOST_REASON_WALL_NOT_BUILT, str(exc), "network"))

    def _settle(self, task: asyncio.Task[None], descriptors: tuple[int, ...]) -> None:
        self._task = None
        for descriptor in descriptors:
            os.close(descriptor)
        if not task.cancelled() and (error := task.exception()):
            self._failed(error)
        self._connected()

    def _spent(self, limit: str) -> None:
        self._end(endings.exceeded(limit, self._execution.grant.limits))
