"""
What was cut from answers, kept for the model of one conversation.

Theory of operation.  The store is an object of the conversation, so a handle of another one is
simply not in it.  It forgets the oldest when it has too many or too large ones: that is said to the
model, which can call the tool again.  Handles are random (64 bits), so that one that a model makes
up, or remembers from another conversation, names nothing here by chance.

A loop that says nothing of all this has the store of its client.  Conversations that share a client
then share a bound, and only who has a handle can read: it is in the history of the conversation
whose result was cut, and nowhere else.  A program that serves several people with one client, and
does not want to rely on that, gives each conversation a store of its own.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.offered import OfferedTool
from toolcell_client.loops.bounding import text_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Self

    from toolcell_client.formats.toolset import Toolset

READ_RESULT = OfferedTool(
    name="read_result",
    title="Read the rest of a result",
    description="Reads more of a result that was too long to be shown whole. Give the handle that"
    " came with it, and what to read: a part by `offset` and `length` in characters, one value of"
    " it by `path` (a JSON Pointer, as /items/17/name), or where a text stands by `search`.",
    parameters={
        "type": "object",
        "properties": {
            "handle": {"type": "string", "description": "The handle that came with the result."},
            "offset": {"type": "integer", "minimum": 0, "description": "First character; 0."},
            "length": {"type": "integer", "minimum": 1, "description": "How many characters."},
            "path": {"type": "string", "description": "A JSON Pointer into the result."},
            "search": {"type": "string", "description": "Text to look for; capitals do not count."},
        },
        "required": ["handle"],
        "additionalProperties": False,
    },
    effects="read_only",
    idempotent=True,
)


@dataclass(frozen=True, slots=True)
class Kept:
    """
    A whole result, and its text.
    """

    value: Any
    text: str


def readable(toolset: Toolset) -> Toolset:
    """
    The toolset with `read_result`, unless another tool has that name.
    """
    if READ_RESULT.name in toolset.tools:
        return toolset
    return toolset.with_tools([READ_RESULT])


class KeptResults:
    """
    The whole results of one conversation that were shown in part; safe to use from many threads.
    """

    def __init__(self, *, results: int = 50, characters: int = 16_000_000) -> None:
        self._room, self._characters = results, characters
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._used = 0

    def keep(self, value: Any) -> str:
        """
        Keep a result, and return its handle; "" if it alone is too large.
        """
        one = Kept(value, text_of(value))
        if len(one.text) > self._characters:
            return ""
        handle = f"r-{secrets.token_hex(8)}"
        with self._lock:
            self._kept[handle] = one
            self._used += len(one.text)
            while len(self._kept) > self._room or self._used > self._characters:
                _, gone = self._kept.popitem(last=False)
                self._used -= len(gone.text)
        return handle

    def get(self, handle: str) -> Kept | None:
        with self._lock:
            return self._kept.get(handle)

    def offered(self, toolset: Toolset) -> Toolset:
        """
        The toolset, with `read_result` if there is something to read.
        """
        return readable(toolset) if self._kept else toolset

    def usable(self, toolset: Toolset) -> Self | None:
        """
        This store, unless another tool is called as the tool that reads it: a model would send its
        handle there.
        """
        taken = {*toolset.tools, *toolset.aliases.values()}
        ours = toolset.tools.get(READ_RESULT.name) is READ_RESULT
        return self if ours or READ_RESULT.name not in taken else None

    def allowed(self, only: Collection[str] | None) -> Collection[str] | None:
        """
        The same for the names of tools that are allowed.
        """
        return only if only is None or not self._kept else {*only, READ_RESULT.name}
