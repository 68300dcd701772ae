"""
Loads bundles again, because somebody asks or because their folder has changed, and says what became
of it: to who asks, in the log and as a metric.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell_server.bundles import outliving
from toolcell_server.bundles.looking import TooManyFiles, look
from toolcell_server.zygote import ZygoteFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from toolcell_server.bundles.bundle import Bundle
    from toolcell_server.bundles.looking import Look
    from toolcell_server.bundles.reload_metrics import ReloadMetrics
    from toolcell_server.pool import Pool
    from toolcell_server.registry import Registry

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reload:
    """
    What became of one bundle: `reason` why it is served as it was, empty if it is not; `outdated`
    are the names of tools that are.
    """

    bundle: str
    reason: str
    outdated: tuple[str, ...]


class Reloads:
    """
    Loads the bundles of a pool again.  `record` is told what became of each.
    """

    def __init__(
        self,
        bundles: Sequence[Bundle],
        pool: Pool,
        registry: Registry,
        metrics: ReloadMetrics,
        record: Callable[[Reload], None] | None = None,
    ) -> None:
        self._record = record
        self._bundles = {bundle.name: bundle for bundle in bundles}
        self._pool = pool
        self._registry = registry
        self._metrics = metrics
        for name in self._bundles:
            metrics.begin(name)
        # Before anything is loaded: what changes from now on has changed.
        self._loaded = {one.name: _look(one) for one in bundles if _is_watched(one)}

    @property
    def names(self) -> Sequence[str]:
        """
        The bundles that there are.
        """
        return tuple(self._bundles)

    async def reload(self, bundle: str) -> Reload:
        """
        Load one bundle again, and tell what became of it.
        """
        reason, configured = "", self._bundles[bundle]
        if _is_watched(configured):
            self._loaded[bundle] = await asyncio.to_thread(_look, configured)
        try:
            await self._pool.reload(bundle)
        except ZygoteFailed as exc:
            reason = str(exc)
            had = self._registry.offers.of_bundle(bundle)
            self._registry.offer(bundle, outliving.not_reloaded(had, reason))
        tools = [tool for tool in self._registry.offers.of_bundle(bundle) if tool.reload_error]
        outdated = tuple(sorted({tool.name for tool in tools}))
        self._metrics.reloaded(bundle, whole=not reason, outdated=len(tools))
        if reason:
            fields = {"bundle": bundle, "reason": reason}
            _log.error(
                "a bundle was not reloaded; it is served as before", extra={"fields": fields}
            )
        for tool in () if reason else tools:
            fields = {"bundle": bundle, "tool": tool.name, "reason": tool.reload_error}
            _log.error("a tool is served as before the reload", extra={"fields": fields})
        if not reason:
            said = {"bundle": bundle, "outdated": len(tools)}
            _log.info("reloaded a bundle", extra={"fields": said})
        ended = Reload(bundle, reason, outdated)
        if self._record is not None:
            self._record(ended)
        return ended

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """
        Reload each bundle whose folder changes, where the operator wants that, as long as the
        context lasts.
        """
        watched = filter(_is_watched, self._bundles.values())
        tasks = [asyncio.create_task(self._watch(bundle)) for bundle in watched]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, bundle: Bundle) -> None:
        """
        Two looks that are alike and unlike what was loaded: the folder has changed, and whoever
        changes it has finished.  What failed is tried again when something changes again.
        """
        before = self._loaded[bundle.name]
        while True:
            await asyncio.sleep(bundle.reload_seconds)
            now = await asyncio.to_thread(_look, bundle)
            if now is not None and now == before and now != self._loaded[bundle.name]:
                await self._reload_surely(bundle.name)
            before = now

    async def _reload_surely(self, bundle: str) -> None:
        """
        As `reload`; a fault of ours must not end the watching.
        """
        try:
            await self.reload(bundle)
        except Exception:  # noqa: BLE001  # the next change is to be seen
            _log.exception("a bundle could not be reloaded", extra={"fields": {"bundle": bundle}})


def _is_watched(bundle: Bundle) -> bool:
    return bool(bundle.folder and bundle.reload_seconds)


def _look(bundle: Bundle) -> Look | None:
    """
    A look at a bundle's folder; nothing if it cannot be looked at.
    """
    try:
        return look(bundle.folder)
    except TooManyFiles as exc:
        _log.error("a bundle is not watched: %s", exc)  # it says everything
        return None
