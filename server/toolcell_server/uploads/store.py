"""
Uploads in the state folder: what was uploaded, by its digest, and what it unpacks to.

Theory of operation.  `uploads/` holds each content by its key with a description beside it,
`code/` what they unpack to, which cells get read-only.  Both are the server's alone (0700): a cell
gets a tree by a descriptor, not by its name.  Content is written beside its place, synchronized and
renamed, so it is there whole or not at all, and the description last: content without one is
nothing.  `code/` is a copy and never trusted: at each start it is removed and unpacked anew from
contents whose digest was verified, so that whatever happened to either meanwhile is found.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from toolcell_server.uploads.stored import Stored

_CONTENT, _DESCRIPTION = ".content", ".json"
_NEW: Final = ".new-"
_FOLDER_MODE, _FILE_MODE = 0o555, 0o444  # in cells, whose ids are not ours


class Altered(Exception):  # noqa: N818  # names what happened
    """
    Raised when content does not have its digest any more.
    """


class Store:
    """
    The files; blocks, and belongs to one thread at a time.

    Raises:
        OSError: the folders cannot be made.
    """

    def __init__(self, state_dir: str) -> None:
        self._uploads = _private(Path(state_dir) / "uploads")
        self._code = _private(Path(state_dir) / "code")

    def folder(self, key: str) -> str:
        """
        Where the code of an upload is unpacked.
        """
        return str(self._code / key)

    def begin(self) -> None:
        """
        Remove what an earlier server unpacked, or was writing when it ended.
        """
        for path in (*self._code.iterdir(), *self._uploads.glob(f"{_NEW}*")):
            _remove(path)
        for path in self._uploads.glob(f"*{_CONTENT}"):
            if not path.with_suffix(_DESCRIPTION).exists():
                _remove(path)

    def kept(self) -> Iterator[tuple[str, int, bytes]]:
        """
        Key, size and description of each upload.
        """
        for path in sorted(self._uploads.glob(f"*{_DESCRIPTION}")):
            content = path.with_suffix(_CONTENT)
            size = content.stat().st_size if content.exists() else 0
            yield path.stem, size, path.read_bytes()

    def content(self, stored: Stored) -> bytes:
        """
        Raises:
            Altered: it is not what was uploaded.
        """
        try:
            content = (self._uploads / f"{stored.key}{_CONTENT}").read_bytes()
        except OSError as exc:
            raise Altered(f"the upload {stored.key} cannot be read: {exc.strerror}") from exc
        if hashlib.sha256(content).hexdigest() != stored.sha256:
            raise Altered(f"the upload {stored.key} was altered since it was stored")
        return content

    def keep(self, stored: Stored, content: bytes | None = None) -> None:
        """
        Write an upload; without its content, only what is known of it.
        """
        if content is not None:
            self._write(self._uploads / f"{stored.key}{_CONTENT}", content)
        self._write(self._uploads / f"{stored.key}{_DESCRIPTION}", stored.describe())

    def unpack(self, key: str, files: Mapping[str, bytes]) -> None:
        """
        Have its code in its folder, in place of what was there.
        """
        place = Path(tempfile.mkdtemp(prefix=_NEW, dir=self._code))
        for name, data in files.items():
            path = place / name  # `names.py` has seen to it that this is below the place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        for folder, _, inside in os.walk(place, topdown=False):
            for name in inside:
                os.chmod(f"{folder}/{name}", _FILE_MODE)  # noqa: PTH101  # as os.walk names it
            os.chmod(folder, _FOLDER_MODE)  # noqa: PTH101  # as os.walk names it
        _remove(self._code / key)
        place.rename(self._code / key)

    def remove(self, key: str) -> None:
        """
        Remove all of an upload, its description first.
        """
        for name in (_DESCRIPTION, _CONTENT):
            _remove(self._uploads / f"{key}{name}")
        _remove(self._code / key)

    def _write(self, path: Path, data: bytes) -> None:
        descriptor, name = tempfile.mkstemp(prefix=_NEW, dir=self._uploads)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        Path(name).rename(path)


def _private(folder: Path) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise PermissionError(f"{folder} is not the server's own folder: remove it")
    folder.chmod(0o700)
    return folder


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        for folder, _, _ in os.walk(path):
            os.chmod(folder, 0o700)  # noqa: PTH101  # as os.walk names it; an ordinary user must
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
