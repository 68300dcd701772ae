"""
The server's handle of the keeper: a real keeper that dies, and callers who go away.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING

from processes import await_end
from scripted_executor import run
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.grants import PathGrant
from toolcell_server.instructions import of_keeper
from toolcell_server.keeper import Keeper, close_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@contextlib.asynccontextmanager
async def keeping() -> AsyncIterator[Keeper]:
    keeper = Keeper(of_keeper())
    try:
        await keeper.start()
        yield keeper
    finally:
        keeper.close()


async def answers(keeper: Keeper, folder: Path, *names: str) -> list[int]:
    """
    The inodes of what the keeper opened, 0 for what is missing.
    """
    root = str(folder)
    access = pb.PATH_ACCESS_READ
    opened = await keeper.open(
        [PathGrant(path=f"{root}/{n}", access=access, root=root, real_root=root) for n in names], 0
    )
    found = [os.fstat(o.descriptor).st_ino if o.descriptor >= 0 else 0 for o in opened]
    close_all(opened)
    return found


def planted(folder: Path) -> dict[str, int]:
    names = [f"{number}.txt" for number in range(20)]
    for name in names:
        (folder / name).write_text(name)
    return {name: (folder / name).stat().st_ino for name in names}


def test_a_keeper_that_died_between_two_requests_is_not_noticed(tmp_path: Path) -> None:
    """
    It keeps nothing that matters; the next call shall not pay for it.
    """
    inodes = planted(tmp_path)

    async def scenario() -> list[int]:
        async with keeping() as keeper:
            assert keeper._process is not None
            os.kill(keeper._process.pid, signal.SIGKILL)
            await_end([keeper._process.pid], 10)
            return await answers(keeper, tmp_path, "1.txt")

    assert [inodes["1.txt"]] == run(scenario())


def test_who_goes_away_while_the_keeper_starts_leaves_no_answer_behind(tmp_path: Path) -> None:
    """
    What the keeper says first, read as the answer to the next request, would hand every later
    call the paths of the one before it.
    """
    inodes = planted(tmp_path)

    async def scenario() -> list[list[int]]:
        async with keeping() as keeper:
            keeper.close()
            impatient = asyncio.create_task(answers(keeper, tmp_path, "0.txt"))
            await asyncio.sleep(0)  # it has started the keeper, and waits for its first word
            impatient.cancel()
            await asyncio.gather(impatient, return_exceptions=True)
            return [await answers(keeper, tmp_path, name) for name in inodes]

    assert [[inode] for inode in inodes.values()] == run(scenario())


def test_callers_who_go_away_at_any_moment_never_shift_the_answers(tmp_path: Path) -> None:
    """
    The descriptor is the grant: one that belongs to another call is another call's file.
    """
    inodes = planted(tmp_path)

    async def scenario() -> list[bool]:
        async with keeping() as keeper:
            right = []
            for steps in range(12):
                impatient = asyncio.create_task(answers(keeper, tmp_path, "0.txt", "1.txt"))
                for _ in range(steps):
                    await asyncio.sleep(0)
                impatient.cancel()
                name = f"{steps + 2}.txt"
                right.append([inodes[name]] == await answers(keeper, tmp_path, name))
                await asyncio.gather(impatient, return_exceptions=True)
            return right

    assert [True] * 12 == run(scenario())


def test_many_callers_at_once_get_each_their_own(tmp_path: Path) -> None:
    """
    Requests are answered in order, one at a time.
    """
    inodes = planted(tmp_path)

    async def scenario() -> list[list[int]]:
        async with keeping() as keeper:
            asking = (answers(keeper, tmp_path, name, "missing") for name in inodes)
            return await asyncio.gather(*asking)

    assert [[inode, 0] for inode in inodes.values()] == run(scenario())
