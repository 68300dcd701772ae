"""
Sessions by a clock of the test's own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.database import Database
from toolcell_server.execution import Stop
from toolcell_server.principal import Principal
from toolcell_server.refusals import TooManySessions, UnknownSession, WorkspaceFull
from toolcell_server.sessions import sessions
from toolcell_server.sessions.folders import Folders
from toolcell_server.sessions.sessions import Sessions
from toolcell_server.sessions.store import SessionStore
from toolcell_server.sessions.threads import Threads
from toolcell_server.sessions.wished import Wished
from toolcell_server.settings.sessions import SessionsSettings
from waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from toolcell_server.sessions.session import Session

ALICE, BOB = Principal(name="alice"), Principal(name="bob")
WISHED = Wished(lifetime=1000.0, idle=100.0, quota_bytes=2**16, quota_files=20)


class Place:
    """
    Sessions, their clock, and what was recorded of them.
    """

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.now = 1_000_000.0
        self.records: list[str] = []
        self.database = Database.opened(str(folder))
        given = {"minimum_free_bytes": 0, **settings}
        self.sessions = Sessions(
            SessionsSettings(enabled=True, **given),
            SessionStore(self.database),
            Folders.made(str(folder), None),
            Threads(),
            clock=lambda: self.now,
            record=self._record,
        )

    def _record(self, what: str, _session: Session, /, **_about: str | float | bool) -> None:
        self.records.append(what)


def play(folder: Path, scenario: Callable[[Place], Awaitable[None]], **settings: Any) -> Place:
    folder.chmod(0o700)

    async def whole() -> Place:
        place = Place(folder, **settings)
        async with place.sessions.kept():
            await scenario(place)
        place.database.close()
        return place

    return asyncio.run(whole())


def folders(folder: Path) -> list[str]:
    return [each.name for each in (folder / "sessions").iterdir()]


def test_an_idle_session_is_over_at_its_time_and_removed_by_the_next_look(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        made = await place.sessions.create(ALICE, WISHED)
        place.now += 99
        place.sessions.find(made.session_id, ALICE)
        place.now += 1
        with pytest.raises(UnknownSession):
            place.sessions.find(made.session_id, ALICE)
        assert [made.place] == folders(tmp_path)
        await place.sessions.expire()
        assert [] == folders(tmp_path)

    assert ["created", "expired"] == play(tmp_path, scenario).records


def test_use_puts_off_the_idle_end_and_never_the_absolute_one(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        made = await place.sessions.create(ALICE, WISHED)
        for _ in range(9):
            place.now += 99
            with place.sessions.using(place.sessions.find(made.session_id, ALICE)):
                pass
        with place.sessions.using(place.sessions.find(made.session_id, ALICE)):
            place.now += 110  # in use; but 1000 s are over after 891 and these
            with pytest.raises(UnknownSession):
                place.sessions.find(made.session_id, ALICE)

    play(tmp_path, scenario)


def test_a_session_in_use_is_not_idle(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        made = await place.sessions.create(ALICE, WISHED)
        with place.sessions.using(made, Stop()):
            place.now += 500
            await place.sessions.expire()
            place.sessions.find(made.session_id, ALICE)
        place.now += 99
        place.sessions.find(made.session_id, ALICE)

    play(tmp_path, scenario)


def test_the_absolute_end_stops_calls_and_waits_for_them(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        made = await place.sessions.create(ALICE, WISHED)
        stop, order = Stop(), list[str]()

        async def call() -> None:
            with place.sessions.using(made, stop):
                await stop.event.wait()
                assert [made.place] == folders(tmp_path)
                order.append("call ended")

        running = asyncio.create_task(call())
        await asyncio.sleep(0)
        place.now += 1000
        await place.sessions.expire()
        order.append("session ended")

        assert ["call ended", "session ended"] == order
        assert pb.CANCEL_REASON_REQUESTED == stop.reason
        assert [] == folders(tmp_path)
        with pytest.raises(UnknownSession), place.sessions.using(made):
            pass
        await running

    play(tmp_path, scenario)


def test_a_stream_that_stands_still_ends_with_its_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Nobody waits for it: not who makes another session, while this one is found to be over.
    """
    monkeypatch.setattr(sessions, "ENDING_SECONDS", 1000.0)

    async def scenario(place: Place) -> None:
        made = [await place.sessions.create(ALICE, WISHED) for _ in range(3)]

        async def stream(session: Session) -> None:
            with place.sessions.using(session) as live:
                async with live.streaming(session.session_id):
                    await asyncio.Event().wait()

        running = [asyncio.create_task(stream(each)) for each in made]
        await asyncio.sleep(0)
        place.now += 1000
        async with asyncio.timeout(PATIENCE):
            other = await place.sessions.create(BOB, WISHED)
            ended = await asyncio.gather(*running, return_exceptions=True)

        assert [other.place] == folders(tmp_path)
        assert [UnknownSession] * 3 == [type(each) for each in ended]

    play(tmp_path, scenario)


def test_sessions_are_counted_by_principal_and_together(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        first = await place.sessions.create(ALICE, WISHED)
        await place.sessions.create(ALICE, WISHED)
        with pytest.raises(TooManySessions) as refused:
            await place.sessions.create(ALICE, WISHED)
        assert "principal" == refused.value.metadata["whose"]
        await place.sessions.create(BOB, WISHED)
        with pytest.raises(TooManySessions) as refused:
            await place.sessions.create(BOB, WISHED)
        assert "server" == refused.value.metadata["whose"]
        await place.sessions.delete(first)
        await place.sessions.create(BOB, WISHED)
        place.now += 100
        await place.sessions.create(ALICE, WISHED)  # the others are over

    play(tmp_path, scenario, per_principal=2, maximum=3)


def test_what_outlives_the_server_is_what_has_a_row_and_a_folder(tmp_path: Path) -> None:
    kept: list[str] = []

    async def first(place: Place) -> None:
        kept.append((await place.sessions.create(ALICE, WISHED)).session_id)

    async def second(place: Place) -> None:
        assert kept[0] == place.sessions.find(kept[0], ALICE).session_id
        assert 1 == place.sessions.count
        assert 1 == len(folders(tmp_path))

    play(tmp_path, first)
    (tmp_path / "sessions/nobodys/files").mkdir(parents=True)
    play(tmp_path, second)


def test_uploads_on_their_way_count(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        made = await place.sessions.create(ALICE, WISHED)
        with place.sessions.using(made) as live:
            with live.announced(2**16):
                await place.sessions.room(made)
                with live.announced(1), pytest.raises(WorkspaceFull):
                    await place.sessions.room(made)
            await place.sessions.room(made)

    play(tmp_path, scenario)


def test_deleting_twice_at_once_removes_it_once(tmp_path: Path) -> None:
    async def scenario(place: Place) -> None:
        made = await place.sessions.create(ALICE, WISHED)
        await asyncio.gather(place.sessions.delete(made), place.sessions.delete(made))
        assert 0 == place.sessions.count

    assert ["created", "deleted"] == play(tmp_path, scenario).records
