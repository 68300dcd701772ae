"""
Every session of the server: made, found, used, ended.

Theory of operation.  A session is a row in the database and a folder; the row counts.  It is
written after the folder was made and removed before the folder is, so that a server that dies in
between leaves a folder without a row, which the next one removes.  Who looks for a session finds
the row of *his* name (the principal's) and that id, or nothing: another's is not there.

Who uses a session (a call, an RPC about files) says so for as long as it does.  A session that ends
asks its calls to stop, waits until all have gone, and then removes the workspace.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import secrets
from typing import TYPE_CHECKING, Final

from toolcell_server.refusals import InvalidField, TooManySessions, UnknownSession, WorkspaceFull
from toolcell_server.sessions import trees
from toolcell_server.sessions.interpreters import Interpreters
from toolcell_server.sessions.live import Live
from toolcell_server.sessions.looking import looking
from toolcell_server.sessions.quota import Used, fault_of
from toolcell_server.sessions.session import Session
from toolcell_server.sessions.threads import Threads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from toolcell_server.execution import Stop
    from toolcell_server.principal import Principal
    from toolcell_server.sessions.folders import Folders
    from toolcell_server.sessions.recorded import Recorder
    from toolcell_server.sessions.store import SessionStore
    from toolcell_server.sessions.wished import Wished
    from toolcell_server.settings.sessions import SessionsSettings

ENDING_SECONDS: Final = 30.0  # arbitrary; killing cells takes milliseconds


class Sessions:
    """
    Lives on the event loop of its database; `clock` is that of the wall.
    """

    def __init__(
        self,
        settings: SessionsSettings,
        store: SessionStore,
        folders: Folders,
        threads: Threads,
        *,
        clock: Callable[[], float],
        record: Recorder,
        exempt: tuple[str, ...] = (),
    ) -> None:
        self.settings = settings
        self.folders = folders
        self.threads = threads
        self._lookers = Threads()  # whom nobody keeps busy with digests
        self._store = store
        self._clock = clock
        self.record = record
        self.count = store.count()  # asked for by other threads, which have no database
        self._exempt = exempt
        self.interpreters = Interpreters(settings)
        self.ended: Callable[[str, str], object] = lambda _owner, _session_id: None
        self._live: dict[str, Live] = {}
        self._ending: set[str] = set()
        self._removing: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """
        Keep them for as long as the context lasts: what expires goes.
        """
        known = {session.place for session in self._store.all()}
        await self.threads.run(self.folders.sweep, known)
        try:
            async with looking(self.expire):
                yield
        finally:
            await asyncio.gather(*self._removing, return_exceptions=True)
            await self.interpreters.aclose()
            self.threads.close()
            self._lookers.close()
            self.folders.close()

    async def create(self, caller: Principal, wished: Wished) -> Session:
        """
        Raises:
            InvalidField: the caller has one of that id.
            StoreFailed: it cannot be written.
            TooManySessions: there are as many as there may be.
        """
        await self.expire()
        for owner, most in (
            (caller.name, self.settings.per_principal),
            (None, self.settings.maximum),
        ):
            if self._store.count(owner) >= most:
                raise TooManySessions("server" if owner is None else "principal", most)
        if wished.session_id and self._store.find(caller.name, wished.session_id):
            raise InvalidField("session_id", "is that of another session of this caller")
        now, place = self._clock(), secrets.token_hex(16)
        session = Session(
            owner=caller.name,
            session_id=wished.session_id or secrets.token_hex(16),
            place=place,
            created=now,
            used=now,
            expires=now + wished.lifetime,
            idle=wished.idle,
            quota_bytes=wished.quota_bytes,
            quota_files=wished.quota_files,
        )
        # From the look for its id on without an await: two of one id would both find none.
        self.folders.make(place)
        try:
            self._store.add(session)
        except BaseException:
            self.folders.remove(place)
            raise
        self.count += 1
        self.record("created", session)
        return self._placed(session)

    def find(self, session_id: str, caller: Principal) -> Session:
        """
        A session of that caller's.

        Raises:
            StoreFailed: nobody can tell.
            UnknownSession: there is none, or it is over.
        """
        found = self._store.find(caller.name, session_id)
        if found is None or found.place in self._ending or self._is_over(found):
            raise UnknownSession(session_id)
        return self._placed(found)

    def before(self, caller: Principal, number: int, most: int) -> list[Session]:
        """
        The caller's that were made before that one, newest first.
        """
        found = self._store.before(caller.name, number, most)
        return [self._placed(each) for each in found if not self._is_over(each)]

    @contextlib.contextmanager
    def using(self, session: Session, stop: Stop | None = None) -> Iterator[Live]:
        """
        Use a session for as long as the context lasts; a call can be asked to `stop`.

        Raises:
            UnknownSession: it has ended meanwhile.
        """
        if (
            session.place in self._ending
            or self._store.find(session.owner, session.session_id) is None
        ):
            raise UnknownSession(session.session_id)
        live = self._live.setdefault(session.place, Live())
        self._store.use(session, self._clock())
        with live.used(stop):
            yield live
        if session.place not in self._ending:
            self._store.use(session, self._clock())

    async def room(self, session: Session) -> Used:
        """
        What the workspace holds, if that is no more than it may, with all uploads on their way.

        Raises:
            WorkspaceFull: it is not, or the disk is nearly full.
        """
        used = await self.measured(session)
        live = self._live.get(session.place) or Live()
        if fault := fault_of(session, used, live):
            raise WorkspaceFull(fault)
        if self.folders.free_bytes() - live.incoming < self.settings.minimum_free_bytes:
            raise WorkspaceFull("the disk of the server is nearly full")
        return used

    async def measured(self, session: Session) -> Used:
        """
        What the workspace holds; counted a little further than it may.
        """
        most = session.quota_bytes, session.quota_files
        used = await self._lookers.run(trees.measured, session.folder, *most)
        if live := self._live.get(session.place):
            live.bytes = used.bytes
        return used

    def running(self, session: Session) -> int:
        live = self._live.get(session.place)
        return len(live.stops) if live else 0

    async def delete(self, session: Session, why: str = "deleted") -> None:
        """
        End a session: when this returns, nothing is left of it.
        """
        if session.place in self._ending:
            return
        self._ending.add(session.place)
        if not self._store.remove(session):
            self._ending.discard(session.place)
            return
        self.count -= 1
        self.record(why, session)
        task = asyncio.create_task(self._remove(session))
        self._removing.add(task)
        task.add_done_callback(self._removing.discard)
        await asyncio.shield(task)  # whoever asked may go away; the workspace must

    async def expire(self) -> None:
        """
        End every session that is over.
        """
        over = [each for each in self._store.all() if self._is_over(each)]
        await asyncio.gather(*(self.delete(session, "expired") for session in over))

    @property
    def bytes(self) -> int:
        """
        What was last seen in the workspaces that were used since the server started.
        """
        return sum(live.bytes for live in list(self._live.values()))

    async def _remove(self, session: Session) -> None:
        try:
            if live := self._live.get(session.place):
                await live.ended(ENDING_SECONDS)
            self.ended(session.owner, session.session_id)
            await self.interpreters.end(session.place)
            await self.threads.run(self.folders.remove, session.place)
        finally:
            self._live.pop(session.place, None)
            self._ending.discard(session.place)

    def _is_over(self, session: Session) -> bool:
        live = self._live.get(session.place)
        return session.has_expired(self._clock(), running=bool(live and live.users))

    def _placed(self, session: Session) -> Session:
        return dataclasses.replace(
            session, folder=self.folders.files(session.place), exempt=self._exempt
        )
