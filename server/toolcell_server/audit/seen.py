"""
What the audit log keeps in mind of one execution while it runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from toolcell.v1 import execution_pb2 as pb


@dataclass(slots=True)
class Seen:
    """
    `denials` counts all verdicts; `seconds` is the time from acceptance to the ending;
    `result` is whole: the ending itself is cut for the wire before its record is made.
    """

    attempts: int = 0
    denials: int = 0
    seconds: float = 0.0
    started: pb.Started = field(default_factory=pb.Started)
    fell_back: pb.FellBack | None = None
    finished: pb.Finished | None = None
    result: bytes = b""
