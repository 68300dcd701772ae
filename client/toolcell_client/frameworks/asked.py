"""
Calls that wait for a yes, in the memory of this program.

Theory of operation.  A framework stops for a person, keeps what it knows in a checkpoint that other
programs may read, and begins the call again afterwards.  The token of an approval must be in no
checkpoint; so it waits here.  A call finds its question by what it is: id, tool, version and
arguments.  If the program was started again meanwhile, nothing is found: the call asks a new
question, and the yes that the framework remembers, for the same arguments, answers it.

What another principal approves at the server is found without the id, too: a model that was told to
call again later writes a new one.  Such a question needs no secret of the person who sits here.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolcell_client.frameworks.one_call import OneCall

MOST = 100  # arbitrary; more than a principal may have waiting by default


class Asked:
    """
    Keeps the newest.  Safe to use from many threads.
    """

    def __init__(self) -> None:
        self._kept: deque[OneCall] = deque(maxlen=MOST)
        self._lock = threading.Lock()

    def keep(self, call: OneCall) -> None:
        with self._lock:
            self._kept.append(call)

    def drop(self, call: OneCall) -> None:
        """
        This one need not wait any more.
        """
        with self._lock:
            if call in self._kept:
                self._kept.remove(call)

    def take(self, call: OneCall) -> OneCall | None:
        """
        The same call, which waits already; whoever goes on to wait keeps it again.
        """
        with self._lock:
            found = next((each for each in self._kept if _same(each, call)), None)
            if found is not None:
                self._kept.remove(found)
            return found


def _same(kept: OneCall, call: OneCall) -> bool:
    one, other = kept.planned, call.planned
    if one.tool is None or (one.tool, one.arguments_json) != (other.tool, other.arguments_json):
        return False
    elsewhere = kept.question is not None and kept.question.kind == "approve"
    return elsewhere or one.call.call_id == other.call.call_id
