"""
Where the log stands at start: after a clean end, after a crash, or after somebody meddled with it.

Theory of operation.  A process that is killed leaves whole batches; a host that loses its power may
leave half a line, or zeros, at the end of the newest file.  That much is cut off into a file of its
own (`audit-00000007.torn`), and a record says so; nothing is thrown away.  Anything else that does
not verify is no crash: the server refuses to start, or, if the operator said so, begins a new log
in a new file, whose first record says why.  It never appends to what it cannot vouch for.

Read are the newest file and the copy of the checkpoint; `toolcell audit verify` reads the rest.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell_server.audit import checkpoints, reading
from toolcell_server.audit import folder as folders
from toolcell_server.audit.chain import Chain
from toolcell_server.audit.folder import AuditUnusable
from toolcell_server.audit.lines import NotALine, read
from toolcell_server.audit.verifying import Verification

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from toolcell_server.audit.checkpoints import Checkpoint
    from toolcell_server.audit.signing import PublicKey


@dataclass(frozen=True, slots=True)
class Resumed:
    """
    Where to go on: the chain, the number of the newest file (0: there is none), whether to write
    on in it, and what the first record should say of the past.
    """

    chain: Chain
    number: int
    append: bool
    past: dict[str, Any]


def resume(
    folder: Path, copy: Path | None, *, anew: bool, keys: Sequence[PublicKey] = ()
) -> Resumed:
    """
    Where the log in that folder stands.  `copy` is the file of the latest checkpoint; `anew`: a
    log that does not verify is left as it is, and another begun.  What claims to be signed by one
    of the `keys` must be.

    Raises:
        AuditUnusable: it does not verify, or cannot be read.
    """
    files = folders.files(folder)
    # A newest file without a whole record was begun and no more; the one before is the newest.
    torn = _set_torn_aside(files.pop()) if files and not _whole(files[-1]) else 0
    verification = Verification(keys=keys, copy=_copy(copy), others=True)
    if len(files) > 1:
        verification.start = _end(files[-2])
    # An incomplete last line is no complaint here.
    reading.verify(files[-1:], verification, in_use=True)
    complaint = _missing(files) or next(map(str, verification.complaints), "")
    number = folders.number(files[-1].name) if files else 0
    if complaint and not anew:
        raise AuditUnusable(
            f"the audit log in {folder} does not verify: {complaint}; find out who changed it"
            " (toolcell audit verify), move its files away, or set audit.on_broken = 'new_log'"
        )
    last = verification.last
    past: dict[str, Any] = {"unverified": complaint} if complaint else {}
    if complaint or last is None:
        chain = Chain(uuid.uuid4().hex)
    else:
        torn += _set_torn_aside(files[-1])
        past = {"crashed": last.type != checkpoints.TYPE}
        chain = Chain(last.source, last.sequence, last.hash)
    if torn:
        past["torn_bytes"] = torn
    append = not complaint and last is not None
    return Resumed(chain, number, append=append, past=past)


def _copy(path: Path | None) -> Checkpoint | None:
    """
    The checkpoint in the second place; none before the first was written.
    """
    if path is None:
        return None
    try:
        return checkpoints.read(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as exc:
        raise AuditUnusable(
            f"audit.checkpoint_file {path} cannot be read: {exc}; restore it, or move it away and"
            " find out with `toolcell audit verify` what the log holds"
        ) from None


def _missing(files: list[Path]) -> str:
    numbers = [folders.number(path.name) for path in files]
    whole = range(numbers[0], numbers[0] + len(numbers)) if numbers else range(0)
    absent = next((here for here, there in zip(whole, numbers, strict=True) if here != there), 0)
    return f"{folders.name(absent)}: the file is missing" if absent else ""


def _end(path: Path) -> tuple[str, int, str]:
    """
    Where the file before the newest ends; if that is no record, nothing can follow it.
    """
    try:
        line = read(reading.last_line(path))
    except NotALine:
        return ("", 0, "")
    return line.source, line.sequence, line.hash


def _whole(path: Path) -> int:
    """
    Where the last whole line of a file ends.
    """
    whole = at = 0
    for line in reading.lines(path):
        at += len(line)
        whole = at if line.endswith(b"\n") else whole
    return whole


def _set_torn_aside(path: Path) -> int:
    """
    Move what follows the last whole line into a file of its own, and the file away if nothing is
    left of it; how many bytes that were.
    """
    whole = _whole(path)
    with path.open("rb") as file:
        file.seek(whole)
        torn = file.read()
    if torn:
        aside = path.with_suffix(f".{whole}.torn")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        with os.fdopen(os.open(aside, flags, 0o600), "wb") as copy:
            copy.write(torn)
            copy.flush()
            os.fsync(copy.fileno())
        os.truncate(path, whole)
    if not whole:
        path.unlink()
    return len(torn)
