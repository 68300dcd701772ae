"""
Whose call a cell serves: the one frame that a caller has a part in, read behind the last wall.

Lengths are fixed-width and texts are counted bytes; the arguments are what is left, and are the
tool's to interpret.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_HEAD = struct.Struct("!dHHHH")  # deadline, bytes of each text


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """
    One call of one tool.  `deadline`, in seconds, is on the monotonic clock, which all processes
    of a host share; `arguments` are a JSON object, as the caller sent it.
    """

    deadline: float
    tool: str = ""
    version: str = ""
    execution_id: str = ""
    call_id: str = ""
    arguments: bytes = b"{}"

    def pack(self) -> bytes:
        """
        The call as bytes.

        Raises:
            struct.error: a name or an id has 64 KiB or more.
        """
        texts = [
            text.encode() for text in (self.tool, self.version, self.execution_id, self.call_id)
        ]
        return b"".join([_HEAD.pack(self.deadline, *map(len, texts)), *texts, self.arguments])

    @classmethod
    def unpack(cls, data: bytes) -> Call:
        """
        The call that `pack` wrote.

        Raises:
            ValueError: the bytes are not a whole call.
        """
        if len(data) < _HEAD.size:
            raise ValueError("a call is cut off")
        deadline, *lengths = _HEAD.unpack_from(data)
        texts, position = [], _HEAD.size
        for length in lengths:
            texts.append(data[position : position + length].decode())
            position += length
        if position > len(data):
            raise ValueError("a call is cut off")
        tool, version, execution_id, call_id = texts
        return cls(
            deadline=deadline,
            tool=tool,
            version=version,
            execution_id=execution_id,
            call_id=call_id,
            arguments=data[position:],
        )
