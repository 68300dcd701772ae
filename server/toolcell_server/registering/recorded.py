"""
What is done to registered tools, as the audit log and the metrics are told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from toolcell_server.principal import Principal
    from toolcell_server.registering.history import Entry
    from toolcell_server.uploads.stored import Stored


class Recorder(Protocol):
    """
    Takes note.  What it raises refuses the change, so that none goes unrecorded.
    """

    def __call__(self, entry: Entry, caller: Principal, /) -> None: ...


def unrecorded(_what: object, _caller: Principal, /) -> None:
    """
    Nobody takes note.
    """


class Log(Protocol):
    """
    Where it is written.
    """

    def tool_changed(self, event: str, caller: Principal, data: dict[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class Recorded:
    """
    A `Recorder` that writes a record of each change.
    """

    log: Log

    def __call__(self, entry: Entry, caller: Principal, /) -> None:
        scope = entry.scope
        tool = {"name": entry.name, "version": entry.version, "edition": entry.edition}
        whose = {"kind": scope.kind, "principal": scope.principal, "session": scope.session}
        about = {"tool": tool, "scope": whose, "reason": entry.reason}
        self.log.tool_changed(entry.what, caller, about)


@dataclass(frozen=True, slots=True)
class CodeRecorded:
    """
    Writes a record of each upload of code.
    """

    log: Log

    def __call__(self, stored: Stored, caller: Principal, /) -> None:
        code = {"sha256": stored.sha256, "bytes": stored.size, "signed_by": stored.signed_by}
        self.log.tool_changed(
            "uploaded", caller, {"tool": {"name": stored.file_name}, "code": code}
        )
