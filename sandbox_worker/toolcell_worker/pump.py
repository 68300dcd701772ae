"""
Passes a program's output on as it comes, and keeps a bounded part of it.
"""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

    from toolcell_worker.capture import Capture

CHUNK_BYTES = 64 * 1024
LINGERING_MILLISECONDS = 50  # how often to look whether it has ended and left its pipes open


def pump(process: subprocess.Popen[bytes], routes: dict[int, tuple[int, Capture]]) -> None:
    """
    Until the program has ended and its pipes are empty: read each source, write what comes to its
    target, keep it.  `routes` maps a source descriptor to a target descriptor and a capture.
    """
    poller = select.poll()
    for source in routes:
        poller.register(source, select.POLLIN)
    waiting = set(routes)
    while waiting:
        ended = process.poll() is not None
        ready = poller.poll(0 if ended else LINGERING_MILLISECONDS)
        if ended and not ready:
            return  # something that it started still holds a pipe
        for source, _ in ready:
            target, capture = routes[source]
            chunk = os.read(source, CHUNK_BYTES)
            if chunk:
                capture.feed(chunk)
                _write_all(target, chunk)
            else:
                poller.unregister(source)
                waiting.discard(source)


def _write_all(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]
