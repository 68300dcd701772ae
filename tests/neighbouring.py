"""
A granted file, its neighbour, and a service whose hostile tools want the wrong one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from running_server import Server, start_server
from toolcell_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

GRANTED, NEIGHBOUR = "what was granted", "what the neighbour keeps to itself"
HOSTILE = Path(__file__).parent / "contract" / "bundles" / "hostile"
SETTINGS = """
[policy]
roots = [{{path = "{root}", access = "write"}}]
denied_paths = ["{root}/denied"]

[[bundles]]
name = "hostile"
path = "{hostile}"

[builtin]
enabled = false
"""


class Operator:
    """
    A service with one cell at a time, and a root that anybody on the host may read and write.
    """

    def __init__(self, place: Path, server: Server, client: Client) -> None:
        self.place = place
        self.root = place / "root"
        self.server = server
        self.client = client

    @contextlib.contextmanager
    def planted(self) -> Iterator[Path]:
        """
        The root with a granted file and its neighbour in it; empty again afterwards.
        """
        plant(self.root)
        yield self.root
        for entry in self.root.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()


@contextlib.contextmanager
def operating(place: Path, folder: Path) -> Iterator[Operator]:
    """
    Parameters:
        place: a folder for the root and what lies around it.
        folder: the server's own.
    """
    (place / "root").mkdir()
    settings = SETTINGS.format(root=place / "root", hostile=HOSTILE)
    with (
        start_server(folder, settings, server="max_executions = 1\nqueue = 8") as server,
        Client(server.target) as client,
    ):
        yield Operator(place, server, client)


def plant(folder: Path) -> None:
    for name, text in (("granted.txt", GRANTED), ("neighbour.txt", NEIGHBOUR)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o666)
        os.utime(folder / name, (10**9, 10**9))


def picture(folder: Path) -> dict[str, tuple[Any, ...]]:
    """
    All that can be changed of a folder: names, kinds, modes, owners, times, links, contents.
    """
    seen: dict[str, tuple[Any, ...]] = {}
    for entry in sorted((folder, *folder.rglob("*"))):
        status = entry.lstat()
        changed = (status.st_mtime_ns, status.st_ctime_ns)
        attributes = tuple(os.listxattr(entry, follow_symlinks=False))
        content = entry.read_bytes() if entry.is_file() else b""
        kind = (status.st_mode, status.st_uid, status.st_gid, status.st_nlink, status.st_ino)
        seen[str(entry.relative_to(folder))] = (kind, changed, attributes, content)
    return seen
