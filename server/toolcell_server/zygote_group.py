"""
The control groups of one zygote and of its cells, from the server's side.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from toolcell_worker.wire import ProtocolError

if TYPE_CHECKING:
    from pathlib import Path

CONTROLLERS: Final = ("memory", "pids", "cpu")
ZYGOTE: Final = "zygote"
# What whoever divides a group must be able to write (cgroups(7), "Delegation").
HANDED: Final = ("cgroup.procs", "cgroup.threads", "cgroup.subtree_control")
CELL: Final = re.compile(r"cell-\d+")
EMPTYING_SECONDS: Final = 2.0  # arbitrary; killed processes are gone in milliseconds
PAUSE_SECONDS: Final = 0.005


class NotAdmitted(Exception):  # noqa: N818  # names what happened
    """
    Raised when a process cannot be brought into its control group.
    """

    def __init__(self, cause: OSError) -> None:
        super().__init__(f"the zygote cannot be brought into its control group: {cause}")
        self.errno = cause.errno or 0


@dataclass(frozen=True, slots=True)
class ZygoteGroup:
    """
    The directory in which a zygote makes a group for each cell, and a descriptor of it.
    """

    path: Path
    descriptor: int

    @classmethod
    def make(cls, path: Path, owner: int | None) -> Self:
        """
        Make it; `owner` is the host id that the zygote will have, if it is not our own.
        """
        path.mkdir()
        hand_on(path)
        (path / ZYGOTE).mkdir()
        if owner is not None:
            os.chown(path, owner, owner)
            for name in HANDED:
                os.chown(path / name, owner, owner)
        return cls(path, os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))

    def admit(self, pid: int) -> None:
        """
        Bring the zygote into its own leaf, before it forks.

        Raises:
            NotAdmitted: the kernel refused.
        """
        try:
            write(self.path / ZYGOTE / "cgroup.procs", str(pid))
        except OSError as exc:
            raise NotAdmitted(exc) from exc

    def of_cell(self, name: str) -> CellGroup | None:
        """
        The group that the zygote made for a cell; nothing if the cell has ended already.

        Raises:
            ProtocolError: it is no name of a cell's group.
        """
        if not CELL.fullmatch(name):
            raise ProtocolError(f"{name!r} is no control group of a cell")
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW
        with contextlib.suppress(OSError):
            return CellGroup(os.open(name, flags, dir_fd=self.descriptor))
        return None

    def remove(self) -> None:
        """
        Kill whatever is left in it, and remove it.
        """
        os.close(self.descriptor)
        sweep(self.path)


@dataclass(slots=True)
class CellGroup:
    """
    The control group of one living cell.
    """

    descriptor: int

    def kill(self) -> None:
        """
        Kill every process in it, whatever namespace it hides in.  It does nothing once it is gone.
        """
        with contextlib.suppress(OSError):
            descriptor = os.open("cgroup.kill", os.O_WRONLY | os.O_CLOEXEC, dir_fd=self.descriptor)
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                file.write(b"1")

    def read(self, name: str) -> str:
        """
        One file of it.

        Raises:
            OSError: the group is gone, or the kernel has no such file.
        """
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.descriptor)
        with os.fdopen(descriptor) as file:
            return file.read()

    def table(self, name: str) -> dict[str, int]:
        """
        One file of lines `key number`.
        """
        pairs = (line.split() for line in self.read(name).splitlines())
        return {key: int(value) for key, value in pairs}

    def close(self) -> None:
        """
        Give the descriptor back.
        """
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def hand_on(group: Path) -> None:
    """
    Let groups in this one have the controllers that cells need.
    """
    write(group / "cgroup.subtree_control", " ".join(f"+{name}" for name in CONTROLLERS))


def write(path: Path, text: str) -> None:
    """
    Write a file of a control group in one piece, as the kernel wants it.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def sweep(group: Path) -> None:
    """
    Kill every process in a group and remove it with all groups in it; what cannot be removed by
    then is left to the next sweep.
    """
    with contextlib.suppress(OSError):
        write(group / "cgroup.kill", "1")
    until = time.monotonic() + EMPTYING_SECONDS
    while not _removed(group) and time.monotonic() < until:
        time.sleep(PAUSE_SECONDS)


def _removed(group: Path) -> bool:
    for folder, _, _ in os.walk(group, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(folder)  # noqa: PTH106  # as os.walk names it
    return not group.exists()
