"""
Tools that print: much, in odd pieces, and just before they end badly.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator

from toolcell_worker import Context, tool

LONG = 600


def numbered(size: int, salt: int) -> bytes:
    """
    Bytes of all values, of which every stretch tells where it was; no line ends on purpose.
    """
    words = ((number * 2654435761 + salt) % 2**32 for number in range(size // 4 + 1))
    return b"".join(word.to_bytes(4, "big") for word in words)[:size]


def write_all(descriptor: int, data: bytes, piece: int) -> None:
    for at in range(0, len(data), piece):
        view = memoryview(data)[at : at + piece]
        while view:
            view = view[os.write(descriptor, view) :]


@tool(effects="read_only")
def print_numbered(size: int, piece: int = 65536, stderr: bool = False) -> int:
    """
    Print numbered bytes on stdout, and others on stderr in between.

    Args:
        size: How many on each.
        piece: How many at a time.
        stderr: Whether to print on stderr at all.
    """
    out, err = numbered(size, 1), numbered(size, 2)
    for at in range(0, size, piece):
        write_all(1, out[at : at + piece], piece)
        if stderr:
            write_all(2, err[at : at + piece], piece)
    return size


@tool(effects="read_only")
def print_flood(pieces: int) -> int:
    """
    Print the same 64 KiB over and over.

    Args:
        pieces: How often.
    """
    piece = numbered(65536, 3)
    for _ in range(pieces):
        write_all(1, piece, 65536)
    return pieces


@tool(effects="read_only", profile="subprocess")
def print_and_end(size: int, how: str) -> str:
    """
    Print numbered bytes and end badly at once.

    Args:
        size: How many bytes.
        how: "exit", "kill", "abort", "segfault", "raise", "memory", "wall" or "child".
    """
    if how == "child":
        if os.fork() == 0:
            write_all(1, numbered(size, 1), 65536)
            os._exit(0)
        os.wait()
        return how
    write_all(1, numbered(size, 1), 65536)
    match how:
        case "exit":
            os._exit(7)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "abort":
            os.abort()
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "raise":
            raise ValueError("as asked")
        case "memory":
            return str(len(bytearray(2**40)))
        case "wall":
            time.sleep(LONG)
    return how


@tool(effects="read_only")
def print_without_flushing(text: str) -> str:
    """
    Print as Python does, on both streams, and leave the rest to the interpreter.

    Args:
        text: What.
    """
    sys.stdout.write(text)
    sys.stderr.write(text.upper())
    return text


@tool(effects="read_only")
def yield_much(size: int) -> Iterator[str]:
    """
    Yield a text of this many bytes as JSON, quotes included.

    Args:
        size: How many.
    """
    yield "x" * (size - 2)


@tool(effects="read_only")
def print_in_order(count: int, context: Context) -> Iterator[int]:
    """
    Print, report and yield in turn.

    Args:
        count: How often.
    """
    for number in range(count):
        os.write(1, f"{number}\n".encode())
        context.progress(number / count, str(number))
        yield number


@tool(effects="read_only")
def count_slowly(to: int) -> int:
    """
    Count aloud, a hundred numbers a second.

    Args:
        to: The last number.
    """
    for number in range(1, to + 1):
        print(number, flush=True)
        time.sleep(0.01)
    return to


@tool(effects="read_only")
def sleep_on(context: Context) -> str:
    """
    Sleep.
    """
    print("before", flush=True)
    context.progress(message="sleeping")
    time.sleep(LONG)
    return "slept"


@tool(effects="read_only")
def yield_numbers(count: int) -> Iterator[int]:
    """
    Yield numbers as fast as they are taken.

    Args:
        count: How many.
    """
    yield from range(count)
