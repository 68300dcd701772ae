"""
Which paths a cell's Landlock ruleset grants.

In a cell with mounts it is the second lock on what they show: the runtime to read and run, scratch
to write, grants as granted.  In a bare cell it is the first: a rule is made for the very file or
folder that the keeper opened at admission, so that whatever gets its name afterwards is refused.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from toolcell_worker.template import DEVICES, ZERO, is_beneath
from toolcell_worker.walls import mounts
from toolcell_worker.walls.landlock import DEVICE, READ, RUNTIME, SCRATCH, WRITE
from toolcell_worker.walls.landlock import Access as Right
from toolcell_worker.wire import Access, CellGrant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_worker.template import Template

Rule = tuple[str | int, Right]
# Private to a cell with a root of its own.
SCRATCHES = (("/tmp", SCRATCH), ("/dev/shm", SCRATCH))  # noqa: S108


def behind_mounts(grant: CellGrant, template: Template) -> list[Rule]:
    """
    The rules of a cell with a root of its own, in which /tmp, /dev/shm and /etc are its own too.
    """
    rules: list[Rule] = [*runtime_behind_mounts(template)]
    rules += [(path, _scratch(path, grant)) for path, _ in SCRATCHES]
    for mount in grant.mounts:
        # One that was removed after admission is not there (walls/mounts.py).
        there = mount.given and os.path.lexists(mount.path)
        if there and mount.access is not Access.STAGED:
            rules.append((mount.path, WRITE if mount.access is Access.WRITE else READ))
    rules += [(folder, _scratch(folder, grant)) for folder in mounts.staging_folders(grant)]
    return rules


def runtime_behind_mounts(template: Template) -> list[tuple[str, Right]]:
    """
    Of those rules, the ones that do not depend on the grant.
    """
    return [*_runtime(template), ("/etc", READ)]


def _scratch(folder: str, grant: CellGrant) -> Right:
    """
    What may be done in scratch.  Rules add up along a path: where something that may be written is
    mounted below, or around, links and sockets could be left in it for whoever comes there next.

    Raises:
        OSError: the folder is not private to the cell, as the mounts wall has it.
    """
    if Path(folder).stat().st_uid != os.geteuid():
        raise OSError(errno.EPERM, "it is not this cell's own", folder)
    written = [mount.path for mount in grant.mounts if mount.access is Access.WRITE]
    around = any(is_beneath(path, folder) or is_beneath(folder, path) for path in written)
    return WRITE if around else SCRATCH


def bare(grant: CellGrant, opened: Sequence[int], template: Template) -> list[Rule]:
    """
    The rules of a cell in the host's tree: no scratch, because none would be its own.  `opened`
    are the descriptors of the given paths, in order.
    """
    for path in template.runtime:
        if not os.access(path, os.R_OK):
            why = (
                "cells without mounts read the runtime where it lies, and their id may not read it"
            )
            raise PermissionError(errno.EACCES, why, path)
    rules: list[Rule] = [*_runtime(template)]
    rules += [(path, READ) for path in template.runtime if path.startswith("/etc/")]
    given = [mount for mount in grant.mounts if mount.given]
    for mount, descriptor in zip(given, opened, strict=True):
        if mount.access is Access.STAGED:
            raise OSError(0, "a staged path needs mounts, which this host does not have")
        rules.append((descriptor, WRITE if mount.access is Access.WRITE else READ))
    return rules


def _runtime(template: Template) -> list[tuple[str, Right]]:
    rules = [(path, RUNTIME) for path in template.runtime if not path.startswith("/etc/")]
    # What is written there is lost, but a shared mapping of it is memory that no limit counts
    # (walls/argument_rules.py).
    rules.append((ZERO, Right.READ_FILE))
    return rules + [(path, DEVICE) for path in DEVICES if path != ZERO]
