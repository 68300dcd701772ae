"""
Runs executions of hosted tools at their hosts, and all others underneath.

Theory of operation.  It stands in the place of the innermost executor: what is around it (screens,
redaction, charges, retries, approvals, time, records) treats a hosted tool as any.  A host that
goes away ends the attempt as `lost`; whether another attempt follows, at another host, is for the
layer that retries to say.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import endings
from toolcell_server.hosts import endings as hosted_endings
from toolcell_server.hosts.group import NoHost
from toolcell_server.result_check import check_result
from toolcell_server.stopping import StoppedWaiting, unless_stopped

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell_server.execution import Execution
    from toolcell_server.executor import Executor
    from toolcell_server.hosts.host import Host
    from toolcell_server.hosts.hosts import Hosts
    from toolcell_server.validation import Validation


class HostedExecutor:
    """
    Chooses by the tool: at a host, or the executor underneath.
    """

    def __init__(self, base: Executor, hosts: Hosts, validation: Validation) -> None:
        self._base = base
        self._hosts = hosts
        self._validation = validation

    def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        if not execution.tool.hosted:
            return self._base.execute(execution)
        return self._at_host(execution)

    async def _at_host(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        host = await self._host(execution)
        if isinstance(host, pb.Outcome):
            yield pb.ExecuteResponse(finished=pb.Finished(outcome=host, usage=pb.Usage()))
            return
        call = host.begin(execution)
        with call.attended():
            yield call.started()
            while (event := await call.events.get()) is not None:
                yield event
                call.taken()
        finished = call.finished()
        await check_result(self._validation, execution.tool, finished)
        yield pb.ExecuteResponse(finished=finished)

    async def _host(self, execution: Execution) -> Host | pb.Outcome:
        """
        A host with a place for it, or the outcome without one.
        """
        group = self._hosts.of(execution.tool)
        if group is None:
            return hosted_endings.nobody()
        if (host := group.kept(execution.execution_id)) is not None:
            return host
        seconds = self._hosts.settings.queue_seconds
        try:
            async with asyncio.timeout(seconds):
                turn = group.turn(execution.execution_id)
                return await unless_stopped(turn, execution, lambda host: host.give_back())
        except StoppedWaiting:
            return endings.cancelled(execution.stop.reason)
        except NoHost:
            return hosted_endings.nobody()
        except TimeoutError:
            return hosted_endings.busy(seconds)
