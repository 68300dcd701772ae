"""
The mounts wall: what a cell can name at all.

Theory of operation.  The cell copies the zygote's template (`template.py`), which is read-only and
holds no host path but the runtime.  It adds one private tmpfs, whose size becomes the disk limit:
/tmp, /dev/shm, and for each operator's root that this call was granted something in, a skeleton of
empty directories.  Each granted path is attached in its skeleton, from the detached tree that the
keeper opened at admission: whatever is renamed, swapped or linked on the host afterwards, the cell
holds what was admitted, and nothing beside it has a name here.

A *staged* path is an ordinary file of the skeleton in a directory that the cell may write; the
server puts it in place when the tool has completed.

Covering a mount point hides what the template had beneath it (a virtual environment in /tmp, a
project folder that is also a root): those parts are attached again on top.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from toolcell_worker import syscalls
from toolcell_worker.template import EMPTY, SCRATCH, attach, is_beneath, make_mountpoint
from toolcell_worker.wire import Access

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_worker.steps import Steps, Value
    from toolcell_worker.template import Template
    from toolcell_worker.wire import CellGrant, Mount

SCRATCH_ATTRIBUTES = (
    syscalls.MOUNT_ATTR_NOSUID | syscalls.MOUNT_ATTR_NODEV | syscalls.MOUNT_ATTR_NOEXEC
)
BYTES_PER_INODE = 4096  # arbitrary; a tmpfs inode costs about 1 KiB of kernel memory
CLONE = syscalls.OPEN_TREE_CLONE | syscalls.OPEN_TREE_CLOEXEC


def prepare(template: Template) -> None:
    """
    The private tmpfs with /tmp and /dev/shm; nothing in it is anybody's yet.  We are in a mount
    namespace of our own.
    """
    attach(syscalls.make_tmpfs({"mode": "0755"}, SCRATCH_ATTRIBUTES), SCRATCH)
    for name in ("tmp", "shm"):
        Path(SCRATCH, name).mkdir(mode=0o700)
    _cover("/tmp", "tmp", template)  # noqa: S108  # private to this cell
    _cover("/dev/shm", "shm", template)  # noqa: S108  # private to this cell


def build(grant: CellGrant, trees: Sequence[int], template: Template, owner: int) -> None:
    """
    Make this call's own view of what was prepared.  `trees` are the descriptors of the given
    mounts, in order; `owner` is the id, in the zygote's namespace, that may write in /tmp.
    """
    syscalls.reconfigure(SCRATCH, _room(grant))
    for path in ("/tmp", "/dev/shm"):  # noqa: S108  # private to this cell
        os.chown(path, owner, owner)
    _grant_paths(grant, trees, template, owner)
    # The bare root of the tmpfs need not have a name.  It is covered, not unmounted: that would
    # wait a millisecond for the kernel (synchronize_rcu).
    attach(syscalls.open_tree(syscalls.AT_FDCWD, EMPTY, CLONE), SCRATCH)


def add_steps(steps: Steps, grant: CellGrant, template: Template, owner: Value) -> None:
    """
    As `prepare` and `build` without granted paths, as steps.
    """
    options = {"mode": "0755", **_room(grant)}
    tree = syscalls.add_tmpfs(steps, options, SCRATCH_ATTRIBUTES)
    syscalls.add_attach(steps, tree, SCRATCH)
    for name, mountpoint in (("tmp", "/tmp"), ("shm", "/dev/shm")):  # noqa: S108  # private to this cell
        folder = f"{SCRATCH}/{name}"
        steps.call("mkdirat", syscalls.AT_FDCWD, os.fsencode(folder), 0o700, what=folder)
        steps.call("fchownat", syscalls.AT_FDCWD, os.fsencode(folder), owner, owner, 0)
        _add_cover(steps, folder, mountpoint, template)
    tree = steps.call("open_tree", syscalls.AT_FDCWD, os.fsencode(EMPTY), CLONE, what=EMPTY)
    syscalls.add_attach(steps, tree, SCRATCH)


def _add_cover(steps: Steps, folder: str, mountpoint: str, template: Template) -> None:
    """
    As `_cover`, as steps.
    """
    tree = steps.call("open_tree", syscalls.AT_FDCWD, os.fsencode(folder), CLONE, what=folder)
    kept: list[tuple[str, Value]] = []
    for path in template.runtime:
        if is_beneath(path, mountpoint):
            flags = CLONE | syscalls.AT_RECURSIVE
            part = steps.call("open_tree", syscalls.AT_FDCWD, os.fsencode(path), flags, what=path)
            kept.append((path, part))
    syscalls.add_attach(steps, tree, mountpoint)
    made = {mountpoint}
    for path, part in kept:
        _add_mountpoint(steps, path, made)
        syscalls.add_attach(steps, part, path)


def _add_mountpoint(steps: Steps, path: str, made: set[str]) -> None:
    """
    As `make_mountpoint`, as steps, of what does not lie in `made`.
    """
    folders = [path] if Path(path).is_dir() else []
    folders += map(str, Path(path).parents)
    for folder in sorted(set(folders) - made):
        if any(is_beneath(folder, each) for each in made):
            steps.call("mkdirat", syscalls.AT_FDCWD, os.fsencode(folder), 0o755, what=folder)
            made.add(folder)
    if path not in folders:
        flags = os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC
        file = steps.call("openat", syscalls.AT_FDCWD, os.fsencode(path), flags, 0o644, what=path)
        steps.call("close", file)


def _room(grant: CellGrant) -> dict[str, str]:
    return {
        "size": str(grant.disk_bytes),
        "nr_inodes": str(max(1024, grant.disk_bytes // BYTES_PER_INODE)),
    }


def staging_folders(grant: CellGrant) -> list[str]:
    """
    The private directories in which the cell may create the staged files.
    """
    return sorted({str(Path(m.path).parent) for m in grant.mounts if m.access is Access.STAGED})


def _cover(mountpoint: str, name: str, template: Template) -> None:
    tree = syscalls.open_tree(syscalls.AT_FDCWD, f"{SCRATCH}/{name}", CLONE)
    _attach_over(tree, mountpoint, template)


def _attach_over(tree: int, mountpoint: str, template: Template) -> None:
    """
    Attach `tree` at `mountpoint`, and again on top of it what the template had beneath.
    """
    hidden = [path for path in template.runtime if is_beneath(path, mountpoint)]
    flags = CLONE | syscalls.AT_RECURSIVE
    kept = [
        (path, Path(path).is_dir(), syscalls.open_tree(syscalls.AT_FDCWD, path, flags))
        for path in hidden
    ]
    attach(tree, mountpoint)
    for path, directory, part in kept:
        make_mountpoint(path, directory=directory)
        attach(part, path)


def _grant_paths(grant: CellGrant, trees: Sequence[int], template: Template, owner: int) -> None:
    descriptors = iter(trees)
    given = [(mount, next(descriptors) if mount.given else -1) for mount in grant.mounts]
    by_root: dict[str, list[tuple[Mount, int]]] = {}
    for mount, tree in sorted(given, key=lambda pair: pair[0].path):
        by_root.setdefault(mount.root, []).append((mount, tree))
    for number, (root, mounts) in enumerate(by_root.items()):
        make_mountpoint(root, directory=True)  # it may lie in a folder that was just covered
        if mounts[0][0].path != root:
            _lay_skeleton(root, number, mounts, template, owner)
            for inner in by_root:
                if inner != root and is_beneath(inner, root):
                    make_mountpoint(inner, directory=True)
        for mount, tree in mounts:
            _place(mount, tree, template, owner, grant.file_size_bytes)
        if mounts[0][0].path != root:
            _seal(root, mounts)


def _lay_skeleton(
    root: str, number: int, mounts: list[tuple[Mount, int]], template: Template, owner: int
) -> None:
    """
    Empty directories down to each granted path.
    """
    folder = f"{SCRATCH}/root{number}"
    Path(folder).mkdir(mode=0o755)
    tree = syscalls.open_tree(syscalls.AT_FDCWD, folder, CLONE)
    _attach_over(tree, root, template)
    for mount, descriptor in mounts:
        parent = Path(mount.path).parent
        parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if mount.access is Access.STAGED:
            os.chown(parent, owner, owner)
        elif descriptor >= 0:
            make_mountpoint(mount.path, directory=mount.directory)


def _seal(root: str, mounts: list[tuple[Mount, int]]) -> None:
    """
    Make the skeleton read-only, unless something is to be staged in it.
    """
    if not any(mount.access is Access.STAGED for mount, _ in mounts):
        syscalls.mount_setattr(syscalls.AT_FDCWD, root, 0, syscalls.MOUNT_ATTR_RDONLY)


def _place(mount: Mount, tree: int, template: Template, owner: int, maximum: int) -> None:
    if tree < 0:
        return
    if mount.access is Access.STAGED:
        _copy_in(tree, mount.path, owner, maximum)
        return
    try:
        _attach_over(tree, mount.path, template)
    except FileNotFoundError:
        # The file was removed after admission, and what is removed cannot be mounted.  The tool
        # shall not find it, whatever has its name by now.
        os.close(tree)
        Path(mount.path).unlink() if not mount.directory else Path(mount.path).rmdir()


def _copy_in(original: int, path: str, owner: int, maximum: int) -> None:
    """
    Give the cell a copy of the file that its staged one may replace.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    copy = os.open(path, flags, 0o600)
    try:
        status = os.fstat(original)
        if not stat.S_ISREG(status.st_mode) or status.st_size > maximum:
            raise OSError(27, "the file is too large to be staged", path)
        offset = 0
        while sent := os.sendfile(copy, original, offset, maximum):
            offset += sent
        os.fchown(copy, owner, owner)
    finally:
        os.close(copy)
        os.close(original)
