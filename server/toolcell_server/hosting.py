"""
Keeps one bundle's zygote alive: starts it, proves its walls, starts another when it has died, and
another beside it when the bundle is to be loaded again.

Theory of operation.  A bundle is served by *generations*, a zygote each, of which the newest is the
current one.  A reload starts the next beside it, and proves it as at a start; only then, and in one
step, its catalogue replaces the one before, and calls from now on get their cells from it.  Calls
that run end where they began.  The generation before stays as long as one of its tools outlives the
reload (`bundles/outliving.py`), as a call of it runs, and for a moment in which calls that were
admitted as it was get their turn.  A reload that fails leaves everything as it was.

One thing at a time changes which generation is the current one, a reload or the start of another
in place of one that died: whoever comes second finds what the first has done.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from toolcell_server.bundles.elders import Elders
from toolcell_server.bundles.generation import LINGER_SECONDS, Generation
from toolcell_server.bundles.outliving import Loaded
from toolcell_server.bundles.standing import Standing
from toolcell_server.control_groups import ControlGroups
from toolcell_server.shutdown import unless
from toolcell_server.warm_cells import WarmCells
from toolcell_server.zygote import Zygote, ZygoteFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from toolcell_server.bundles.bundle import Bundle
    from toolcell_server.isolation import Isolation
    from toolcell_server.slots import Slots

FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 30.0
SETTLED_SECONDS: Final = 10.0  # arbitrary; a zygote that lived so long did not die of its start

_log = logging.getLogger(__name__)


class Publish(Protocol):
    """
    Takes each catalogue that was loaded, for a bundle that does not load one that says why; with
    the number of its generation, and of those before it that live.

    Returns:
        The generations that serve a tool now.
    """

    def __call__(
        self, bundle: str, catalogue: dict[str, Any], loaded: Loaded, /
    ) -> Collection[int]: ...


class Hosting:
    """
    One bundle, and its zygotes of the moment.
    """

    def __init__(
        self,
        bundle: Bundle,
        slots: Slots,
        publish: Publish,
        restarted: Callable[[str], None],
        groups: ControlGroups | None = None,
        *,
        linger_seconds: float = LINGER_SECONDS,
    ) -> None:
        self.bundle = bundle
        self._slots = slots
        self._publish = publish
        self._restarted = restarted
        self._standing = Standing(bundle, slots, groups or ControlGroups())
        self._elders = Elders(self._lost, linger_seconds)
        self._numbers = 0
        self._current: Generation | None = None
        self._changed = asyncio.Event()
        self._failure: ZygoteFailed | None = None
        self._changing = asyncio.Lock()
        self._keeping: asyncio.Task[None] | None = None

    @property
    def bare(self) -> bool:
        """
        Whether its cells are without namespaces, and so without mounts.
        """
        return self._standing.bare

    @property
    def isolation(self) -> Isolation:
        """
        The walls of its cells, as last proved.
        """
        return self._standing.isolation

    async def start(self) -> None:
        """
        Start the zygote, and return when it serves or has failed once.
        """
        self._keeping = asyncio.create_task(self._keep())
        await self._changed.wait()

    @property
    def failure(self) -> ZygoteFailed | None:
        """
        Why the bundle cannot be served; nothing if it can.
        """
        return self._failure

    def serving(self, number: int = 0) -> Generation | None:
        """
        The generation of that number while it lives, or else the current one, if that does.
        """
        elder = self._elders.living(number) if number else None
        if elder is None and self._current is not None and self._current.lives:
            return self._current
        return elder

    async def generation(self) -> Generation:
        """
        The generation that serves now; waits for the next one if the last has just died.

        Raises:
            ZygoteFailed: the bundle cannot be served.
        """
        while True:
            if generation := self.serving():
                return generation
            if self._failure is not None:
                raise self._failure
            self._changed.clear()
            await self._changed.wait()

    async def zygote(self) -> Zygote:
        """
        As `generation`, its zygote.

        Raises:
            ZygoteFailed: the bundle cannot be served.
        """
        return (await self.generation()).zygote

    async def reload(self) -> None:
        """
        Load the bundle again, and serve what was loaded; whatever fails, it is served as it was.

        Raises:
            ZygoteFailed: it could not be loaded; says why.
        """
        async with self._changing:
            await self._elders.make_room()
            self._succeed(await self._standing.stand())

    async def aclose(self) -> None:
        """
        End every zygote, and with them every cell.
        """
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        await self._elders.aclose()
        if self._current is not None:
            await self._current.aclose()

    async def _keep(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            began = time.monotonic()
            if await self._stand_up():
                await self._until_dead()
            self._restarted(self.bundle.name)
            if time.monotonic() - began > SETTLED_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _stand_up(self) -> bool:
        """
        See to it that a generation serves; false if there is none.
        """
        name = self.bundle.name
        async with self._changing:
            if self.serving() is not None:  # a reload was faster
                return True
            try:
                self._succeed(await self._standing.stand())
            except ZygoteFailed as exc:
                _log.warning("bundle %s cannot be served: %s", name, exc)
                self._failure = exc
                self._publish(name, _broken(name, str(exc)), Loaded(0, self._elders.numbers))
                self._changed.set()
                return False
        return True

    def _succeed(self, zygote: Zygote) -> None:
        """
        Make a zygote the current generation.
        """
        self._numbers += 1
        warm = WarmCells(zygote, self._slots, self.bundle.warmth)
        before, self._current = self._current, Generation(self._numbers, zygote, warm)
        self._failure, self._standing.settled = None, True
        if before is not None:
            self._elders.take(before)
        loaded = Loaded(self._numbers, self._elders.numbers)
        self._elders.keep(self._publish(self.bundle.name, zygote.catalogue, loaded))
        self._changed.set()

    async def _until_dead(self) -> None:
        """
        Until the current generation has died, whichever that is by then.
        """
        while (current := self._current) is not None and current.lives:
            self._changed.clear()
            await unless(self._changed, current.zygote.died.wait())
        _log.warning("the zygote of bundle %s died; starting another", self.bundle.name)
        if current is not None:
            await current.aclose()

    def _lost(self) -> None:
        """
        A generation that served what no longer loads has died: what it served is broken.
        """
        if (current := self._current) is None:
            return
        name, failure = self.bundle.name, self._failure
        catalogue = _broken(name, str(failure)) if failure else current.zygote.catalogue
        loaded = Loaded(current.number, self._elders.numbers)
        self._elders.keep(self._publish(name, catalogue, loaded))


def _broken(name: str, reason: str) -> dict[str, Any]:
    broken = [{"name": name, "file": "", "reason": reason}]
    return {"tools": [], "broken": broken, "failed": reason}
