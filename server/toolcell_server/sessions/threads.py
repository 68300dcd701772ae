"""
The threads that look into workspaces: the event loop waits for no disk.
"""

from __future__ import annotations

import concurrent.futures
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from toolcell_server.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

THREADS: Final = 4  # arbitrary; of the server's own, so that a slow disk keeps nobody else waiting

_Given = ParamSpec("_Given")
_Found = TypeVar("_Found")


class Threads:
    """
    Lives on one event loop; a thread is started when it is first needed.
    """

    def __init__(self) -> None:
        self._pool = concurrent.futures.ThreadPoolExecutor(THREADS, "sessions")

    async def run(
        self, work: Callable[_Given, _Found], *given: _Given.args, **named: _Given.kwargs
    ) -> _Found:
        """
        What `work` returns, or raises.  Whoever is cancelled meanwhile waits until it has: what it
        works on is not given away under it.
        """
        return await in_thread(lambda: work(*given, **named), pool=self._pool)

    def close(self) -> None:
        self._pool.shutdown()
