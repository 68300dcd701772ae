"""
Holes that were found and closed: each stays closed.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import re
import secrets
import shutil
import socket
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from toolcell_server import tool_frames
from toolcell_server.channel import Channel
from toolcell_server.judging import Words
from toolcell_worker import wire
from toolcell_worker.wire import Frame, Message, ProtocolError

from faults.place import IN_THE_BUNDLE, Place, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

MEBIBYTE = 2**20
RENAME_WHITEOUT = 4
AT_FDCWD = -100


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with serving(tmp_path_factory.mktemp("server")) as one:
        yield one


def holds(pid: int, token: str) -> bool:
    """
    Whether the writable memory of a process holds a text.
    """
    needle = token.encode()
    with (
        open(f"/proc/{pid}/maps") as maps,
        open(f"/proc/{pid}/mem", "rb", buffering=0) as memory,
    ):
        for line in maps:
            found = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if not found:
                continue
            first, last = (int(number, 16) for number in found.groups())
            memory.seek(first)
            if needle in memory.read(last - first):
                return True
    return False


def test_what_one_call_was_granted_is_not_in_the_memory_that_the_next_inherits(
    place: Place,
) -> None:
    """
    Every later cell is a copy of the zygote, and may read all of it.
    """
    folder = place.root / f"granted-{secrets.token_hex(8)}"
    folder.mkdir()
    for _ in range(3):
        assert place.work("result = 1", folder).ok
    try:
        control = holds(place.zygote(), IN_THE_BUNDLE)
    except PermissionError:
        pytest.skip("the memory of the zygote is not shown to us")

    assert control
    assert not holds(place.zygote(), folder.name)


def test_holes_in_staged_files_count_as_what_they_would_fill(place: Place) -> None:
    """
    They take no room in the cell, and all of it on the operator's disk.
    """
    first, second = place.root / "first", place.root / "second"
    limits = {"disk_bytes": 4 * MEBIBYTE, "file_size_bytes": 4 * MEBIBYTE}
    arguments = {"first": str(first), "second": str(second)}
    within = place.client.run("stage", {**arguments, "size": MEBIBYTE}, limits=limits)
    assert ("completed", MEBIBYTE) == (within.label, second.stat().st_size)

    beyond = place.client.run("stage", {**arguments, "size": 3 * MEBIBYTE}, limits=limits)

    assert "exceeded(disk)" == beyond.label
    assert (MEBIBYTE, MEBIBYTE) == (first.stat().st_size, second.stat().st_size)


START = """
import subprocess
try:
    result = subprocess.run({command!r}, capture_output=True, text=True, timeout=10)
    result = result.stdout or result.stderr
except OSError as exc:
    result = type(exc).__name__
"""


@pytest.mark.parametrize("how", ["a script", "a program", "a program by its loader"])
def test_nothing_runs_in_place_from_a_folder_that_was_granted(place: Place, how: str) -> None:
    """
    What a tool may write, or somebody put there for it, is data, whatever its mode says.
    """
    script, program = place.root / "script", place.root / "program"
    script.write_text("#!/bin/sh\necho ran\n")
    shutil.copy("/bin/echo", program)
    for path in (script, program):
        path.chmod(0o755)
    loader = next(Path("/").glob("lib*/ld-linux-*.so.*"))
    commands = {
        "a script": [str(script)],
        "a program": [str(program), "ran"],
        "a program by its loader": [str(loader), str(program), "ran"],
    }
    control = subprocess.run(commands[how], capture_output=True, text=True, check=True)
    result = place.work(START.format(command=commands[how]))
    allowed = place.work(START.format(command=["/bin/echo", "ran"]))

    assert ("ran\n", "ran\n") == (control.stdout, allowed.value)
    assert "ran\n" != result.value
    assert "PermissionError" == result.value or "loading shared libraries" in result.value


RENAME = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def rename(flags, folder):
    open(folder + "/old", "w").close()
    done = libc.renameat2(-100, (folder + "/old").encode(), -100, (folder + "/new").encode(), flags)
    return errno.errorcode[ctypes.get_errno()] if done else "done"
result = [rename(4, folder), rename(4, "/tmp"), rename(0, "/tmp")]
"""


def test_no_device_is_left_behind_by_renaming(place: Place, tmp_path: Path) -> None:
    """
    A whiteout is a character device, in a folder of the operator's.
    """
    (tmp_path / "old").touch()
    libc = ctypes.CDLL(None, use_errno=True)
    names = [os.fsencode(tmp_path / name) for name in ("old", "new")]
    done = libc.renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_WHITEOUT)
    if done != 0:
        pytest.skip("the positive control fails: this file system knows no whiteouts")
    assert stat.S_ISCHR((tmp_path / "old").stat().st_mode)

    result = place.work(RENAME)

    assert ["EPERM", "EPERM", "done"] == result.value
    assert [] == [path for path in place.root.iterdir() if stat.S_ISCHR(path.stat().st_mode)]


def test_a_descriptor_that_comes_after_ready_breaks_the_channel_and_is_closed() -> None:
    """
    It is a resource of the service, and may be of a kind that blocks whoever closes it.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        before = set(os.listdir("/proc/self/fd"))

        async def scenario(refusing: bool) -> int:
            channel = Channel(ours.dup())
            if refusing:
                channel.refuse_descriptors()
            wire.send(theirs, Frame.LOG, b"{}", (theirs.fileno(),))
            try:
                message = await channel.receive()
            finally:
                channel.close()
            for descriptor in message.descriptors:
                os.close(descriptor)
            return len(message.descriptors)

        assert 1 == asyncio.run(scenario(refusing=False))
        with pytest.raises(ProtocolError, match="descriptors"):
            asyncio.run(scenario(refusing=True))
        assert before == set(os.listdir("/proc/self/fd"))
    ours.close()


@pytest.mark.parametrize("first", [Frame.RESULT, Frame.RAISED])
@pytest.mark.parametrize("second", [Frame.RESULT, Frame.RAISED])
def test_a_second_ending_breaks_the_protocol(first: Frame, second: Frame) -> None:
    """
    Which of the two would be believed is not for the tool to choose.
    """
    words = Words(ready=True)
    tool_frames.take(Message(first, b"{}"), words)

    with pytest.raises(ProtocolError, match="two endings"):
        tool_frames.take(Message(second, b"{}"), words)
