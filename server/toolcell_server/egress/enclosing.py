"""
What the egress gives up before it serves: it needs the network, and next to nothing else.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from toolcell_worker import syscalls
from toolcell_worker.walls import landlock, privileges
from toolcell_worker.walls.landlock import READ, RUNTIME

if TYPE_CHECKING:
    from collections.abc import Mapping

# What the system's resolver reads (nsswitch.conf(5)), and the libraries that it loads for it.
CONFIGURATION: Final = ("/etc", "/run/systemd/resolve", "/run/nscd")
LIBRARIES: Final = ("/usr", "/lib", "/lib64", "/lib32")


def enclose(identity: Mapping[str, int] | None) -> None:
    """
    Take an id that no cell has, give up every privilege, and read nothing but how names are
    resolved.  Whatever is imported later must lie where anybody may read.

    Raises:
        OSError: a privilege is left.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if identity is not None:
        privileges.drop_bounding()
        own = identity["first"] + identity["count"] - 1
        os.setgroups([])
        os.setresgid(own, own, own)
        os.setresuid(own, own, own)
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)  # changing ids cleared it
    privileges.drop()
    with contextlib.suppress(OSError):  # a host without Landlock
        landlock.restrict(_readable(), None)


def _readable() -> list[tuple[str | int, landlock.Access]]:
    configuration = {*CONFIGURATION, str(Path("/etc/resolv.conf").resolve().parent)}
    rules: list[tuple[str | int, landlock.Access]] = [
        (path, READ) for path in sorted(configuration) if Path(path).is_dir()
    ]
    return rules + [(path, RUNTIME) for path in LIBRARIES if Path(path).is_dir()]
