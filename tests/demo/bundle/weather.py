"""
Two tools as a user would write them.
"""

import time
from collections.abc import Iterator

from toolcell_worker import Context, tool


@tool(effects="read_only")
def forecast(city: str, days: int, context: Context) -> Iterator[dict[str, object]]:
    """
    Forecast the weather of a city, day by day.

    Args:
        city: Name of the city.
        days: How many days to look ahead.
    """
    for day in range(1, days + 1):
        print(f"computing day {day} for {city}")
        context.progress(day / days, f"day {day} of {days}")
        time.sleep(0.1)
        yield {"day": day, "celsius": 15 + (day * 7) % 5}


@tool(effects="read_only", profile="subprocess", limits={"memory_bytes": 128 * 2**20})
def eight_hoarders(mebibytes: int) -> str:
    """
    Start eight processes that each hold some memory; together they are too much.

    Args:
        mebibytes: How much each of them holds.
    """
    import os

    for _ in range(8):
        if os.fork() == 0:
            kept = bytearray(mebibytes * 2**20)
            kept[::4096] = b"x" * len(kept[::4096])
            time.sleep(60)
            os._exit(0)
    time.sleep(60)
    return "nobody noticed"


@tool(effects="read_only", profile="subprocess", limits={"processes": 16})
def fork_bomb() -> str:
    """
    Fork as fast as possible, for ever.
    """
    import os

    while True:
        try:
            os.fork()
        except OSError:
            time.sleep(0.001)


@tool(effects="read_only", profile="subprocess")
def fork_politely(children: int) -> int:
    """
    Fork some children, one after the other, and count those that ended well.

    Args:
        children: How many.
    """
    import os

    ended = 0
    for _ in range(children):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        ended += os.waitpid(pid, 0)[1] == 0
        time.sleep(0.01)
    return ended


@tool(effects="read_only")
def count_slowly(to: int) -> int:
    """
    Count aloud, twenty numbers a second.

    Args:
        to: The last number.
    """
    for number in range(1, to + 1):
        print(number)
        time.sleep(0.05)
    return to
