"""
What is written of an execution into the database, and read again.  Pure.

Theory of operation.  The events of an execution are serialized already, in its journal: the last of
them, up to `EVENTS_BYTES`, and the ending are written as they are.  Most executions have no more,
so that a replay after a restart is the very stream that the first caller saw.  A result above a
bound is left out, and the ending says so (`Finished.result_left_out`): the database is no store of
files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.records.bygone import Bygone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from toolcell_server.record import Record

EVENTS_BYTES: Final = 64 * 1024  # arbitrary; as much as `Run` tells of one stream
ROW_BYTES: Final = 512  # what a row costs beside its blobs: its ids, three times, and its frame
_LENGTH: Final = 4  # bytes


class Entry(NamedTuple):
    """
    A row, in the order of the columns.  `asked` is the tool as the caller named it.  `ended` is in
    nanoseconds since 1970; None: it runs, or the server died over it.  `request_id` None: there is
    none.
    """

    number: int
    execution_id: str
    principal: str
    tool: str
    asked: str
    request_id: str | None
    fingerprint: bytes | None
    repeatable: bool
    interrupted: bool
    ended: int | None
    size: int
    summary: bytes
    events: bytes
    answer: bytes

    def bygone(self) -> Bygone:
        """
        The execution, as it is told of.
        """
        return Bygone(
            number=self.number,
            summary=pb.Execution.FromString(self.summary),
            events=list(unpacked(self.events)),
            answer=pb.RunResponse.FromString(self.answer),
            interrupted=bool(self.interrupted),
        )


def begun(record: Record, fingerprint: bytes, *, repeatable: bool) -> Entry:
    """
    What is written before anything runs.
    """
    return Entry(
        *_named(record),
        fingerprint=fingerprint,
        repeatable=repeatable,
        interrupted=False,
        ended=None,
        size=0,
        summary=record.to_proto().SerializeToString(),
        events=packed([record.journal.get(1)]),
        answer=b"",
    )


def ended(record: Record, now: int, result_bytes: int) -> Entry:
    """
    What is written of an ending; results of more than `result_bytes` are left out.
    """
    journal, ending = record.journal, record.last_event()
    summary, finished = record.to_proto(ending), ending.finished
    events = _last_events(record)
    if finished.result_bytes > result_bytes:
        events = [*events, _without_result(ending, result_bytes)]
        if not finished.result_json:  # it came in chunks
            del events[:-1]
    else:
        events += [journal.get(at) for at in range(journal.ending, journal.last + 1)]
    summary.earliest_sequence = journal.last - len(events) + 1
    blobs = summary.SerializeToString(), packed(events), _answer(record)
    return Entry(
        *_named(record),
        fingerprint=None,
        repeatable=False,
        interrupted=False,
        ended=now,
        size=_cost(*blobs),
        summary=blobs[0],
        events=blobs[1],
        answer=blobs[2],
    )


def cost(entry: Entry) -> int:
    """
    How much of the database's room it takes, about, in bytes.
    """
    return _cost(entry.summary, entry.events, entry.answer)


def _cost(*blobs: bytes) -> int:
    return ROW_BYTES + sum(map(len, blobs))


def packed(events: Sequence[bytes]) -> bytes:
    """
    Events, each behind its length.
    """
    return b"".join(len(data).to_bytes(_LENGTH, "big") + data for data in events)


def unpacked(data: bytes) -> Iterator[bytes]:
    """
    What was packed.
    """
    at = 0
    while at < len(data):
        end = at + _LENGTH + int.from_bytes(data[at : at + _LENGTH], "big")
        yield data[at + _LENGTH : end]
        at = end


def _named(record: Record) -> tuple[int, str, str, str, str, str | None]:
    """
    The first columns: what does not change.
    """
    said = record.execution_id, record.principal, record.tool, record.asked
    return record.number, *said, record.request_id or None


def _answer(record: Record) -> bytes:
    tails = record.tails
    if not tails.kept_bytes and not tails.denials:
        return b""  # as most have it
    return pb.RunResponse(
        stdout_tail=tails.stdout, stderr_tail=tails.stderr, denials=tails.denials
    ).SerializeToString()


def _last_events(record: Record) -> list[bytes]:
    """
    As many of those before the ending as there is room for.
    """
    journal, kept, room = record.journal, list[bytes](), EVENTS_BYTES
    for sequence in range(journal.ending - 1, journal.earliest - 1, -1):
        data = journal.get(sequence)
        room -= len(data)
        if room < 0:
            break
        kept.append(data)
    return kept[::-1]


def _without_result(event: pb.ExecuteResponse, result_bytes: int) -> bytes:
    finished = event.finished
    finished.ClearField("result_json")
    finished.result_left_out = True
    finished.outcome.message = (
        f"the tool completed; its result of {finished.result_bytes} bytes is gone, because results"
        f" of more than {result_bytes} bytes are not kept over a restart"
    )
    finished.outcome.hint = "The work is done; only ask again for what it returned."
    finished.outcome.spoken = "That is done, but I no longer have the details."
    return event.SerializeToString()
