"""
Takes events out of an outbox, as an executor does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from toolcell.v1 import execution_pb2 as pb
    from toolcell_server.outbox import Outbox


async def everything(outbox: Outbox) -> AsyncIterator[pb.ExecuteResponse]:
    """
    Every event until the outbox has ended.
    """
    while (event := await outbox.get()) is not None:
        yield event
