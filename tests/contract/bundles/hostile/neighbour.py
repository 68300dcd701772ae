"""
A tool that was granted one file and wants the one beside it.
"""

import contextlib
import ctypes
import os
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from toolcell_worker import Context, reads, tool, writes

AT_FDCWD = -100


@tool(effects="read_only", paths=[reads("{path}")])
def pry(path: str, neighbour: str) -> dict[str, str]:
    """
    Read the granted file, then try every way to its neighbour that hostile code would.

    Args:
        path: The granted file.
        neighbour: The file beside it.
    """
    return _try_all({"granted": lambda: Path(path).read_text(), **_attempts(path, neighbour)})


@tool(effects="writes", paths=[writes("{path}")])
def pry_with_write(path: str, neighbour: str) -> dict[str, str]:
    """
    The same with a grant to write the one file.

    Args:
        path: The granted file.
        neighbour: The file beside it.
    """
    return _try_all({"granted": lambda: Path(path).read_text(), **_attempts(path, neighbour)})


def _attempts(path: str, neighbour: str) -> dict[str, Callable[[], str]]:
    return {**_readings(path, neighbour), **_lookings(neighbour), **_changes(path, neighbour)}


def _readings(path: str, neighbour: str) -> dict[str, Callable[[], str]]:
    """
    Ways to the content.
    """
    folder, name = os.path.split(neighbour)
    scratch = Path(tempfile.mkdtemp())
    with contextlib.suppress(PermissionError):  # then they are not there to be followed
        (scratch / "link").symlink_to(neighbour)
        (scratch / "folder").symlink_to(folder)
    return {
        "by path": lambda: Path(neighbour).read_text(),
        "by symlink": (scratch / "link").read_text,
        "by folder symlink": (scratch / "folder" / name).read_text,
        "by hard link": lambda: _by_hard_link(neighbour, scratch / "hard"),
        "by dot dot": lambda: Path(
            f"{os.path.dirname(path)}/./../{os.path.basename(folder)}/{name}"
        ).read_text(),
        "by descriptor": lambda: _by_descriptor(name),
        "by own root": lambda: Path(f"/proc/self/root{neighbour}").read_text(),
        "by own folder": lambda: Path(f"/proc/self/cwd{neighbour}").read_text(),
        "by changing folder": lambda: _by_changing_folder(folder, name),
    }


def _lookings(neighbour: str) -> dict[str, Callable[[], str]]:
    """
    Ways to learn that it is there.
    """
    folder, name = os.path.split(neighbour)
    return {
        "by stat": lambda: str(os.stat(neighbour).st_size),
        "by lstat": lambda: str(os.lstat(neighbour).st_size),
        "by access": lambda: "there" if os.access(neighbour, os.F_OK) else _raise(),
        "by listing": lambda: "there" if name in os.listdir(folder) else _raise(),
        "by a path descriptor": lambda: _did(os.close, os.open(neighbour, os.O_PATH)),
        "by creating it": lambda: _by_creating(neighbour),
    }


def _changes(path: str, neighbour: str) -> dict[str, Callable[[], str]]:
    """
    Ways to change it, or what is around it.
    """
    beside = neighbour + ".beside"
    return {
        "chmod": lambda: _did(os.chmod, neighbour, 0o777),
        "utime": lambda: _did(os.utime, neighbour, (1, 1)),
        "xattr": lambda: _did(os.setxattr, neighbour, "user.toolcell", b"1"),
        "truncate": lambda: _did(os.truncate, neighbour, 3),
        "writing": lambda: str(Path(neighbour).write_text("changed")),
        "appending": lambda: _by_appending(neighbour),
        "moving": lambda: _did(os.rename, neighbour, beside) and _did(os.rename, beside, neighbour),
        "exchanging": lambda: _by_exchanging(path, neighbour),
        "making beside": lambda: str(Path(beside).write_text("new")),
        "making a folder": lambda: _did(os.mkdir, beside + ".folder"),
        "linking beside": lambda: _did(os.symlink, "/etc/passwd", beside + ".link"),
        "unlinking": lambda: _did(os.unlink, neighbour),
    }


@tool(effects="read_only", paths=[reads("{path}")])
def reread(path: str, seconds: float, context: Context) -> dict[str, Any]:
    """
    Read a file over and over, and tell what was ever found, and when it was looked at last.

    Args:
        path: The granted file.
        seconds: For how long.
    """
    found, until, last = set[str](), time.monotonic() + seconds, 0.0
    while last < until:
        try:
            found.add(Path(path).read_text())
        except OSError as exc:
            found.add(type(exc).__name__)
        if not last:
            context.progress(message="reading")
        time.sleep(0.001)
        last = time.monotonic()
    return {"found": sorted(found), "last": last}


def _try_all(attempts: dict[str, Callable[[], str]]) -> dict[str, str]:
    found = {}
    for how, attempt in attempts.items():
        try:
            found[how] = "got: " + attempt()
        except (OSError, ValueError) as exc:
            found[how] = f"refused: {type(exc).__name__}"
    return found


def _did(operation: Callable[..., object], *arguments: object) -> str:
    operation(*arguments)
    return "done"


def _by_hard_link(neighbour: str, link: Path) -> str:
    try:
        os.link(neighbour, link)
    except PermissionError:  # protected_hardlinks(proc(5)), for one: a link to a link may do
        os.link(neighbour, link, follow_symlinks=False)
    return link.read_text()


def _by_descriptor(name: str) -> str:
    """
    Every descriptor that was left open may be a directory, or lead up to one.
    """
    for descriptor in range(256):
        for step in (name, f"../{name}", f"../../{name}"):
            try:
                if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                    with open(os.open(step, os.O_RDONLY, dir_fd=descriptor)) as file:
                        return file.read()
            except OSError:
                continue
    return _raise()


def _by_changing_folder(folder: str, name: str) -> str:
    before = os.getcwd()
    os.chdir(folder)
    try:
        return Path(name).read_text()
    finally:
        os.chdir(before)


def _by_creating(neighbour: str) -> str:
    """
    "It exists already" is as good as seeing it.
    """
    try:
        os.close(os.open(neighbour, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return "there"
    return "created"


def _by_appending(neighbour: str) -> str:
    with open(neighbour, "a") as file:
        return str(file.write("changed"))


def _by_exchanging(path: str, neighbour: str) -> str:
    """
    renameat2(RENAME_EXCHANGE), twice: there and back.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    for _ in range(2):
        done = libc.renameat2(AT_FDCWD, path.encode(), AT_FDCWD, neighbour.encode(), 2)
        if done != 0:
            raise OSError(ctypes.get_errno(), "cannot exchange")
    return "done"


def _raise() -> str:
    raise OSError("nothing there")
