"""
A call of a tool that does nothing, in a cell that waits for its call.

Theory of operation.  A forked process copies each page of its parent's that it writes to, and
Python writes nearly wherever it runs.  Some 250 of these copies a cell takes only when it has its
call, and its caller would wait for them.  So it does everything that there is around a tool once
before, for a tool of ours, into a pipe that nobody reads.  No work is saved by that: it is done
while nobody waits.

What that leaves in the process is what any call finds there: compiled code that has been run, and
pages of its own.
"""

from __future__ import annotations

from typing import Any

import msgspec

from toolcell_worker import wire
from toolcell_worker.wire import Call, Frame

TOOL, VERSION = "-", "1"  # no tool can have that name
_CALL = Call(
    deadline=0.0,
    tool=TOOL,
    version=VERSION,
    execution_id="0" * 32,
    arguments=b'{"text": "rehearsed", "numbers": [1, 2.5]}',
).pack()
CALL = wire.HEADER.pack(Frame.CALL, len(_CALL)) + _CALL


class Nothing:
    """
    What a catalogue would hold of it (`definition.LoadedTool`).
    """

    folder = ""

    def __init__(self) -> None:
        self.manifest: dict[str, Any] = {"paths": ()}

    def call(self, arguments: bytes | dict[str, Any], _context: object) -> Any:
        return msgspec.json.decode(arguments) if isinstance(arguments, bytes) else arguments

    def check_result(self, encoded: bytes) -> None:
        """
        It promises nothing.
        """
