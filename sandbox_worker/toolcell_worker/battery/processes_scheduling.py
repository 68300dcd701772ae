"""
Attacks on everybody's share of the processors.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import Any

from toolcell_worker.battery.overstaying import bear, say


def become_a_real_time_process(_plan: dict[str, Any]) -> Any:
    """
    Such a process yields to nobody.  Outside it does so for an instant only.
    """
    reached = []
    for name, policy in (("fifo", os.SCHED_FIFO), ("round robin", os.SCHED_RR)):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, policy, os.sched_param(1))
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
            say(f"reached: {name}")
            reached.append(name)
    return reached


def become_more_important(_plan: dict[str, Any]) -> Any:
    """
    A lower value is a larger share.
    """
    before = os.getpriority(os.PRIO_PROCESS, 0)
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, before - 5)
    now = os.getpriority(os.PRIO_PROCESS, 0)
    if now < before:
        say(f"reached: priority {now}")
    return now


def start_threads_without_end(plan: dict[str, Any]) -> Any:
    """
    Threads are processes to the kernel, with a small stack.
    """
    bear(plan)
    threading.stack_size(64 * 1024)
    started = 0
    with contextlib.suppress(RuntimeError, MemoryError):
        while started < plan["threads"]:
            threading.Thread(target=time.sleep, args=(plan["seconds"],), daemon=True).start()
            started += 1
    time.sleep(plan["seconds"])  # for the oracle to count, and for the limit to be noticed
    return started
