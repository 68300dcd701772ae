"""
Attacks by work: more of the processor than allowed, in places where nobody counts.
"""

from __future__ import annotations

import hashlib
import re
import signal
import threading
import time
import zlib
from typing import Any

from toolcell_worker.battery.overstaying import bear, child, say, together


def burn_on_many_threads(plan: dict[str, Any]) -> Any:
    """
    Hashing lets go of the interpreter's lock: each thread has a processor.
    """
    bear(plan)
    data = bytes(2**20)

    def burn() -> None:
        while time.process_time() < plan["cpu"]:
            hashlib.sha256(data).digest()

    threading.stack_size(256 * 1024)  # small, lest another limit ends them
    threads = [threading.Thread(target=burn) for _ in range(plan["threads"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say(f"reached: {plan['cpu']} seconds of the processors")


def burn_in_many_processes(plan: dict[str, Any]) -> Any:
    """
    The limit of each process is never reached, that of their sum is.
    """
    bear(plan)
    share = plan["cpu"] / plan["processes"]

    def burn() -> None:
        while time.process_time() < share:
            pass

    if together([burn] * plan["processes"]):
        say(f"reached: {plan['cpu']} seconds of the processors")


def burn_in_processes_that_nobody_waits_for(plan: dict[str, Any]) -> Any:
    """
    Whoever ignores SIGCHLD is never told what its children have used, and the kernel forgets it.
    """
    bear(plan)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    end = time.monotonic() + plan["seconds"]
    while time.monotonic() < end:
        child(lambda: _burn(min(end, time.monotonic() + plan["each"])))
        time.sleep(plan["each"])
    say("reached: children that nobody waited for burned as long as they liked")


def _burn(end: float) -> None:
    while time.monotonic() < end:
        pass


def match_for_ever(plan: dict[str, Any]) -> Any:
    """
    A pattern that tries every way to divide a text, while the interpreter is locked.
    """
    bear(plan)
    # Outside nobody else would ever end it.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, plan["seconds"])
    re.match(r"(?:a+)+$", "a" * 64 + "b")


def blow_up_an_archive(plan: dict[str, Any]) -> Any:
    """
    A kilobyte that becomes a mebibyte, many times.
    """
    bear(plan)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    unpacked = zlib.decompressobj(-15).decompress(piece * plan["mebibytes"])
    say(f"reached: {len(unpacked)} bytes were unpacked at once")
    time.sleep(plan["seconds"])
