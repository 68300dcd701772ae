"""
What metrics and logs say of an ending, in the same words.  Pure.
"""

from __future__ import annotations

from typing import assert_never

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.durations import NANOSECONDS


def label(outcome: pb.Outcome) -> str:
    """
    One of a closed set: `completed`, `failed`, `exceeded_<limit>`, `violated`, `cancelled`, `lost`.

    An ending that does not say how is a fault of ours, hence `lost`.
    """
    kind = outcome.WhichOneof("kind")
    match kind:
        case "exceeded":
            return f"exceeded_{limit(outcome.exceeded.limit)}"
        case "completed" | "failed" | "violated" | "cancelled" | "lost":
            return str(kind)
        case None:
            return "lost"
        case _:
            assert_never(kind)


def limit(value: pb.Limit.ValueType) -> str:
    """
    The word of a limit, as in `wall` or `open_files`; `unspecified` for a number that is none.
    """
    if value not in pb.Limit.values():
        return "unspecified"
    return pb.Limit.Name(value).removeprefix("LIMIT_").lower()


def cpu_seconds(usage: pb.Usage) -> float:
    """
    Processor time in user mode and in the kernel together.
    """
    return sum(
        span.seconds + span.nanos / NANOSECONDS for span in (usage.cpu_user, usage.cpu_system)
    )
