"""
One running cell as the server holds it, and the kernel's account of it when it is over.
"""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from toolcell_worker.wire import GROUP_ACCOUNT, REAPING

if TYPE_CHECKING:
    import asyncio

    from toolcell_server.zygote_group import CellGroup

MICROSECONDS: Final = 1_000_000  # of a second


@dataclass(frozen=True, slots=True)
class Reaping:
    """
    The kernel's account of a cell (wait4(2)): wait status of the tool's process; and of all
    processes together, seconds of processor time and the bytes of the largest.
    """

    status: int
    user_seconds: float
    system_seconds: float
    peak_bytes: int
    # Of the cell's control group, if it had one: kills for its memory limit, processor time.
    memory_kills: int = 0
    group_seconds: float = 0.0

    @classmethod
    def of(cls, account: bytes) -> Self:
        """
        The account in a REAPED frame, behind the number of the cell.
        """
        _, status, user, system, peak = REAPING.unpack_from(account)
        if len(account) == REAPING.size:
            return cls(status, user, system, peak)
        kills, *times, group_peak = GROUP_ACCOUNT.unpack_from(account, REAPING.size)
        group_user, group_system = (time / MICROSECONDS for time in times)
        return cls(
            status=status,
            user_seconds=max(user, group_user),
            system_seconds=max(system, group_system),
            peak_bytes=max(peak, group_peak),
            memory_kills=kills,
            group_seconds=group_user + group_system,
        )


@dataclass(slots=True)
class Cell:
    """
    One running cell.  `pidfd` is that of its init; `pids` are the init and the tool's process.  One
    without an init of its own has the tool's process for both.
    `reaped` is the only sure sign of its end.  `group` is its control group, if it has one.
    `dismissed`: it has said all, and is about to be killed; nobody need wait for that.
    """

    number: int
    pidfd: int
    pids: tuple[int, int]
    reaped: asyncio.Future[Reaping]
    group: CellGroup | None = None
    dismissed: bool = False
    _is_killed: bool = False

    def kill(self) -> None:
        """
        Kill every process of the cell.  It does nothing once the cell has ended or is killed.
        """
        if self.pidfd >= 0 and not self._is_killed:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
            if self.group is not None:
                self.group.kill()
            self._is_killed = True

    def close(self) -> None:
        """
        Give the pidfd and the group's descriptor back.
        """
        if self.group is not None:
            self.group.close()
            self.group = None
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1
