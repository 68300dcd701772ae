"""
Tools that take all they can get.  Each says "begun" first: what it said must survive its end.
"""

import mmap
import os
import time

from toolcell_worker import tool

MEBIBYTE = 2**20
LONG = 600


def _begin() -> None:
    os.write(1, b"begun")


@tool(effects="read_only", profile="subprocess")
def hoard(mebibytes: int, processes: int = 1, shared: bool = False, catch: bool = False) -> str:
    """
    Keep memory and touch all of it.

    Args:
        mebibytes: How much, in each process.
        processes: In how many processes.
        shared: In mappings that count as nobody's own.
        catch: Go on without, as often as there is none.
    """
    _begin()
    for _ in range(processes - 1):
        if os.fork() == 0:
            break
    kept: list[bytearray | mmap.mmap] = []
    while len(kept) < mebibytes:
        try:
            kept.append(mmap.mmap(-1, MEBIBYTE) if shared else bytearray(MEBIBYTE))
            kept[-1][::4096] = b"x" * 256
        except (MemoryError, OSError):
            if not catch:
                raise
            del kept[len(kept) // 2 :]
    time.sleep(LONG)
    return "kept"


@tool(effects="read_only")
def fill(folder: str, name: str = "{}", descriptor: bool = False) -> int:
    """
    Write files of a MiB each.

    Args:
        folder: Where.
        name: A name for all, which makes them one file, or a template for many.
        descriptor: Unlink each while it is open, so that it has no name.
    """
    _begin()
    kept = []
    for number in range(LONG):
        flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY
        kept.append(os.open(f"{folder}/{name.format(number)}", flags))
        if os.write(kept[-1], bytes(MEBIBYTE)) < MEBIBYTE:
            os.write(kept[-1], b"x")  # now the error that says why
        if descriptor:
            os.unlink(f"{folder}/{name.format(number)}")
        elif "{}" not in name:
            os.close(kept.pop())
    return len(kept)


@tool(effects="read_only")
def many_small_files() -> int:
    """
    Make empty files until there can be no more.
    """
    _begin()
    for number in range(10**7):
        os.close(os.open(f"/tmp/{number}", os.O_CREAT | os.O_WRONLY))
    return number


@tool(effects="read_only")
def print_on(stream: int, piece: int = 65536) -> str:
    """
    Print without end.

    Args:
        stream: 1 or 2.
        piece: Bytes at a time.
    """
    _begin()
    while True:
        os.write(stream, b"x" * piece)


@tool(effects="read_only")
def answer(size: int) -> str:
    """
    Return a text of this many bytes as JSON, quotes included.

    Args:
        size: How many.
    """
    _begin()
    return "x" * (size - 2)


@tool(effects="read_only")
def open_many() -> int:
    """
    Open descriptors until there are no more.
    """
    _begin()
    return len([os.open("/dev/null", os.O_RDONLY) for _ in range(100_000)])


@tool(effects="read_only")
def hoard_and_return(mebibytes: int) -> int:
    """
    Use this much memory, and return.

    Args:
        mebibytes: How much.
    """
    kept = bytearray(b"x") * (mebibytes * MEBIBYTE)
    return len(kept)
