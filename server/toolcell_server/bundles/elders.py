"""
The generations of a bundle before the current one: those that still serve a tool, and those that
only wait for their last calls.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from toolcell_server.zygote import ZygoteFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from toolcell_server.bundles.generation import Generation

MAXIMUM: Final = 4  # arbitrary; each has the memory of a zygote


class Elders:
    """
    `lost` is called when one has died that served a tool.
    """

    def __init__(self, lost: Callable[[], None], linger_seconds: float) -> None:
        self._lost = lost
        self._linger_seconds = linger_seconds
        self._known: dict[int, Generation] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    @property
    def numbers(self) -> frozenset[int]:
        """
        Those that live and serve, or could.
        """
        return frozenset(
            number for number, one in self._known.items() if one.lives and not one.leaving
        )

    def living(self, number: int) -> Generation | None:
        """
        The generation of that number, while it can make cells.
        """
        found = self._known.get(number)
        return found if found is not None and found.lives else None

    def take(self, generation: Generation) -> None:
        """
        Take the one that was the current generation.
        """
        self._known[generation.number] = generation

    def keep(self, needed: Collection[int]) -> None:
        """
        Keep those that are needed, and let the others leave.
        """
        for number, one in self._known.items():
            if number not in needed or not one.lives:
                one.dismiss()
            if number not in self._tasks:
                self._tasks[number] = asyncio.create_task(self._attend(one))

    async def make_room(self) -> None:
        """
        See to it that there is room for one more.

        Raises:
            ZygoteFailed: all serve a tool or run calls.
        """
        idle = [one for one in self._known.values() if one.leaving and one.idle]
        for one in idle[: max(0, len(self._known) - MAXIMUM + 1)]:
            one.hurry()
            await asyncio.wait([self._tasks[one.number]])
        if len(self._known) >= MAXIMUM:
            reason = (
                f"{MAXIMUM} earlier versions of the bundle run calls or serve tools whose files do"
                " not load; mend those, or wait until the calls have ended"
            )
            raise ZygoteFailed("", 0, reason)

    async def aclose(self) -> None:
        """
        End all of them.
        """
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await asyncio.gather(*(one.aclose() for one in self._known.values()))
        self._known.clear()

    async def _attend(self, one: Generation) -> None:
        """
        End a generation when it is no longer needed, or has died.
        """
        await one.dismissed_or_dead()
        if not one.leaving:
            one.leaving = True
            self._lost()
        await one.left(self._linger_seconds)
        await one.aclose()
        del self._known[one.number], self._tasks[one.number]
