"""
What the audit log keeps in mind of one execution while it runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

if TYPE_CHECKING:
    from toolcell_server.execution import Execution


@dataclass(slots=True)
class Seen:
    """
    `denials` counts all verdicts; `seconds` is the time from acceptance to the ending;
    `result` is whole: the ending itself is cut for the wire before its record is made.
    `fell_back` says in place of what tool another one ran; `ran` is the execution of that one.
    """

    attempts: int = 0
    denials: int = 0
    seconds: float = 0.0
    started: pb.Started = field(default_factory=pb.Started)
    finished: pb.Finished | None = None
    result: bytes = b""
    fell_back: pb.FellBack | None = None
    ran: Execution | None = None
