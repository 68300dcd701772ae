"""
Makes what registers tools at run time, and what tells of it, as the settings ask for.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from toolcell_server import garbage
from toolcell_server.porting.exporting import Exporter
from toolcell_server.porting.face import Porting
from toolcell_server.porting.importing import Importer
from toolcell_server.registering.authority import Authority
from toolcell_server.registering.book import Book
from toolcell_server.registering.commands import CommandSource
from toolcell_server.registering.drafting import Drafting
from toolcell_server.registering.history import History
from toolcell_server.registering.making import Maker
from toolcell_server.registering.recorded import Recorded
from toolcell_server.registering.registrar import Registrar
from toolcell_server.registering.store import RegistrationStore
from toolcell_server.registering.watching import Watching

if TYPE_CHECKING:
    from toolcell_server.app import App
    from toolcell_server.principal import Principal
    from toolcell_server.registering.history import Entry
    from toolcell_server.registering.offered import Source
    from toolcell_server.registering.recorded import Recorder
    from toolcell_server.registry_service import RegistryService


def face(app: App) -> RegistryService:
    """
    What callers ask about tools.
    """
    from toolcell_server.registry_service import RegistryService  # imports gRPC: see app.py
    from toolcell_server.searching.search import Search

    search = Search(app.registry, app.tools)
    return RegistryService(app.tools, app.registrar, watching(app), search, porting(app))


def registrar(app: App) -> Registrar | None:
    """
    What registers tools at run time, if the operator wants that; with what the last server left.

    Raises:
        StoreFailed: that cannot be read.
    """
    settings = app.settings
    if not settings.registry.enabled:
        return None
    history = History(app.database, settings.registry.maximum_history)
    store, record = RegistrationStore(app.database), _recorders(app)
    book = Book(store, history, app.registry, time.time, record)
    maker = Maker(defaults=settings.defaults, ceilings=settings.ceilings)
    with garbage.paused():
        book.load(maker)
    authority = Authority(everybody=not (settings.auth.enabled or settings.rights.roles))
    drafting = Drafting(maker=maker, sources=sources(app), authority=authority, clock=book.clock)
    return Registrar(
        book=book,
        drafting=drafting,
        authority=authority,
        settings=settings.registry,
        known=app.tools.known,
        refused=app.metrics.registering.refuse,
    )


def sources(_app: App) -> dict[str, Source]:
    """
    Where registered tools come from, by the name of the field in ToolDefinition.
    """
    return {"command": CommandSource()}


def _recorders(app: App) -> Recorder:
    audited, counted = app.auditing and Recorded(app.auditing), app.metrics.registering

    def record(entry: Entry, caller: Principal) -> None:
        if audited:
            audited(entry, caller)
        counted.changed(entry.what)

    return record


def porting(app: App) -> Porting | None:
    """
    What exports and imports tools, if they are registered at run time.
    """
    if app.registrar is None:
        return None
    exporter = Exporter(
        book=app.registrar.book,
        store=RegistrationStore(app.database),
        authority=app.registrar.authority,
        redact=app.redactor.json,
    )
    return Porting(exporter, Importer(app.registrar))


def watching(app: App) -> Watching:
    """
    What tells callers of changes among tools.
    """
    made = Watching(app.tools, app.registry.changes)
    app.metrics.registering.watch(lambda: made.watchers)
    return made
