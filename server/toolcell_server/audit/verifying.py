"""
Whether a log is what was written: record by record, file by file.  Pure.

Theory of operation.  Each record must be its own bytes, follow the record before by number and by
hash, and belong to this log.  After a complaint the reader goes on from what it found, so that one
change is one complaint, and not one for each record after it.  A file may be missing only at the
beginning, and only if a later record says that retention deleted it.  With keys, each checkpoint
must be signed by one of them, and none may be far from the one before: a log that was written anew
without the key has none.  With the copy of the latest checkpoint, the log must reach it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.audit import checkpoints, lines
from toolcell_server.audit.checkpoints import Checkpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.audit.lines import Line
    from toolcell_server.audit.signing import PublicKey

OPENED: Final = "audit.opened"
DELETED: Final = "audit.deleted"
# Between the record that makes a checkpoint due and the checkpoint; one, and one to spare.
SLACK: Final = 2
MAXIMUM_COMPLAINTS: Final = 100


@dataclass(frozen=True, slots=True)
class Complaint:
    """
    What is wrong, and where: file, number of the line from 1 (0: the file as such), record.
    """

    file: str
    line: int
    sequence: int
    what: str

    def __str__(self) -> str:
        at = f"{self.file}:{self.line}" if self.line else self.file
        record = f" record {self.sequence}:" if self.sequence else ""
        return f"{at}:{record} {self.what}" if at else self.what


@dataclass(slots=True)
class Verification:
    """
    Takes the lines of a log in order; `finish` completes the complaints.

    `start` is where a log stands of which only the last files are read: its source, and the number
    and hash of the record before.  `others`: checkpoints of other keys, and without one, are no
    complaint; a server changes its key now and then.
    """

    keys: Sequence[PublicKey] = ()
    copy: Checkpoint | None = None
    start: tuple[str, int, str] | None = None
    others: bool = False
    complaints: list[Complaint] = field(default_factory=list)
    records: int = 0
    signed: int = 0
    last: Line | None = None
    checkpoint: Checkpoint | None = None  # the latest of the log's own
    first: tuple[int, str] | None = None  # number of the first record, and the hash it follows
    _file: str = ""
    _line: int = 0
    _every: int = 0
    _head_of_copy: str = ""
    _deleted: set[tuple[int, str]] = field(default_factory=set)
    _to_be_deleted: set[tuple[int, str]] = field(default_factory=set)

    def begin(self, file: str) -> None:
        """
        The lines that come are that file's.
        """
        self._file, self._line = file, 0

    def missing(self, file: str) -> None:
        """
        A file that should be between two others is not there.
        """
        self.complaints.append(Complaint(file, 0, 0, "the file is missing"))

    def add(self, raw: bytes) -> Line | None:
        """
        The next line, without its line feed; what it holds, if it is a record.
        """
        self._line += 1
        try:
            line = lines.read(raw)
        except lines.NotALine as exc:
            self._complain(0, f"is no record: it {exc}")
            return None
        self.records += 1
        if not line.intact:
            self._complain(line.sequence, "was changed: its bytes do not give its hash")
        self._check_place(line)
        if self._line == 1 and not _opens(line, self._file):
            self._complain(line.sequence, "is not the first of a file of this name")
        if self.copy and line.sequence == self.copy.count and line.source == self.copy.source:
            self._head_of_copy = line.hash
        self._note(line)
        self.last = line
        return line

    def torn(self, tail_bytes: int) -> None:
        """
        The last line of this file has no end.
        """
        self._line += 1
        self._complain(0, f"the last line is torn: {tail_bytes} bytes without an end")

    def finish(self) -> list[Complaint]:
        """
        All complaints.
        """
        self._line = 0
        if self.first and self.first[0] > 1 and self.first not in self._deleted:
            self._complain(0, f"records 1 to {self.first[0] - 1} are missing, and no record says"
                " that they were deleted")  # fmt: skip
        if self.keys and not self.signed and self.records and not self.others:
            self._complain(0, "no checkpoint is signed by a given key: the log was written without")
        if self.copy:
            self._check_copy(self.copy)
        return self.complaints

    @property
    def unsigned(self) -> int:
        """
        How many records came after the latest checkpoint.
        """
        if self.last is None:
            return 0
        return self.last.sequence - (self.checkpoint.count + 1 if self.checkpoint else 0)

    def _check_place(self, line: Line) -> None:
        source, sequence, previous = self._before(line)
        if line.source != source:
            anew = line.sequence == 1 and line.previous == lines.NO_HASH
            reason = "a new log begins here" if anew else "belongs to another log"
            self._complain(line.sequence, f"{reason}, and the one before has no end")
        elif line.sequence > sequence + 1:
            gap = f"records {sequence + 1} to {line.sequence - 1} are missing before it"
            self._complain(line.sequence, gap)
        elif line.sequence <= sequence:
            self._complain(line.sequence, f"is out of order: it comes after record {sequence}")
        elif line.previous != previous:
            self._complain(
                line.sequence, "does not follow the record before it: one of them was replaced"
            )

    def _before(self, line: Line) -> tuple[str, int, str]:
        if self.last:
            return self.last.source, self.last.sequence, self.last.hash
        if self.start:
            return self.start
        self.first = (line.sequence, line.previous)
        if line.sequence == 1 and line.previous != lines.NO_HASH:
            self._complain(1, "is the first record, and follows another")
        return line.source, line.sequence - 1, line.previous

    def _note(self, line: Line) -> None:
        if line.type == DELETED:
            last, head = line.data.get("last"), line.data.get("head")
            if type(last) is int and isinstance(head, str):
                # With keys it counts once a signed checkpoint covers it.
                (self._to_be_deleted if self.keys else self._deleted).add((last + 1, head))
        elif line.type == checkpoints.TYPE:
            self._check_checkpoint(line)
        elif line.type == OPENED:
            every = line.data.get("checkpoint_records")
            self._every = every if type(every) is int and every > 0 else self._every
        if self.keys and self._every and self.unsigned == self._every + SLACK:
            self._complain(line.sequence, f"no checkpoint for {self.unsigned} records before it")

    def _check_checkpoint(self, line: Line) -> None:
        try:
            found = Checkpoint.parse(line.data.get("checkpoint", {}))
        except (TypeError, ValueError, AttributeError):
            self._complain(line.sequence, "is no checkpoint")
            return
        at = (found.source, found.count, found.head)
        if at != (line.source, line.sequence - 1, line.previous):
            self._complain(line.sequence, "is a checkpoint of other records than those before it")
        if self.keys:
            self._check_signature(line, found)
        self.checkpoint = found

    def _check_signature(self, line: Line, found: Checkpoint) -> None:
        fault = found.fault(self.keys)
        if not fault:
            self.signed += 1
            self._deleted |= self._to_be_deleted
            self._to_be_deleted.clear()
        elif not (self.others and all(key.id != found.key for key in self.keys)):
            self._complain(line.sequence, f"the checkpoint {fault}")

    def _check_copy(self, copy: Checkpoint) -> None:
        if self.keys and not self.others and (fault := copy.fault(self.keys)):
            self._complain(0, f"the copy of the checkpoint {fault}")
        last = self.last.sequence if self.last else 0
        first = self.start[1] + 1 if self.start else (self.first or (1, ""))[0]
        if self.last and self.last.source != copy.source:
            self._complain(0, "the copy of the checkpoint is of another log: this one was replaced")
        elif copy.count > last:
            self._complain(
                last, f"the log ends here, and its checkpoint knows {copy.count} records: it was"
                " cut short, or put back as it was before",
            )  # fmt: skip
        elif copy.count >= first and self._head_of_copy != copy.head:
            self._complain(copy.count, "is not what the copy of the checkpoint says: it was"
                " written anew")  # fmt: skip

    def _complain(self, sequence: int, what: str) -> None:
        if len(self.complaints) < MAXIMUM_COMPLAINTS:
            self.complaints.append(Complaint(self._file, self._line, sequence, what))


def _opens(line: Line, file: str) -> bool:
    data: dict[str, Any] = line.data
    return line.type == OPENED and data.get("file") == file and data.get("why") != "resumed"
