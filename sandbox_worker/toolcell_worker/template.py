"""
The template: the read-only root that every cell of a zygote begins with.

Theory of operation.  The zygote builds it once, in its own mount namespace, and pivots into it: a
tmpfs with nothing but the runtime (interpreter, libraries, the bundle) as read-only binds, a few
devices, and an empty directory for each of the operator's roots.  The host's tree is detached
afterwards, so neither tool modules nor cells can name it again.  A cell then copies this small
mount namespace (its cost grows with the number of mounts) and adds what is its own
(`walls/mounts.py`).

While tools are loaded, /tmp is a small tmpfs: libraries look for a folder to write in when they are
imported, and some (matplotlib) do not load without one.  Every cell covers it with its own, so
nothing in it has a name there.

Trees are opened *before* the zygote gives up the ids it was started with, because the runtime may
lie behind a directory that only those may search (an interpreter in a 0700 home).
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from toolcell_worker import syscalls

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
# What ordinary programs read from /etc; nothing in it is this host's secret.
ETC = (
    "/etc/alternatives",
    "/etc/crypto-policies",  # and /etc/pki: where Fedora and its kin keep what OpenSSL reads
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/pki/ca-trust/extracted",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/openssl.cnf",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/timezone",
)
ZERO = "/dev/zero"  # mapped for writing it is memory that no process's account shows
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
LOADING_ATTRIBUTES = (
    syscalls.MOUNT_ATTR_NOSUID | syscalls.MOUNT_ATTR_NODEV | syscalls.MOUNT_ATTR_NOEXEC
)
MARK_OF_ENVIRONMENT = "pyvenv.cfg"
PARTS_OF_ENVIRONMENT = ("bin", "include", "lib", "lib64", "share")
SCRATCH = "/run/cell"
EMPTY = "/proc"  # a folder with nothing in it: cells have no /proc
LOADING_BYTES = 64 * 2**20  # arbitrary; matplotlib's list of fonts is 100 KiB
# Cells are told apart by their ids, and their number is not known here.  Whatever its id, a cell
# has a name and a home: programs that ask who they are (git, ssh, id) give up without.
NAMED_IDS = range(1, 1025)  # USER_INSIDE and the first slots (walls/identity.py)
WRITTEN = {
    "/etc/passwd": "root:x:0:0:root:/:/usr/sbin/nologin\n"
    + "".join(f"tool:x:{each}:{each}:tool:/tmp:/bin/sh\n" for each in NAMED_IDS),
    "/etc/group": "root:x:0:\n" + "".join(f"tool:x:{each}:\n" for each in NAMED_IDS),
    # Its own name, too (enclosing.py): programs ask for it (git), and no name server has it.
    "/etc/hosts": "127.0.0.1 localhost cell\n::1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "/etc/hostname": "cell\n",
    # Answered in the cells that were granted domains (walls/network.py), and in no other.
    "/etc/resolv.conf": "nameserver 127.0.0.1\n",
}


@dataclass(frozen=True, slots=True)
class Bind:
    """
    One read-only part of the template: a detached tree, and where it goes.
    """

    path: str
    tree: int
    directory: bool


@dataclass(frozen=True, slots=True)
class Template:
    """
    What a built template holds: paths, parents before what lies in them.
    """

    runtime: tuple[str, ...]
    roots: tuple[str, ...]


def runtime_paths(bundle_path: str, further: tuple[str, ...]) -> list[str]:
    """
    What an interpreter and a bundle need to read: prefixes, libraries, this package, the bundle.
    Never the whole of `sys.path`: an editable install would lay a developer's folder open.
    """
    base = Path(sys.executable).resolve().parent.parent
    wanted = [*SYSTEM, *ETC, *_environment(sys.prefix), sys.base_prefix, str(base)]
    wanted += _environment(sys.exec_prefix)
    wanted += [str(Path(os.__file__).parent), str(Path(__file__).parent), bundle_path, *further]
    paths = sorted({os.path.normpath(path) for path in wanted if path and os.path.lexists(path)})
    return [path for path in paths if path != "/" and not _beneath_any(path, paths)]


def _environment(prefix: str) -> list[str]:
    """
    Of a virtual environment, the parts that run: people keep pip.conf, .env and worse beside them.
    """
    if not Path(prefix, MARK_OF_ENVIRONMENT).exists():
        return [prefix]
    return [f"{prefix}/{name}" for name in (MARK_OF_ENVIRONMENT, *PARTS_OF_ENVIRONMENT)]


def gather(
    paths: list[str], devices: tuple[str, ...] = DEVICES
) -> tuple[list[Bind], list[tuple[str, str]]]:
    """
    Open the trees of `paths` and of the devices, detached and read-only, and note the top-level
    symbolic links (`/bin -> usr/bin`), which are made anew.
    """
    links = [(path, str(Path(path).readlink())) for path in paths if Path(path).is_symlink()]
    linked = {path for path, _ in links}
    binds = [_open_tree(path, syscalls.MOUNT_ATTR_NODEV) for path in paths if path not in linked]
    binds += [_open_tree(path, syscalls.MOUNT_ATTR_NOEXEC) for path in devices]
    return binds, links


def build(binds: list[Bind], links: list[tuple[str, str]], roots: tuple[str, ...]) -> Template:
    """
    Make the template of what was gathered, and make it our root.  The caller is root of a user
    namespace that owns our mount namespace.
    """
    syscalls.make_private("/")
    root = syscalls.make_tmpfs({"size": "4m", "mode": "0755"})
    syscalls.move_mount(root, "", syscalls.AT_FDCWD, "/", syscalls.MOVE_MOUNT_F_EMPTY_PATH)
    os.fchdir(root)
    syscalls.pivot_root(".", ".")
    # The old root lies over the new one now; both are called ".".
    syscalls.umount2(".", syscalls.MNT_DETACH)
    os.chdir("/")
    os.close(root)
    _lay_out(links)
    for bind in binds:
        make_mountpoint(bind.path, directory=bind.directory)
        attach(bind.tree, bind.path)
    for path in (SCRATCH, *roots):
        make_mountpoint(path, directory=True)
    syscalls.mount_setattr(syscalls.AT_FDCWD, "/", 0, syscalls.MOUNT_ATTR_RDONLY)
    runtime = tuple(bind.path for bind in binds if bind.path not in DEVICES)
    return Template(runtime=tuple(sorted(runtime)), roots=roots)


def attach(tree: int, path: str) -> None:
    """
    Attach a detached tree at `path`, and close its descriptor.
    """
    syscalls.move_mount(tree, "", syscalls.AT_FDCWD, path, syscalls.MOVE_MOUNT_F_EMPTY_PATH)
    os.close(tree)


def make_mountpoint(path: str, *, directory: bool) -> None:
    """
    Make an empty directory or file at `path`, unless something is there.
    """
    if os.path.lexists(path):
        return
    if directory:
        Path(path).mkdir(mode=0o755, parents=True)
        return
    Path(path).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    Path(path).touch(mode=0o644)


def is_beneath(path: str, folder: str) -> bool:
    """
    Whether `path` lies in `folder`, or is it; by whole components.
    """
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _lay_out(links: list[tuple[str, str]]) -> None:
    for path in ("/tmp", "/dev/shm", EMPTY, "/etc"):  # noqa: S108  # of the cell, not the host
        Path(path).mkdir(mode=0o755, parents=True)
    options = {"size": str(LOADING_BYTES), "mode": "0700"}
    attach(syscalls.make_tmpfs(options, LOADING_ATTRIBUTES), "/tmp")  # noqa: S108  # of the zygote
    for path, text in WRITTEN.items():
        Path(path).write_text(text)
    for path, target in links:
        Path(path).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        Path(path).symlink_to(target)


def _open_tree(path: str, further: int) -> Bind:
    flags = syscalls.OPEN_TREE_CLONE | syscalls.OPEN_TREE_CLOEXEC | syscalls.AT_RECURSIVE
    tree = syscalls.open_tree(syscalls.AT_FDCWD, path, flags)
    attributes = syscalls.MOUNT_ATTR_RDONLY | syscalls.MOUNT_ATTR_NOSUID | further
    where = syscalls.AT_EMPTY_PATH | syscalls.AT_RECURSIVE
    syscalls.mount_setattr(tree, "", where, attributes)
    return Bind(path, tree, Path(path).is_dir())


def _beneath_any(path: str, folders: list[str]) -> bool:
    return any(path != folder and is_beneath(path, folder) for folder in folders)
