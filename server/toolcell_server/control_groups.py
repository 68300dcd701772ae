"""
Finds the control group that was delegated to this service, and divides it.

Theory of operation.  Whether cells can have control groups is tried, not derived from versions:
our own group of the version 2 hierarchy (cgroups(7)) must offer memory, pids and cpu, and we must
be able to make groups in it and to hand the controllers on.  A group that hands controllers on may
hold no process of its own, so we first move into a leaf `service` of it; that fails, and nothing is
changed, where processes of others are in it.  Started in a group that is called `service` already
(systemd's DelegateSubgroup=, or an earlier service beside us), we divide its parent.

    <delegated>/service                     this process, the keeper, validators
    <delegated>/toolcell-PID/BUNDLE-N       one zygote: its own leaf `zygote`, and a group a cell

A directory `toolcell-PID` is locked (flock(2)) for as long as its service lives: whoever gets the
lock of another's may sweep it away.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from toolcell_server.zygote_group import CONTROLLERS, ZygoteGroup, hand_on, sweep, write

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE: Final = "service"
OURS: Final = "toolcell-"
SYSTEMD: Final = "run the service as a systemd unit of its own with Delegate=yes"
HYBRID: Final = (
    "boot with systemd.unified_cgroup_hierarchy=1, so that version 2 of control groups has the "
    "controllers"
)
CONTAINER: Final = (
    f"{SYSTEMD}; in a container, mount /sys/fs/cgroup writable in a cgroup namespace of its own, "
    "and start the service as its only process"
)


class NotDelegated(Exception):  # noqa: N818  # names what happened
    """
    Raised when no control group may be divided; says why, and what the operator can do.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class ControlGroups:
    """
    What was delegated to us.  `refused` says why nothing is, once it was opened.
    """

    def __init__(self, membership: str = "/proc/self/cgroup") -> None:
        self.refused: NotDelegated | None = None
        self._membership = membership
        self._own: Path | None = None
        self._moved_from: Path | None = None
        self._lock = -1
        self._numbers = 0

    def open(self) -> None:
        """
        Find what was delegated, move out of its way, and make our directory in it.  Before any
        other process is started: those would have to move, too.
        """
        try:
            delegated = self._divide()
            self._own, self._lock = _make_own(delegated)
        except NotDelegated as refused:
            self.refused = refused
        except OSError as exc:
            self.refused = NotDelegated(f"its control group cannot be divided: {exc}", CONTAINER)
        if self.refused:
            self._move_back()

    def group(self, bundle: str, owner: int | None) -> ZygoteGroup | None:
        """
        A new directory for one zygote, which `owner` may divide; nothing if nothing is delegated.

        Raises:
            OSError: it cannot be made.
        """
        if self._own is None:
            return None
        self._numbers += 1
        name = "".join(c if c.isalnum() else "_" for c in bundle[:100])
        return ZygoteGroup.make(self._own / f"{name}-{self._numbers}", owner)

    def close(self) -> None:
        """
        Remove what we made, and go back to where we were.
        """
        if self._own is not None:
            sweep(self._own)
            os.close(self._lock)
            self._own = None
            self._move_back()

    def _divide(self) -> Path:
        """
        The delegated directory, with its controllers handed on.
        """
        own = own_directory(
            Path(self._membership).read_text(), Path("/proc/self/mountinfo").read_text()
        )
        if own.name == SERVICE and os.access(own.parent / "cgroup.subtree_control", os.W_OK):
            own = own.parent
        check(own)
        if str(os.getpid()) in (own / "cgroup.procs").read_text().split() and not _is_root(own):
            (own / SERVICE).mkdir(exist_ok=True)
            write(own / SERVICE / "cgroup.procs", str(os.getpid()))
            self._moved_from = own
        hand_on(own)
        return own

    def _move_back(self) -> None:
        """
        Undo our move, unless others divide the group as well.
        """
        if self._moved_from is None:
            return
        with contextlib.suppress(OSError):
            others = [path for path in self._moved_from.iterdir() if path.name.startswith(OURS)]
            if not others:
                taken = " ".join(f"-{controller}" for controller in CONTROLLERS)
                write(self._moved_from / "cgroup.subtree_control", taken)
                write(self._moved_from / "cgroup.procs", str(os.getpid()))
                (self._moved_from / SERVICE).rmdir()
        self._moved_from = None


def own_directory(membership: str, mounts: str) -> Path:
    """
    Where our own control group of version 2 appears in the file system.

    Args:
        membership: what /proc/self/cgroup holds.
        mounts: what /proc/self/mountinfo holds.

    Raises:
        NotDelegated: it does not appear.
    """
    own = [line[3:] for line in membership.splitlines() if line.startswith("0::")]
    if not own:
        raise NotDelegated("this kernel has no control groups of version 2", HYBRID)
    for root, place in _mounted(mounts):
        if own[0] == root or own[0].startswith(f"{root.rstrip('/')}/"):
            return Path(place) / own[0][len(root) :].lstrip("/")
    reason = "control groups of version 2 are not mounted where the service could see its own"
    raise NotDelegated(reason, "mount cgroup2 at /sys/fs/cgroup")


def check(group: Path) -> None:
    """
    Make sure that this group can be divided, as far as looking tells.

    Raises:
        NotDelegated: it cannot.
    """
    offered = (group / "cgroup.controllers").read_text().split()
    if lacking := [controller for controller in CONTROLLERS if controller not in offered]:
        reason = f"the service's control group is not offered the controllers {', '.join(lacking)}"
        raise NotDelegated(reason, HYBRID if _has_version_one() else SYSTEMD)
    for name in ("", "cgroup.procs", "cgroup.subtree_control"):
        if not os.access(group / name, os.W_OK):
            raise NotDelegated(f"{group / name} may not be written by the service", CONTAINER)
    others = set((group / "cgroup.procs").read_text().split()) - {str(os.getpid())}
    if others and not _is_root(group):
        reason = "processes of others are in the service's control group, which keeps it undivided"
        raise NotDelegated(reason, CONTAINER)


def _mounted(mounts: str) -> Iterator[tuple[str, str]]:
    """
    The root and the place of every mount of version 2 (proc_pid_mountinfo(5)).
    """
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith("cgroup2 "):
            root, place = before.split(" ")[3:5]
            yield root, place.encode().decode("unicode_escape")


def _make_own(delegated: Path) -> tuple[Path, int]:
    """
    Our locked directory; those of dead services are swept away first.
    """
    for path in delegated.glob(f"{OURS}*"):
        with contextlib.suppress(OSError):
            lock = _locked(path)
            try:
                sweep(path)
            finally:
                os.close(lock)
    own = delegated / f"{OURS}{os.getpid()}"
    own.mkdir()
    lock = _locked(own)
    hand_on(own)  # fails if it was swept before it was locked
    return own, lock


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _is_root(group: Path) -> bool:
    """
    Whether it is the hierarchy's own root, which may hold processes and hand controllers on.
    """
    return not (group / "cgroup.type").exists()


def _has_version_one() -> bool:
    return any(
        " - cgroup " in line for line in Path("/proc/self/mountinfo").read_text().splitlines()
    )
