"""
The floor of a fresh process: fork, exit, wait, one after another on one core.

Run as `python -I forks.py SECONDS [ROOM]`; prints how many a second.  With ROOM, the folder of
`toolcell_worker`, the interpreter has first loaded what a zygote has: each fork copies the page
tables of whatever is loaded.
"""

import os
import sys
import time


def rate(seconds: float) -> float:
    """
    Forks a second.
    """
    count = 0
    began = time.perf_counter()
    while time.perf_counter() < began + seconds:
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        count += 1
    return count / (time.perf_counter() - began)


def load(room: str) -> None:
    """
    Import what a zygote imports, and freeze it as a zygote does.
    """
    import gc

    sys.path.insert(0, room)
    from toolcell_worker import loading, zygote

    assert loading
    assert zygote
    gc.collect()
    gc.freeze()
    gc.disable()


if __name__ == "__main__":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for each in sys.argv[2:]:
        load(each)
    print(rate(float(sys.argv[1])))
