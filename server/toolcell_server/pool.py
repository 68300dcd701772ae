"""
Where cells come from: the keeper, and a zygote for each bundle.

The pool turns a grant into what a cell needs: a slot, opened paths, the binary frame.  It owns the
programs of the worker's room, and nothing survives `aclose`.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
from typing import TYPE_CHECKING

from toolcell_server.grants import OpenedMount
from toolcell_server.hosting import Hosting
from toolcell_server.keeper import Keeper, KeeperFailed, close_all
from toolcell_server.lease import Lease, cell_grant
from toolcell_server.refusals import KeeperDown, PathNotAllowed
from toolcell_server.slots import Slots
from toolcell_server.stopping import unless_stopped
from toolcell_server.zygote import ZygoteFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

    from toolcell_server.bundles.bundle import Bundle
    from toolcell_server.bundles.generation import Generation
    from toolcell_server.control_groups import ControlGroups
    from toolcell_server.execution import Execution
    from toolcell_server.grants import Grant, PathGrant
    from toolcell_server.hosting import Publish
    from toolcell_server.isolation import Isolation
    from toolcell_server.keeper import Opened
    from toolcell_server.tool import Tool
    from toolcell_server.warm_cells import WarmCells
    from toolcell_server.warm_kinds import WarmCell


class Pool:
    """
    The keeper, the zygotes, and the slots of their cells.
    """

    def __init__(
        self,
        bundles: Sequence[Bundle],
        keeper: Keeper,
        publish: Publish,
        restarted: Callable[[str], None],
        groups: ControlGroups | None = None,
    ) -> None:
        self.keeper = keeper
        self._groups = groups
        self._slots = Slots()
        self._hostings = {
            bundle.name: Hosting(bundle, self._slots, publish, restarted, groups)
            for bundle in bundles
        }

    async def start(self) -> None:
        """
        Start everything, and return when each bundle serves or has said why it cannot.

        Raises:
            KeeperFailed: no path could ever be granted here.
        """
        if self._groups is not None:
            self._groups.open()  # before there is another process, which would stay behind
        await self.keeper.start()
        await asyncio.gather(*(hosting.start() for hosting in self._hostings.values()))

    async def reload(self, bundle: str) -> None:
        """
        Load a bundle again, and serve what was loaded; whatever fails, it is served as it was.

        Raises:
            KeyError: there is no such bundle.
            ZygoteFailed: it could not be loaded; says why.
        """
        await self._hostings[bundle].reload()

    async def aclose(self) -> None:
        """
        End the keeper, every zygote and every cell.
        """
        await asyncio.gather(*(hosting.aclose() for hosting in self._hostings.values()))
        self.keeper.close()
        if self._groups is not None:
            await asyncio.to_thread(self._groups.close)

    def isolation(self, bundle: str) -> Isolation:
        """
        The walls of that bundle's cells, as last proved.
        """
        return self._hostings[bundle].isolation

    def unbuilt(self) -> ZygoteFailed | None:
        """
        The wall that keeps every bundle from being served; nothing if one is, or if it is not for
        a wall.
        """
        failures = [hosting.failure for hosting in self._hostings.values()]
        if not all(failures):
            return None
        return next((failure for failure in failures if failure and failure.wall), None)

    async def open(
        self, grant: Grant, bundle: str, resources: contextlib.ExitStack
    ) -> tuple[OpenedMount, ...]:
        """
        Open the paths of a grant for a cell of that bundle; what is opened is given back when
        `resources` are closed.  A path that does not exist is left out: the tool will not find it
        either.

        Raises:
            PathNotAllowed: a path is not what may be granted; says why.
            KeeperDown: the keeper is not there to ask.
        """
        if not grant.paths:
            return ()
        slot = self._slots.take()
        resources.callback(self._slots.give_back, slot)
        try:
            bare = self._hostings[bundle].bare
            opened = await self.keeper.open(grant.paths, slot, bare=bare)
        except KeeperFailed as exc:
            raise KeeperDown from exc
        resources.callback(close_all, opened)
        for path, answer in zip(grant.paths, opened, strict=True):
            _check(path, answer, grant)
        return tuple(
            OpenedMount(
                path=path,
                directory=answer.directory,
                descriptor=answer.descriptor,
                expected=answer.expected,
                slot=slot,
            )
            for path, answer in zip(grant.paths, opened, strict=True)
            if answer.status == "opened"
        )

    @contextlib.asynccontextmanager
    async def lease(self, execution: Execution) -> AsyncIterator[Lease]:
        """
        A zygote, a slot and the opened paths for one attempt.

        Raises:
            StoppedWaiting: the execution was asked to stop while no zygote served, or no cell was
                ready.
            ZygoteDied: the zygote died over the cell that it was to make.
            ZygoteFailed: the bundle cannot be served, or a path is no longer what was admitted.
        """
        hosting, tool = self._hostings[execution.tool.bundle], execution.tool
        if (generation := hosting.serving(tool.generation)) is None:
            generation = await unless_stopped(hosting.generation(), execution)
        if tool.generation not in (0, generation.number):
            _check_offered(tool, generation)
        mounts = execution.grant.mounts
        environment = hosting.bundle.instructions.get("environment", {})
        isolation = hosting.isolation.of_call(report_only=execution.grant.report_only)
        report, zygote = isolation.to_proto(), generation.zygote
        if not (hosting.bare or execution.grant.paths):
            with generation.held():
                async with self._warm(generation.warm, execution, environment) as cell:
                    yield Lease(zygote, cell.slot, report, (), environment, warm=cell)
            return
        with generation.held(), self._slot(mounts) as slot, contextlib.ExitStack() as resources:
            if execution.attempt > 1:  # a detached tree can be attached once
                mounts = await self._reopen(mounts, slot, hosting.bare, resources)
            trees = [opened.descriptor for opened in mounts if opened.descriptor >= 0]
            yield Lease(zygote, slot, report, trees, environment, hosting.bare)

    @contextlib.asynccontextmanager
    async def _warm(
        self, cells: WarmCells, execution: Execution, environment: Mapping[str, str]
    ) -> AsyncIterator[WarmCell]:
        """
        A cell that needs nothing more than its call.
        """
        grant = execution.grant
        kind = cells.kind(grant, lambda: cell_grant(grant, environment))
        cell = cells.take(kind)
        if cell is None:
            cell = await unless_stopped(cells.next(kind), execution, cells.end_soon)
        try:
            yield cell
        finally:
            await cells.end_call(cell)

    async def _reopen(
        self,
        mounts: tuple[OpenedMount, ...],
        slot: int,
        bare: bool,  # noqa: FBT001  # private
        resources: contextlib.ExitStack,
    ) -> tuple[OpenedMount, ...]:
        """
        The same files once more; never what has their names by now.
        """
        try:
            paths = [mount.path for mount in mounts]
            opened = await self.keeper.open(paths, slot, bare=bare)
        except KeeperFailed as exc:
            raise ZygoteFailed("", 0, str(exc)) from exc
        resources.callback(close_all, opened)
        for mount, again in zip(mounts, opened, strict=True):
            if not _same_file(mount.descriptor, again.descriptor):
                raise ZygoteFailed("", 0, f"{mount.path.path} was replaced since it was admitted")
        return tuple(
            dataclasses.replace(mount, descriptor=again.descriptor)
            for mount, again in zip(mounts, opened, strict=True)
        )

    @contextlib.contextmanager
    def _slot(self, mounts: tuple[OpenedMount, ...]) -> Iterator[int]:
        if mounts:  # they were opened for a slot, which is held as long as they are
            yield mounts[0].slot
            return
        slot = self._slots.take()
        try:
            yield slot
        finally:
            self._slots.give_back(slot)


def _check_offered(tool: Tool, generation: Generation) -> None:
    """
    Raises:
        ZygoteFailed: the generation of the call is gone, and this one does not have its tool.
    """
    if not generation.offers(tool.name, tool.version):
        raise ZygoteFailed("", 0, f"the tool {tool.name} was taken away while the call waited")


def _check(path: PathGrant, answer: Opened, grant: Grant) -> None:
    if answer.status == "refused":
        raise PathNotAllowed(path.path, answer.reason)
    if answer.expected is not None:
        size, limit = answer.expected[2], min(grant.limits.file_size_bytes, grant.limits.disk_bytes)
        if size > limit:
            raise PathNotAllowed(path.path, f"it has {size} bytes, and only {limit} can be staged")


def _same_file(first: int, second: int) -> bool:
    if first < 0 or second < 0:
        return first < 0 and second < 0
    return os.path.sameopenfile(first, second)
