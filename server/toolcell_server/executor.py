"""
The one interface of the executor chain: one behaviour per file, wired in `wiring.py`.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from toolcell.v1 import execution_pb2 as pb

    from toolcell_server.execution import Execution


class Executor(Protocol):
    """
    Runs one execution and yields what happens.
    """

    def execute(self, execution: Execution) -> AsyncIterator[pb.ExecuteResponse]:
        """
        Yield events with only their `event` set; `finished` is last, exactly once.

        An implementation is an asynchronous generator.  Closing it, or cancelling the task that
        runs it, ends the cell before it returns.  Once `execution.stop` is requested it ends soon,
        as `cancelled` with that reason.  It may be kept waiting at a `yield`, so its clocks must
        not depend on being resumed.  It does not close the execution: whoever started it does.
        """
        ...


def closing(
    events: AsyncIterator[pb.ExecuteResponse],
) -> contextlib.aclosing[AsyncGenerator[pb.ExecuteResponse, Any]]:
    """
    Close what `execute` returned on leaving, now: an abandoned generator is closed whenever the
    garbage collector gets to it, and until then its cell lives.
    """
    return contextlib.aclosing(cast("AsyncGenerator[pb.ExecuteResponse, Any]", events))
