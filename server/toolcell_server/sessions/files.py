"""
The files of workspaces, for callers: listed, put, sent, removed.

Theory of operation.  All work on the disk is done in threads.  An upload grows beside the workspace
and is put in place by a rename when all of it is there and is what it was said to be: a tool sees
the old file or the new one.  What is announced counts against the quota from then on; the disk is
looked at with every part, because many uploads may each have been small enough for it.

Long work (lists, digests, removals) is done for one owner at a time, so that nobody takes all the
threads; what he asks for beside it waits for his own.

What is sent is what is read from one descriptor; if a tool writes meanwhile the digest, which comes
last, is that of what was sent.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import secrets
import stat
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from toolcell_server.refusals import SessionPathBlocked, UnknownSessionFile, WorkspaceFull
from toolcell_server.sessions import removing, trees

if TYPE_CHECKING:
    from toolcell_server.sessions.folders import Folders
    from toolcell_server.sessions.session import Session
    from toolcell_server.sessions.threads import Threads
    from toolcell_server.sessions.trees import Found

MOST_LISTED: Final = 100_000  # as many as a workspace may hold at most
CHUNK: Final = 256 * 1024  # arbitrary; well below what a message may have
NEARLY_FULL: Final = "the disk of the server is nearly full"
_ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EINVAL, errno.ENXIO})


class Files:
    """
    Lives on one event loop.
    """

    def __init__(self, folders: Folders, threads: Threads, minimum_free_bytes: int) -> None:
        self._folders = folders
        self._threads = threads
        self._minimum_free_bytes = minimum_free_bytes
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def listed(self, session: Session, below: str) -> tuple[list[Found], bool]:
        """
        Everything below a folder, by path, and whether there is more than is ever listed.
        """
        try:
            async with self._turn(session):
                return await self._threads.run(trees.listed, session.folder, below, MOST_LISTED)
        except OSError:
            return [], False

    async def digests(self, session: Session, found: list[Found]) -> dict[str, str]:
        """
        The SHA-256 of the files among them, by path; what cannot be read has none.
        """
        paths = [each.path for each in found if stat.S_ISREG(each.status.st_mode)]
        async with self._turn(session):
            return await self._threads.run(_digests, session.folder, paths)

    async def open(self, session: Session, path: str) -> int:
        """
        A descriptor of a file, for reading, which is the caller's to close.

        Raises:
            UnknownSessionFile: there is none.
        """
        try:
            return await self._threads.run(_open, session.folder, path)
        except OSError as exc:
            raise UnknownSessionFile(path, _why(exc)) from None

    async def read(self, descriptor: int, size: int, offset: int) -> bytes:
        return await self._threads.run(os.pread, descriptor, min(size, CHUNK), offset)

    def incoming(self, session: Session) -> Incoming:
        """
        A file that grows until it is put in place.
        """
        return Incoming(self._folders, self._threads, session, self._minimum_free_bytes)

    async def remove(self, session: Session, path: str, *, recursive: bool) -> None:
        """
        Raises:
            SessionPathBlocked: it is a folder that is not empty, and not `recursive`.
            UnknownSessionFile: there is nothing of that name.
        """
        try:
            async with self._turn(session):
                await self._threads.run(_remove, session.folder, path, recursive)
        except OSError as exc:
            if exc.errno in _ABSENT:
                raise UnknownSessionFile(path, _why(exc)) from None
            raise SessionPathBlocked(path, exc.strerror or "it cannot be removed") from None

    def _turn(self, session: Session) -> asyncio.Lock:
        return self._turns.setdefault(session.owner, asyncio.Lock())


class Incoming:
    """
    An upload under way; `close` gives back what is left of it.
    """

    def __init__(
        self, folders: Folders, threads: Threads, session: Session, minimum_free_bytes: int
    ) -> None:
        self._session = session
        self._folders = folders
        self._minimum_free_bytes = minimum_free_bytes
        self._threads = threads
        self._path = f"{folders.incoming(session.place)}/{secrets.token_hex(16)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o600)
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    async def write(self, data: bytes) -> None:
        """
        Raises:
            WorkspaceFull: there is no room for it on the disk.
        """
        self.size += len(data)
        await self._threads.run(self._write, data)

    async def put(self, path: str) -> os.stat_result:
        """
        Put it in place.

        Raises:
            SessionPathBlocked: something is in the way.
        """
        try:
            return await self._threads.run(self._put, path)
        except OSError as exc:
            what = "a folder has that name"
            if exc.errno not in (errno.EISDIR, errno.ENOTEMPTY, errno.EEXIST):
                what = f"a part of the path is no folder ({exc.strerror})"
            raise SessionPathBlocked(path, what) from None

    def close(self) -> None:
        os.close(self._descriptor)
        if os.path.lexists(self._path):
            os.unlink(self._path)  # noqa: PTH108  # a text is kept

    def _write(self, data: bytes) -> None:
        if self._folders.free_bytes() - len(data) < self._minimum_free_bytes:
            raise WorkspaceFull(NEARLY_FULL)
        self._digest.update(data)
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as exc:
            if exc.errno in (errno.ENOSPC, errno.EDQUOT):
                raise WorkspaceFull("the disk of the server is full") from None
            raise

    def _put(self, path: str) -> os.stat_result:
        if self._folders.owner >= 0:
            os.fchown(self._descriptor, self._folders.owner, self._folders.owner)
        os.fchmod(self._descriptor, 0o644)
        top = trees.opened(self._session.folder)
        try:
            with trees.parent_of(path, top, owner=self._folders.owner) as parent:
                os.rename(self._path, os.path.basename(path), dst_dir_fd=parent)  # noqa: PTH119
        finally:
            os.close(top)
        return os.fstat(self._descriptor)


def _open(folder: str, path: str) -> int:
    top = trees.opened(folder)
    try:
        return trees.open_file(path, top)
    finally:
        os.close(top)


def _remove(folder: str, path: str, recursive: bool) -> None:  # noqa: FBT001  # private
    top = trees.opened(folder)
    try:
        with trees.parent_of(path, top) as parent:
            name = os.path.basename(path)  # noqa: PTH119  # one part of a text
            status = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode) and not recursive:
                os.rmdir(name, dir_fd=parent)
                return
            removing.remove(name, parent)
    finally:
        os.close(top)


def _digests(folder: str, paths: list[str]) -> dict[str, str]:
    found = {}
    for path in paths:
        try:
            with open(_open(folder, path), "rb") as file:  # a descriptor
                found[path] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            continue  # it has gone, or is no file any more
    return found


def _why(exc: OSError) -> str:
    return {
        errno.ELOOP: "a link has its name, or lies on the way",
        errno.ENOTDIR: "a part of the path is no folder",
        errno.EINVAL: "what has its name is no file",
    }.get(exc.errno or 0, "nothing has its name")
