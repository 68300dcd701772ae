"""
What one task makes for one reader, at the reader's pace.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from toolcell_server.refusals import EventsExpired

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine

    from toolcell_server.known import Known

    Put = Callable[[Any], Awaitable[None]]

_AHEAD: Final = 1  # items that wait for the reader: what is made before it asks is memory


class _End(NamedTuple):
    error: Exception | None


async def produced(
    work: Callable[[Put], Coroutine[Any, Any, None]],
) -> AsyncGenerator[Any, None]:
    """
    What `work` puts: whoever puts waits until the reader comes for more.  When the reader leaves,
    the work is cancelled, and has ended; when the work fails, that is the reader's error.
    """
    queue: asyncio.Queue[Any] = asyncio.Queue(_AHEAD)

    async def whole() -> None:
        error = None
        try:
            await work(queue.put)
        except Exception as exc:  # noqa: BLE001  # whatever it is, it is the reader's
            error = exc
        await queue.put(_End(error))

    task = asyncio.create_task(whole())
    try:
        while not isinstance(item := await queue.get(), _End):
            yield item
        if item.error:
            raise item.error
    finally:
        task.cancel()
        await asyncio.wait([task])


async def whole_of(record: Known) -> AsyncGenerator[tuple[bytes, bool], None]:
    """
    The events of an execution to the end, each with whether it is the last.  Those that were
    dropped before this reader came for them (nobody waits for the reader of a detached execution)
    are passed over; their numbers are missing.
    """
    after = 0
    while True:
        reader = record.reader(after)
        try:
            with reader as events:
                async for data in events:
                    yield data, reader.at_end
        except EventsExpired as exc:
            after = int(exc.metadata["earliest_sequence"]) - 1
        else:
            return
