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
from toolcell_server.principal import Principal
from toolcell_server.refusals import UnknownSession
from toolcell_server.registering import foreign, uploaded
from toolcell_server.registering.authority import Authority
from toolcell_server.registering.book import Book
from toolcell_server.registering.commands import CommandSource
from toolcell_server.registering.drafting import Drafting
from toolcell_server.registering.history import History
from toolcell_server.registering.making import Maker
from toolcell_server.registering.recorded import CodeRecorded, Recorded, unrecorded
from toolcell_server.registering.registrar import Registrar
from toolcell_server.registering.store import RegistrationStore
from toolcell_server.registering.supply import Supply
from toolcell_server.registering.uploaded import UploadedSource
from toolcell_server.registering.watching import Watching
from toolcell_server.uploads.discovering import Discovering
from toolcell_server.uploads.uploads import Uploads

if TYPE_CHECKING:
    from toolcell_server.made import Made
    from toolcell_server.registering.history import Entry
    from toolcell_server.registering.offered import Source
    from toolcell_server.registering.recorded import Recorder
    from toolcell_server.registering.standing import Standing


def registrar(app: Made) -> Registrar | None:
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
    maker = Maker(
        defaults=settings.defaults,
        ceilings=settings.ceilings,
        code_fault=app.uploads.fault if app.uploads else uploaded.fault_without_uploads,
    )
    with garbage.paused():
        book.load(maker)
    return Registrar(
        book=book,
        drafting=Drafting(
            book=book,
            maker=maker,
            sources=sources(app),
            authority=app.authority,
            turns=app.turns,
        ),
        authority=app.authority,
        settings=settings.registry,
        known=app.tools.known,
        refused=app.metrics.registering.refuse,
        lives=lambda owner, session_id: _lives(app, owner, session_id),
    )


def _lives(app: Made, owner: str, session_id: str) -> bool:
    """
    Whether somebody has a session of that id.
    """
    if app.sessions is None:
        return False
    try:
        app.sessions.find(session_id, Principal(name=owner))
    except UnknownSession:
        return False
    return True


def follow_sessions(app: Made) -> None:
    """
    Have tools of sessions go with them.
    """
    if app.registrar is not None and app.sessions is not None:
        app.sessions.ended = app.registrar.session_ended


def authority(app: Made) -> Authority:
    """
    Who may register and change which tools.
    """
    return Authority(everybody=not (app.settings.auth.enabled or app.settings.rights.roles))


def uploads(app: Made) -> Uploads | None:
    """
    Code that was uploaded, if the operator wants any, and has a place for it.

    Raises:
        UploadsUnusable: that place cannot be used.
    """
    settings = app.settings
    if not (settings.registry.uploads and settings.state_dir):
        return None

    def needed() -> set[str]:
        return app.registrar.book.kept.code() if app.registrar else set()

    record = CodeRecorded(app.auditing) if app.auditing else unrecorded
    may_all = app.authority.may_all
    made = Uploads(settings.registry, settings.state_dir, needed, may_all, record=record)
    made.load()
    return made


def supply(app: Made) -> Supply:
    """
    How code comes to this server.
    """
    return Supply(app.reloads, app.uploads, app.authority)


def sources(app: Made) -> dict[str, Source]:
    """
    Where registered tools come from, by the name of the field in ToolDefinition.
    """
    return {
        "command": CommandSource(),
        "upload": UploadedSource(app.uploads, lambda: discovering(app)),
        "openapi": foreign.openapi_source(app),
        "mcp": foreign.mcp_source(app),
    }


def standing(app: Made) -> Standing:
    """
    The tools of documents and servers that the settings name.
    """
    return foreign.standing(app)


def discovering(app: Made) -> Discovering:
    """
    What has uploaded code describe itself.
    """
    return Discovering(
        executor=app.executor,
        capacity=app.capacity,
        granting=app.granting,
        opener=app.pool.open,
        ceilings=app.settings.ceilings,
        rates=foreign.rates(app),
        auditing=app.auditing,
    )


def _recorders(app: Made) -> Recorder:
    audited, counted = app.auditing and Recorded(app.auditing), app.metrics.registering

    def record(entry: Entry, caller: Principal) -> None:
        if audited:
            audited(entry, caller)
        counted.changed(entry.what)

    return record


def porting(app: Made) -> Porting | None:
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


def watching(app: Made) -> Watching:
    """
    What tells callers of changes among tools.
    """
    made = Watching(app.tools, app.registry.changes)
    app.metrics.registering.watch(lambda: made.watchers)
    return made
