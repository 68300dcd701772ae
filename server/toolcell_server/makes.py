"""
Which cells a host can build: from a wall that could not be built to the next weaker make.  Pure.

Theory of operation.  A zygote is first asked for everything.  When building a throw-away cell
fails, the wall that failed says what this host lacks, and the next make leaves out that and what
depends on it: without a user namespace, or the right to mount in it, there are no namespaces at
all; without Landlock there is only Landlock less.  A wall that every make needs has no weaker make:
then no cell is built here.  This is done once, before a bundle serves for the first time.  A host
that becomes poorer later loses cells, never walls.

What is left out is reported with the reason that building it gave, and with a remedy.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from toolcell.v1 import execution_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMESPACES: Final = ("identity", "mounts", "processes", "network", "ipc", "hostname")
_USER_NAMESPACES: Final = (
    "allow user namespaces: sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone=1, "
    "kernel.apparmor_restrict_unprivileged_userns=0 or an AppArmor profile with `userns,`; in a "
    "container: see the Dockerfile"
)
_MOUNTS: Final = (
    "allow mounts in user namespaces: in a container a seccomp profile that lets mount, open_tree, "
    "move_mount, mount_setattr and pivot_root through; see the Dockerfile"
)
REMEDIES: Final = {
    **dict.fromkeys(NAMESPACES, _USER_NAMESPACES),
    "mounts": _MOUNTS,
    "landlock": "a kernel with CONFIG_SECURITY_LANDLOCK, and landlock among the boot parameter "
    "lsm=; in a container a seccomp profile that lets landlock_* through",
}
# What stands in for a namespace in a bare cell: its filter has no socket() without domains, no SysV
# or POSIX objects, no fork, and no signal but to itself.
BARE: Final[dict[str, tuple[pb.WallStatus.ValueType, str]]] = {
    "mounts": (
        pb.WALL_STATUS_ABSENT,
        "cells see the names of the host's files; Landlock alone refuses what is in them",
    ),
    "processes": (
        pb.WALL_STATUS_ABSENT,
        "cells see the host's process ids; they cannot fork, and signal nobody but themselves",
    ),
    "network": (
        pb.WALL_STATUS_DEGRADED,
        "there is no empty network around cells: seccomp alone refuses sockets, and ",
    ),
    "ipc": (
        pb.WALL_STATUS_DEGRADED,
        "cells share the host's System V and POSIX objects; seccomp alone refuses them",
    ),
    "hostname": (pb.WALL_STATUS_ABSENT, "cells see the host's name"),
}
# How the sentence on the network ends.
PROXIED: Final = (
    "a call with domains is held to its proxy by port, not by host (Landlock): a server elsewhere "
    "that listens at just that port number could be reached directly"
)
UNPROXIED: Final = "a call with domains is refused, for there can be no proxy: {why}"
PROXY_REMEDY: Final = "; for a proxy Linux 6.7 or newer with Landlock is enough"
BARE_IDENTITY: Final = "cells are the very user that started the service"
# Since which ABI Landlock refuses what (landlock(7)).
LANDLOCK_SINCE: Final = (
    (2, "moves between folders other than by refusing them all"),
    (3, "truncation by name"),
    (4, "TCP ports"),
    (5, "requests to devices"),
    (6, "signals and abstract sockets"),
)


@dataclass(frozen=True, slots=True)
class Make:
    """
    What cells of a bundle are built with; `toolcell_worker.start.Make` on the other side.
    `failed` are the walls that were given up, by name, with the reason.
    """

    namespaces: bool = True
    landlock: bool = True
    groups: bool = True
    failed: tuple[tuple[str, str], ...] = ()

    def told(self) -> dict[str, bool]:
        """
        As a START frame carries it.
        """
        return {"namespaces": self.namespaces, "landlock": self.landlock}

    def without(self, wall: str, reason: str) -> Make | None:
        """
        The make to try when that wall could not be built; nothing if there is none.
        """
        failed = (*self.failed, (wall, reason))
        if wall == "resources" and self.groups:
            return dataclasses.replace(self, groups=False, failed=failed)
        if wall == "landlock" and self.landlock and self.namespaces:
            return dataclasses.replace(self, landlock=False, failed=failed)
        if wall in NAMESPACES and self.namespaces and self.landlock:
            return dataclasses.replace(self, namespaces=False, failed=failed)
        return None

    def reports(
        self, *, landlock_abi: int, root: bool, unproxied: str = ""
    ) -> Iterable[pb.WallReport]:
        """
        What is known of the walls without a trial; of several reports on a wall the worst counts.
        `unproxied` says why a cell without namespaces can have no proxy, if so.
        """
        if not self.namespaces:
            yield from self._bare_reports(unproxied, root=root)
        elif not root:
            yield _report(
                "identity",
                pb.WALL_STATUS_DEGRADED,
                "all cells are the one user that started the service, each in a user namespace of "
                "its own",
                "start the service as root: it then gives each cell a host id of its own",
            )
        if not self.landlock:
            reason = dict(self.failed).get("landlock", "it was given up")
            yield _report("landlock", pb.WALL_STATUS_ABSENT, reason, REMEDIES["landlock"])
        elif lacking := [what for since, what in LANDLOCK_SINCE if landlock_abi < since]:
            reason = f"version {landlock_abi} of it does not see {', '.join(lacking)}; " + (
                "other walls do" if self.namespaces else "seccomp refuses these"
            )
            yield _report("landlock", pb.WALL_STATUS_DEGRADED, reason, "run Linux 6.12 or newer")

    def _bare_reports(self, unproxied: str, *, root: bool) -> Iterable[pb.WallReport]:
        cause, why = next((f for f in self.failed if f[0] in NAMESPACES), ("identity", ""))
        because = f" ({cause}: {why})" if why else ""
        ending = UNPROXIED.format(why=unproxied) if unproxied else PROXIED
        for wall, (status, begun) in BARE.items():
            network = wall == "network"
            remedy = REMEDIES[cause] + (PROXY_REMEDY if network and unproxied else "")
            yield _report(wall, status, begun + ending * network + because, remedy)
        if not root:
            reason = BARE_IDENTITY + because
            yield _report("identity", pb.WALL_STATUS_ABSENT, reason, REMEDIES[cause])


def _report(wall: str, status: pb.WallStatus.ValueType, reason: str, remedy: str) -> pb.WallReport:
    number = pb.Wall.Value(f"WALL_{wall.upper()}")
    return pb.WallReport(wall=number, status=status, reason=reason, remedy=remedy)
