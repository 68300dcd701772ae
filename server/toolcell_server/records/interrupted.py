"""
The ending of executions over which the server died.  Pure.

Nobody knows whether the tool ran, in part or to its end: its cell died with the server, its effects
did not.  Nothing is run again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import endings
from toolcell_server.records import entries

if TYPE_CHECKING:
    from toolcell_server.records.entries import Entry

_NANOSECONDS: Final = 10**9
MESSAGE: Final = "the server died over it; whether the tool ran, in part or to its end, is unknown"
_HINTS: Final = {
    True: "The tool changes nothing by running twice: call it again with a new request_id.",
    False: "Look at what the tool would have changed; only if that was not done, call it again "
    "with a new request_id.",
}


def outcome(*, repeatable: bool) -> pb.Outcome:
    """
    How it ended.  `repeatable`: the tool only reads, or may run twice; then the call may be made
    again, but as another one: the same `request_id` gets this ending for as long as it is kept.
    """
    lost = endings.lost(pb.LOST_REASON_OUTCOME_UNKNOWN, MESSAGE)
    lost.category = pb.ERROR_CATEGORY_TEMPORARY if repeatable else pb.ERROR_CATEGORY_UNKNOWN
    lost.retryable, lost.hint = repeatable, _HINTS[repeatable]
    lost.spoken = "I was interrupted, and do not know whether that was done."
    return lost


def ended(entry: Entry, now: int) -> Entry:
    """
    An execution that has only begun, with its ending.  `now` is in nanoseconds since 1970.
    """
    summary = pb.Execution.FromString(entry.summary)
    [accepted] = entries.unpacked(entry.events)
    event = pb.ExecuteResponse(
        sequence=summary.last_sequence + 1,
        execution_id=summary.execution_id,
        call_id=summary.call_id,
        finished=pb.Finished(outcome=outcome(repeatable=bool(entry.repeatable)), usage=pb.Usage()),
    )
    event.time.seconds, event.time.nanos = divmod(now, _NANOSECONDS)
    summary.state = pb.EXECUTION_STATE_FINISHED
    summary.last_sequence = event.sequence
    summary.finished_time.CopyFrom(event.time)
    summary.outcome.CopyFrom(event.finished.outcome)
    summary.usage.CopyFrom(event.finished.usage)
    whole = entry._replace(
        interrupted=True,
        ended=now,
        summary=summary.SerializeToString(),
        events=entries.packed([accepted, event.SerializeToString()]),
    )
    return whole._replace(size=entries.cost(whole))
