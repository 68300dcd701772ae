"""
Looks at what a tool has staged before it is put in place.

Theory of operation.  A preview is a run of the tool in a cell like any other, whose staged files
are looked at and then forgotten.  The run that was approved is another one, and what it has staged
must be, byte for byte, what was shown: the digest of each file after it, and of what it replaces,
are kept with the approval and compared before anything is put in place.  Rejected: keeping the
bytes of the preview and putting those in place.  They would have to be kept for as long as people
take, and the result that the tool returned would be that of another run.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from typing import TYPE_CHECKING, Final, Protocol

from toolcell_server import staged_endings
from toolcell_server.approvals import differences
from toolcell_server.approvals.differences import ABSENT, MAXIMUM_TEXT, Content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell.v1 import execution_pb2 as pb

    from toolcell_server.grants import OpenedMount

    Staged = Sequence[tuple[OpenedMount, int]]

MAXIMUM_PREVIEW: Final = 256 * 1024  # characters of all differences
MAXIMUM_FILES: Final = 100
_BLOCK: Final = 2**20  # read between two turns of others


class Review(Protocol):
    """
    Looks at staged files; `commits` says whether they are put in place if nothing is wrong.
    """

    commits: bool

    async def look(self, staged: Staged) -> pb.Outcome | None:
        """
        The ending if they must not be put in place: pairs of the mount and the staged descriptor.
        """
        ...


class Recording:
    """
    Keeps what would change; nothing is put in place.
    """

    commits = False

    def __init__(self) -> None:
        self.digests: dict[str, list[str]] = {}
        self.text = ""
        self.complete = True

    async def look(self, staged: Staged) -> pb.Outcome | None:
        texts: list[str] = []
        for mount, descriptor in staged:
            before, after = await original(mount), await read(descriptor)
            self.digests[mount.path.path] = [before.digest, after.digest]
            text, complete = differences.difference(mount.path.path, before, after)
            fits = sum(map(len, texts)) + len(text) <= MAXIMUM_PREVIEW
            texts.append(text if fits else f"{text[:200]} … (left out)")
            self.complete = self.complete and complete and fits
        self.text = "\n".join(texts[:MAXIMUM_FILES]) or "(no file would change)"
        self.complete = self.complete and len(texts) <= MAXIMUM_FILES
        return None


class Comparing:
    """
    Lets pass what was shown, `{path: [digest before, digest after]}` as JSON, and nothing else.
    """

    commits = True

    def __init__(self, shown: str) -> None:
        self._shown = json.loads(shown)

    async def look(self, staged: Staged) -> pb.Outcome | None:
        paths = {mount.path.path for mount, _ in staged}
        for path in sorted(paths ^ self._shown.keys()):
            return staged_endings.preview_differs(path)
        for mount, descriptor in staged:
            digests = [(await original(mount)).digest, (await read(descriptor)).digest]
            if digests != self._shown[mount.path.path]:
                return staged_endings.preview_differs(mount.path.path)
        return None


async def original(mount: OpenedMount) -> Content:
    """
    What a staged file would replace.
    """
    return ABSENT if mount.descriptor < 0 else await read(mount.descriptor)


async def read(descriptor: int) -> Content:
    """
    The content of an open file, whatever its offset; others have their turns meanwhile.
    """
    digest, size, kept = hashlib.sha256(), 0, b""
    while block := os.pread(descriptor, _BLOCK, size):
        digest.update(block)
        size += len(block)
        if size <= MAXIMUM_TEXT:
            kept += block
        await asyncio.sleep(0)
    return Content(digest.hexdigest(), size, kept if size <= MAXIMUM_TEXT else None)
