"""
What a running tool knows of its execution, and can say before it returns.
"""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from toolcell_worker import denials
from toolcell_worker.outlet import UNLIMITED, Outlet, encode, legible
from toolcell_worker.wire import Frame

if TYPE_CHECKING:
    from toolcell_worker.wire import Call, CellGrant

MESSAGE_CHARACTERS = 16 * 1024  # arbitrary; a log line, not a result
PARTIAL_BYTES = 3 * 2**20  # it travels as one event: only a result is sent in chunks
FIELDS_BYTES = 64 * 1024  # as the server takes them
LIMITS = (
    "cpu_seconds",
    "memory_bytes",
    "disk_bytes",
    "file_size_bytes",
    "result_bytes",
    "processes",
    "open_files",
    "arguments_bytes",
)


class Context:
    """
    One execution, as its tool sees it.  Any thread of the tool may use it.

    `deadline` is on the monotonic clock (`time.monotonic`), in seconds; `directory` is private:
    empty at the start and gone afterwards, or the workspace of the session if the tool has it.
    `Context()` is enough to call a tool in a unit test.
    """

    def __init__(
        self,
        outlet: Outlet | None = None,
        grant: CellGrant | None = None,
        call: Call | None = None,
    ) -> None:
        self._outlet = outlet or Outlet(None)
        self._grant = grant
        self.execution_id = call.execution_id if call else ""
        self.call_id = call.call_id if call else ""
        self.deadline = call.deadline if call else math.inf
        self._directory = os.getcwd()  # noqa: PTH109  # a Path costs a child pages

    @property
    def directory(self) -> Path:
        """
        Where the tool began.
        """
        return Path(self._directory)

    @property
    def limits(self) -> dict[str, float]:
        """
        The effective limits, by the names that a manifest uses.  Empty outside of a cell.
        """
        return {name: getattr(self._grant, name) for name in LIMITS} if self._grant else {}

    def remaining(self) -> float:
        """
        Seconds until the execution is ended; never negative.
        """
        return max(0.0, self.deadline - time.monotonic())

    def progress(self, fraction: float | None = None, message: str = "") -> None:
        """
        Say how far it is: from 0 to 1 (what lies outside is moved to the nearer end), or None.
        """
        if fraction is not None:
            fraction = min(1.0, max(0.0, fraction)) if math.isfinite(fraction) else None
        self._send(Frame.PROGRESS, fraction=fraction, message=_short(message))

    def log(
        self,
        message: str,
        level: Literal["debug", "info", "warning", "error"] = "info",
        **fields: Any,
    ) -> None:
        """
        Send a log record; a field that has no JSON form is sent as its `str()`.  Of fields that
        are larger than 64 KiB together only the size is sent, as `omitted_bytes`.

        Raises:
            ValueError: there is no such level.
        """
        if level not in ("debug", "info", "warning", "error"):
            raise ValueError(f"level {level!r} is not debug, info, warning or error")
        self._send(Frame.LOG, level=level, message=_short(message), fields=_plain(fields))

    def partial(self, value: Any) -> None:
        """
        Send a value of the result that is already known; generators yield instead.

        Raises:
            ToolError: it is not a JSON value, or larger than 3 MiB or than a result may be.
        """
        maximum = self._grant.result_bytes if self._grant else UNLIMITED
        self._outlet.send(Frame.PARTIAL, encode(value, min(maximum, PARTIAL_BYTES)))

    def denied(
        self, operation: str, target: str, reason: str = "not_granted", wall: str = ""
    ) -> None:
        """
        Report an access that was denied and that the tool goes on without.  `operation` is "open",
        "connect", "exec", …; `target` a path or `host:port`; `reason` a stable word.
        """
        denial = denials.Denial(wall, operation, target, reason)
        self._outlet.send(Frame.DENIED, msgspec.json.encode(denial.describe()))

    def report_denials(self, exc: BaseException) -> int:
        """
        Report the denied accesses that an exception shows, its causes included; how many.
        """
        found = denials.find(exc, self._grant) if self._grant else []
        for denial in found:
            self._outlet.send(Frame.DENIED, msgspec.json.encode(denial.describe()))
        return len(found)

    def _send(self, kind: Frame, **values: Any) -> None:
        self._outlet.send(kind, msgspec.json.encode(values))


def _short(message: object) -> str:
    return legible(str(message), MESSAGE_CHARACTERS)


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name, value in fields.items():
        try:
            plain[name] = msgspec.Raw(encode(value, MESSAGE_CHARACTERS))
        except Exception:  # noqa: BLE001  # a record that cannot be encoded must not end the tool
            plain[name] = _short(value)
    size = len(msgspec.json.encode(plain))
    return plain if size <= FIELDS_BYTES else {"omitted_bytes": size}
