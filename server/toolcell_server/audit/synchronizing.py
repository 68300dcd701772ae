"""
What takes as long as a disk does: it happens in a thread, one at a time, for all who wait.

Theory of operation.  A write reaches the kernel in some microseconds and survives the death of this
process; to survive that of the host it must be written through, which takes milliseconds.  Whoever
must know that waits for `synchronized`; those who come while one is under way share the next.  The
copy of a checkpoint goes out after the records that it speaks of are on the disk: a host that loses
its power must not come back with a log shorter than its checkpoint says.

After an error of fsync the kernel may have dropped the pages (fsync(2), "fsyncgate"), and a later
success says nothing of them; so each error is reported, and a record tells of it.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Synchronizing:
    """
    Writes files through, and puts checkpoints where they belong.  Lives on one event loop.

    `failed` is called with what did not work: `sync` or `checkpoint_file`, and the error.
    """

    def __init__(self, place: Path | None, failed: Callable[[str, OSError], None]) -> None:
        self._place = place
        self._failed = failed
        self._running: asyncio.Task[bool] | None = None
        self._waiting: asyncio.Task[bool] | None = None
        self._checkpoint = b""

    async def synchronized(self, duplicate: Callable[[], int]) -> bool:
        """
        Write the file of which `duplicate` gives a descriptor through to the disk; whether that
        worked.  What was written to it before this call is on the disk then.
        """
        if self._waiting is None:
            self._waiting = asyncio.create_task(self._after(self._running, duplicate))
        return await asyncio.shield(self._waiting)

    def publish(self, checkpoint: bytes) -> None:
        """
        Put that checkpoint in the second place, the next time that the log is on the disk.
        """
        self._checkpoint = checkpoint

    async def idle(self) -> None:
        """
        Wait until nothing is under way.
        """
        while tasks := [task for task in (self._running, self._waiting) if task]:
            await asyncio.wait(tasks)

    async def _after(self, before: asyncio.Task[bool] | None, duplicate: Callable[[], int]) -> bool:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._waiting = self._waiting, None
        checkpoint, self._checkpoint = self._checkpoint, b""
        what = "sync"
        try:
            descriptor = duplicate()
            await asyncio.to_thread(_synchronize, descriptor)
            if checkpoint and self._place:
                what = "checkpoint_file"
                await asyncio.to_thread(put, self._place, checkpoint)
        except OSError as exc:
            self._checkpoint = self._checkpoint or checkpoint
            self._failed(what, exc)
            return False
        finally:
            if self._running is asyncio.current_task():
                self._running = None
        return True


def put(place: Path, checkpoint: bytes) -> None:
    """
    Replace the copy of the checkpoint; the old one or the new one is there at any moment.

    Raises:
        OSError: the old one is.
    """
    temporary = place.with_name(f".{place.name}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(temporary, flags, 0o644), "wb") as file:
        file.write(checkpoint)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(place)


def set_aside(place: Path, now: int) -> None:
    """
    Keep the last checkpoint of a log that does not verify: it is evidence, and must not be
    replaced by that of the next log.

    Raises:
        OSError: it cannot be renamed.
    """
    if place.exists():
        place.rename(place.with_name(f"{place.name}.{now}"))


def _synchronize(descriptor: int) -> None:
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
