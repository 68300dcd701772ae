"""
Tools that never end by themselves, or leave behind what does not.
"""

import os
import signal
import threading
import time

from toolcell_worker import tool

MEBIBYTE = 2**20
LONG = 600


def _begin() -> None:
    os.write(1, b"begun")


@tool(effects="read_only")
def sleep_on(stopped: bool = False) -> str:
    """
    Sleep, deaf to every signal that can be ignored.

    Args:
        stopped: Stop the process itself, which cannot then do anything at all.
    """
    _begin()
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            continue
    if stopped:
        os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(LONG)
    return "slept"


@tool(effects="read_only")
def close_everything() -> str:
    """
    Close every descriptor, so that each pipe looks as if the tool had ended, and go on.
    """
    _begin()
    os.closerange(0, 1024)
    time.sleep(LONG)
    return "slept"


@tool(effects="read_only", profile="subprocess")
def spin(processes: int = 1) -> str:
    """
    Compute without end.

    Args:
        processes: In how many processes; each alone may stay below the limit.
    """
    _begin()
    for _ in range(processes - 1):
        if os.fork() == 0:
            break
    while True:
        pass


@tool(effects="read_only", profile="subprocess")
def spin_in_turns() -> str:
    """
    Compute in one short-lived child after the other.
    """
    _begin()
    while True:
        if os.fork() == 0:
            until = time.process_time() + 0.2
            while time.process_time() < until:
                pass
            os._exit(0)
        os.wait()


@tool(effects="read_only", profile="subprocess")
def fork_bomb() -> str:
    """
    Fork as fast as possible, in every process, for ever.
    """
    _begin()
    while True:
        try:
            os.fork()
        except OSError:
            time.sleep(0.001)


@tool(effects="read_only", profile="subprocess")
def start_many_threads() -> int:
    """
    Start threads until there can be no more.
    """
    _begin()
    threading.stack_size(65536)
    for _ in range(10_000):
        threading.Thread(target=time.sleep, args=(LONG,), daemon=True).start()
    return threading.active_count()


@tool(effects="read_only", profile="subprocess")
def leave_a_daemon() -> int:
    """
    Return at once, and leave a process behind that holds the pipes and ignores signals.
    """
    _begin()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        time.sleep(LONG)
        os._exit(0)
    return pid


@tool(effects="read_only", profile="subprocess")
def fork_some(processes: int) -> int:
    """
    Have this many children at one time, and count those that ended well.

    Args:
        processes: How many.
    """
    reading, writing = os.pipe()
    pids = []
    for _ in range(processes):
        pids.append(os.fork())
        if pids[-1] == 0:
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
    os.close(writing)
    return sum(os.waitpid(pid, 0)[1] == 0 for pid in pids)
