"""
What is registered: in the database, in memory and in the registry, changed together.

Theory of operation.  A change is a few steps, each about one version of one tool.  `commit` takes
them in one turn of the event loop: the database and the record first, which may fail and then have
done nothing, and then what callers see, which cannot.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, NamedTuple

from toolcell_server.registering.history import Entry
from toolcell_server.registering.kept import Kept
from toolcell_server.registering.recorded import unrecorded
from toolcell_server.registering.registration import Registration
from toolcell_server.storing import storing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from toolcell_server.principal import Principal
    from toolcell_server.registering.history import History
    from toolcell_server.registering.kept import Place
    from toolcell_server.registering.making import Maker
    from toolcell_server.registering.recorded import Recorder
    from toolcell_server.registering.registration import Draft
    from toolcell_server.registering.store import RegistrationStore
    from toolcell_server.registry import Registry
    from toolcell_server.tool import Tool

_log = logging.getLogger(__name__)
KEEP: Final = "keep registered tools"  # what fails when the database does


class Step(NamedTuple):
    """
    What becomes of one version of a tool: `after` None, it goes; with a `draft`, all is written.
    """

    what: str
    before: Registration | None
    after: Registration | None
    draft: Draft | None = None

    @property
    def tool(self) -> Tool:
        found = self.after or self.before
        assert found is not None
        return found.tool


class Book:
    """
    `kept` is what is registered now.  Lives on one event loop.
    """

    def __init__(
        self,
        store: RegistrationStore,
        history: History,
        registry: Registry,
        clock: Callable[[], float],
        record: Recorder = unrecorded,
    ) -> None:
        self.kept = Kept()
        self.registry = registry
        self.history = history
        self.clock = clock
        self._store = store
        self._record = record

    def load(self, maker: Maker) -> None:
        """
        Have what the last server left; what no longer holds is broken, and says why.

        Raises:
            StoreFailed: it cannot be read.
        """
        found: dict[Place, dict[str, Registration]] = {}
        for row in self._store.all():
            registration = Registration(tool=maker.kept(row), size=row.size, by=row.by)
            found.setdefault((row.scope, row.name), {})[row.version] = registration
            if why := registration.tool.broken_reason:
                fields = {"tool": row.name, "version": row.version, "reason": why}
                _log.warning("a registered tool is broken", extra={"fields": fields})
        for place, versions in found.items():
            self._show(place, versions)

    def commit(self, steps: Sequence[Step], caller: Principal, reason: str = "") -> None:
        """
        Take these steps, all of them.

        Raises:
            AuditFailed: that could not be recorded; nothing was done.
            StoreFailed: it could not be written; nothing was done.
        """
        if not steps:
            return
        now = self.clock()
        with storing(KEEP), self._store.transaction():
            for step in steps:
                self._write(step)
                tool = step.tool
                entry = Entry(
                    *(now, step.what, tool.name, tool.version, tool.scope),
                    *(caller.name, reason, tool.edition),
                )
                self.history.add(entry)
                self._record(entry, caller)
            self.history.tidy({step.tool.scope.principal for step in steps} - {""})
        after: dict[Place, dict[str, Registration]] = {}
        for step in steps:
            place = step.tool.scope, step.tool.name
            versions = after.setdefault(place, dict(self.kept.of(*place)))
            versions.pop(step.tool.version, None)
            if step.after is not None:
                versions[step.tool.version] = step.after
        for place, versions in after.items():
            self._show(place, versions)

    def _write(self, step: Step) -> None:
        if step.draft is not None:
            self._store.put(step.draft)
        elif step.after is not None:
            self._store.deprecate(step.tool)
        else:
            self._store.remove(step.tool)

    def _show(self, place: Place, versions: dict[str, Registration]) -> None:
        self.kept.change(place, versions)
        self.registry.put(*place, [each.tool for each in versions.values()])
