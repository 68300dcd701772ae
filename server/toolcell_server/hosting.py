"""
Keeps one bundle's zygote alive: starts it, proves its walls, starts another when it has died.

What cells are made of is settled once, when the bundle first serves (`makes.py`).
"""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolcell_server import probing
from toolcell_server.control_groups import ControlGroups
from toolcell_server.isolation import Isolation
from toolcell_server.makes import Make
from toolcell_server.warm_cells import WarmCells
from toolcell_server.warm_kinds import USUAL, Warmth
from toolcell_server.zygote import Zygote, ZygoteDied, ZygoteFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.slots import Slots

_log = logging.getLogger(__name__)

LOAD_SECONDS = 60.0  # arbitrary; importing a large numeric library cold takes several seconds
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 30.0
# What says that the host is busy, not that it lacks something: nothing is given up for it.
PASSING = {errno.EAGAIN, errno.EINTR, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
SETTLED_SECONDS = 10.0  # arbitrary; a zygote that lived so long did not die of its start


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """
    One bundle of the settings, as its zygote is told of it.  `python` is empty for our own
    interpreter.
    """

    name: str
    instructions: dict[str, Any]
    python: str = ""
    warmth: Warmth = USUAL


class Hosting:
    """
    One bundle and its zygote of the moment.

    `publish(bundle name, catalogue)` is called with each catalogue that was loaded; for a bundle
    that does not load, with one that says why.
    """

    def __init__(
        self,
        bundle: Bundle,
        slots: Slots,
        publish: Callable[[str, dict[str, Any]], None],
        restarted: Callable[[str], None],
        groups: ControlGroups | None = None,
    ) -> None:
        self.bundle = bundle
        self._groups = groups or ControlGroups()
        self.isolation = Isolation.from_reports(())
        self._slots = slots
        self._publish = publish
        self._restarted = restarted
        self._zygote: Zygote | None = None
        self._warm: WarmCells | None = None
        self._changed = asyncio.Event()
        self._failure: ZygoteFailed | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._make = Make()
        self._settled = False

    @property
    def bare(self) -> bool:
        """
        Whether its cells are without namespaces, and so without mounts.
        """
        return not self._make.namespaces

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

    def serving(self) -> Zygote | None:
        """
        The zygote that serves now, if one does.
        """
        if self._zygote is not None and not self._zygote.died.is_set():
            return self._zygote
        return None

    async def zygote(self) -> Zygote:
        """
        The zygote that serves now; waits for the next one if the last has just died.

        Raises:
            ZygoteFailed: the bundle cannot be served.
        """
        while True:
            if zygote := self.serving():
                return zygote
            if self._failure is not None:
                raise self._failure
            self._changed.clear()
            await self._changed.wait()

    @property
    def warm(self) -> WarmCells | None:
        """
        The whole cells of the zygote that serves, where cells can be whole in advance.
        """
        return None if self.bare or self.serving() is None else self._warm

    async def aclose(self) -> None:
        """
        End the zygote, and with it every cell.
        """
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        if self._warm is not None:
            await self._warm.aclose()
        if self._zygote is not None:
            self._zygote.close()
            await self._zygote.wait_closed()

    async def _keep(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            began = time.monotonic()
            await self._live_once()
            self._restarted(self.bundle.name)
            if time.monotonic() - began > SETTLED_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _live_once(self) -> None:
        """
        One zygote, from its start to its death.
        """
        name = self.bundle.name
        try:
            zygote = await self._stand()
        except ZygoteFailed as exc:
            _log.warning("bundle %s cannot be served: %s", name, exc)
            self._failure = exc
            self._publish(name, _broken(name, str(exc)))
            self._changed.set()
            return
        self._settled = True
        self._failure = None
        self._zygote, self._warm = zygote, WarmCells(zygote, self._slots, self.bundle.warmth)
        self._publish(name, zygote.catalogue)
        self._changed.set()
        await zygote.died.wait()
        _log.warning("the zygote of bundle %s died; starting another", name)
        await self._warm.aclose()
        await zygote.wait_closed()

    async def _stand(self) -> Zygote:
        """
        A zygote whose cells have proved their walls; at first of the strongest make that this
        host can build, later of that same make.

        Raises:
            ZygoteFailed: there is none.
        """
        while True:
            try:
                return await self._prove(self._make)
            except ZygoteFailed as exc:
                passing = self._settled or exc.errno in PASSING
                weaker = None if passing else self._make.without(exc.wall, str(exc))
                if weaker is None:
                    if not self._settled:
                        self._make = Make()  # the next attempt begins with the strongest again
                    raise
                self._make = weaker

    async def _prove(self, make: Make) -> Zygote:
        instructions = {**self.bundle.instructions, "make": make.told()}
        zygote = await self._start(instructions, make)
        try:
            refused = self._groups.refused
            self.isolation = await probing.prove(zygote, self._slots, make, refused)
        except (ZygoteDied, ZygoteFailed, OSError) as exc:
            zygote.close()
            await zygote.wait_closed()
            wall, code = getattr(exc, "wall", ""), getattr(exc, "errno", 0) or 0
            raise ZygoteFailed(wall, code, f"no cell of it could be built: {exc}") from exc
        return zygote

    async def _start(self, instructions: dict[str, Any], make: Make) -> Zygote:
        """
        Start a zygote, in a control group of its own where there may be one.
        """
        identity = instructions.get("identity")
        owner = int(identity["first"]) if identity else None
        try:
            group = self._groups.group(self.bundle.name, owner) if make.groups else None
        except OSError as exc:
            raise ZygoteFailed("resources", exc.errno or 0, str(exc)) from exc
        try:
            return await Zygote.start(instructions, self.bundle.python, LOAD_SECONDS, group)
        except BaseException:
            if group is not None:
                group.remove()
            raise


def _broken(name: str, reason: str) -> dict[str, Any]:
    broken = [{"name": name, "file": "", "reason": reason}]
    return {"tools": [], "broken": broken, "failed": reason}
