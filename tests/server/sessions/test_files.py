"""
Files of workspaces: whom they keep waiting, and what they leave of the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import pytest
from toolcell_server.refusals import WorkspaceFull
from toolcell_server.sessions import files
from toolcell_server.sessions.files import Files
from toolcell_server.sessions.folders import Folders
from toolcell_server.sessions.session import Session
from toolcell_server.sessions.threads import THREADS, Threads
from waiting import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

ALICE = Session(
    owner="alice",
    session_id="a",
    place="place",
    created=0.0,
    used=0.0,
    expires=0.0,
    idle=0.0,
    quota_bytes=2**20,
    quota_files=10,
    folder="alice",
)
BOB = replace(ALICE, owner="bob", folder="bob")


class Disk(Folders):
    """
    A disk that others fill: each look finds less.
    """

    free: ClassVar = [300, 200, 100]

    def free_bytes(self) -> int:
        return self.free.pop(0)


def test_an_upload_stops_before_the_disk_is_full(tmp_path: Path) -> None:
    async def scenario() -> None:
        folders, threads = Disk(str(tmp_path)), Threads()
        folders.make(ALICE.place)
        incoming = Files(folders, threads, 150).incoming(ALICE)
        with contextlib.closing(threads), contextlib.closing(incoming):
            await incoming.write(bytes(50))
            await incoming.write(bytes(50))
            with pytest.raises(WorkspaceFull, match="disk"):
                await incoming.write(bytes(50))

    asyncio.run(scenario())


def test_who_asks_for_many_digests_keeps_nobody_else_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def digests(folder: str, _paths: list[str]) -> dict[str, str]:
        if folder == ALICE.folder:
            go_on.wait()
        return {}

    monkeypatch.setattr(files, "_digests", digests)

    async def scenario() -> None:
        threads = Threads()
        ours = Files(Folders(str(tmp_path)), threads, 0)
        hers = [asyncio.create_task(ours.digests(ALICE, [])) for _ in range(2 * THREADS)]
        await asyncio.sleep(0)
        try:
            async with asyncio.timeout(PATIENCE):
                assert {} == await ours.digests(BOB, [])
        finally:
            go_on.set()
            await asyncio.gather(*hers)
            threads.close()

    asyncio.run(scenario())
