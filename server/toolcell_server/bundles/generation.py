"""
One zygote of a bundle, from when it serves until nothing needs it any more.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from toolcell_server import catalogues
from toolcell_server.shutdown import unless

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_server.warm_cells import WarmCells
    from toolcell_server.zygote import Zygote

LINGER_SECONDS: Final = 30.0  # a call that was admitted as its tool was may still wait for its turn


@dataclass(slots=True, eq=False)
class Generation:
    """
    A zygote with what it serves with.  `leaving`: it serves no tool any more, and ends when the
    calls that it was given have ended.
    """

    number: int
    zygote: Zygote
    warm: WarmCells
    leaving: bool = False
    _held: int = 0
    _unheld: asyncio.Event = field(default_factory=asyncio.Event)
    _hurried: asyncio.Event = field(default_factory=asyncio.Event)
    _dismissed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._unheld.set()

    @property
    def lives(self) -> bool:
        """
        Whether it can make cells.
        """
        return not self.zygote.died.is_set()

    @property
    def idle(self) -> bool:
        """
        Whether no attempt runs in it.
        """
        return self._held == 0

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """
        It is not ended of our own accord as long as the context lasts.
        """
        self._held += 1
        self._unheld.clear()
        try:
            yield
        finally:
            self._held -= 1
            if not self._held:
                self._unheld.set()

    def offers(self, name: str, version: str) -> bool:
        """
        Whether it has loaded that tool.
        """
        return any(
            (catalogues.text(tool, "name"), catalogues.text(tool, "version")) == (name, version)
            for tool in catalogues.entries(self.zygote.catalogue, "tools")
        )

    def dismiss(self) -> None:
        """
        It serves no tool any more.
        """
        self.leaving = True
        self._dismissed.set()

    async def dismissed_or_dead(self) -> None:
        """
        Wait until it serves no tool any more, or has died.
        """
        await unless(self._dismissed, self.zygote.died.wait())

    def hurry(self) -> None:
        """
        Leave without waiting for calls that may still be queued.
        """
        self._hurried.set()

    async def left(self, linger_seconds: float) -> None:
        """
        Wait until nobody can need it: for a while, then for the attempts that run in it.
        """
        if not self.lives:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(linger_seconds):
                await self._hurried.wait()
        await self._unheld.wait()

    async def aclose(self) -> None:
        """
        End the zygote, and with it every cell.
        """
        await self.warm.aclose()
        self.zygote.close()
        await self.zygote.wait_closed()
