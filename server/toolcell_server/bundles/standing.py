"""
Stands up zygotes of one bundle: each has proved its walls before it serves.

What cells are made of is settled once, when the bundle first serves (`makes.py`).
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, Final

from toolcell_server import probing
from toolcell_server.isolation import Isolation
from toolcell_server.makes import Make
from toolcell_server.zygote import Zygote, ZygoteDied, ZygoteFailed

if TYPE_CHECKING:
    from toolcell_server.bundles.bundle import Bundle
    from toolcell_server.control_groups import ControlGroups
    from toolcell_server.slots import Slots

LOAD_SECONDS: Final = 60.0  # arbitrary; importing a large numeric library takes several seconds
# What says that the host is busy, not that it lacks something: nothing is given up for it.
PASSING: Final = {errno.EAGAIN, errno.EINTR, errno.EMFILE, errno.ENFILE, errno.ENOMEM}


class Standing:
    """
    How zygotes of a bundle are started.  `isolation` is what the last of them has proved;
    `settled`, once one has served: others are made like it.
    """

    def __init__(self, bundle: Bundle, slots: Slots, groups: ControlGroups) -> None:
        self.isolation = Isolation.from_reports(())
        self.settled = False
        self._bundle = bundle
        self._slots = slots
        self._groups = groups
        self._make = Make()

    @property
    def bare(self) -> bool:
        """
        Whether its cells are without namespaces, and so without mounts.
        """
        return not self._make.namespaces

    async def stand(self) -> Zygote:
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
                passing = self.settled or exc.errno in PASSING
                weaker = None if passing else self._make.without(exc.wall, str(exc))
                if weaker is None:
                    if not self.settled:
                        self._make = Make()  # the next attempt begins with the strongest again
                    raise
                self._make = weaker

    async def _prove(self, make: Make) -> Zygote:
        instructions = {**self._bundle.instructions, "make": make.told()}
        zygote = await self._start(instructions, make)
        try:
            refused = self._groups.refused
            self.isolation = await probing.prove(zygote, self._slots, make, refused)
        except BaseException as exc:  # cancelled, for one: who asked for it has gone
            zygote.close()
            await zygote.wait_closed()
            if not isinstance(exc, ZygoteDied | ZygoteFailed | OSError):
                raise
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
            group = self._groups.group(self._bundle.name, owner) if make.groups else None
        except OSError as exc:
            raise ZygoteFailed("resources", exc.errno or 0, str(exc)) from exc
        try:
            return await Zygote.start(instructions, self._bundle.python, LOAD_SECONDS, group)
        except BaseException:
            if group is not None:
                group.remove()
            raise
