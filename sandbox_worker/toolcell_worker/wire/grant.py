"""
What a cell is told before its walls are up: a fixed binary frame, written by the server only.

Nothing that a caller controls is interpreted while it is read: numbers are fixed-width, texts are
counted bytes that are copied, never parsed.  Whose call it is comes later, behind the walls
(`wire.call`): cells of one make and one grant are alike until then, and can be built in advance.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass
from typing import Any

from toolcell_worker.wire.workspace import WORKSPACE

_NUMBERS = struct.Struct("!B??dQQQQIIQH")
_SIZES = (
    *("cpu_seconds", "memory_bytes", "disk_bytes", "file_size_bytes", "result_bytes"),
    *("processes", "open_files", "arguments_bytes"),
)
_COUNT = struct.Struct("!I")
_PORT = struct.Struct("!H")


class Profile(enum.IntEnum):
    """
    Which system calls a tool needs, each profile a superset of the one before.
    """

    COMPUTE = 1  # neither sockets nor programs nor forks
    NET = 2  # and internet stream sockets
    SUBPROCESS = 3  # and forks and programs; internet sockets only if a network is granted


class Access(enum.IntEnum):
    """
    What may be done with a mounted path.
    """

    READ = 1
    WRITE = 2
    STAGED = 3


@dataclass(frozen=True, slots=True)
class Mount:
    """
    One granted path: where it appears, and whether a descriptor of it came along.
    A staged path that does not exist yet has none.
    """

    access: Access
    path: str
    root: str  # the operator's root that it lies in, or is
    directory: bool
    given: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CellGrant:
    """
    Everything that shapes one cell.  Sizes in bytes, times in seconds.  `counted`: its file
    operations have a budget (`wire.counted`), and the server counts them.  `stateful`: it serves
    one call after the other.  `ports`: where the names that were granted can be reached in a
    network of the cell's own; `proxy`: in a cell without namespaces, the port of the host's
    loopback where they can be asked for; neither: no network.
    """

    profile: Profile
    cpu_seconds: float
    memory_bytes: int
    disk_bytes: int
    file_size_bytes: int
    result_bytes: int
    processes: int
    open_files: int
    arguments_bytes: int
    counted: bool = False
    stateful: bool = False
    environment: tuple[tuple[str, str], ...] = ()
    mounts: tuple[Mount, ...] = ()
    ports: tuple[int, ...] = ()
    proxy: int = 0

    @property
    def directory(self) -> str:
        """
        Where the tool begins: in the workspace of its session, if it has all of it.
        """
        whole = any(mount.path == WORKSPACE and mount.given for mount in self.mounts)
        return WORKSPACE if whole else "/tmp"  # noqa: S108  # private to the cell

    @property
    def network(self) -> bool:
        """
        Whether it has sockets.
        """
        return bool(self.ports or self.proxy)

    def pack(self) -> bytes:
        """
        The grant as bytes: numbers, the environment, the mounts, the ports.
        """
        parts = [
            _NUMBERS.pack(
                self.profile,
                self.counted,
                self.stateful,
                self.cpu_seconds,
                self.memory_bytes,
                self.disk_bytes,
                self.file_size_bytes,
                self.result_bytes,
                self.processes,
                self.open_files,
                self.arguments_bytes,
                self.proxy,
            )
        ]
        parts.append(_COUNT.pack(len(self.environment)))
        parts += [_text(part) for pair in self.environment for part in pair]
        parts.append(_COUNT.pack(len(self.mounts)))
        for mount in self.mounts:
            parts.append(bytes((mount.access, mount.directory, mount.given)))
            parts += [_text(mount.path), _text(mount.root)]
        parts.append(_COUNT.pack(len(self.ports)))
        parts += [_PORT.pack(port) for port in self.ports]
        return b"".join(parts)

    @classmethod
    def unpack(cls, data: bytes) -> CellGrant:
        """
        The grant that `pack` wrote.

        Raises:
            ValueError: the bytes are not a whole grant.
        """
        reader = _Reader(data)
        numbers = reader.numbers(_NUMBERS)
        environment = tuple((reader.text(), reader.text()) for _ in range(reader.count()))
        mounts = tuple(reader.mount() for _ in range(reader.count()))
        ports = tuple(reader.numbers(_PORT)[0] for _ in range(reader.count()))
        reader.end()
        profile, counted, stateful, *sizes, proxy = numbers
        named = dict(zip(_SIZES, sizes, strict=True))
        return cls(
            profile=Profile(profile),
            counted=counted,
            stateful=stateful,
            environment=environment,
            mounts=mounts,
            ports=ports,
            proxy=proxy,
            **named,
        )


def _text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogateescape")
    return _COUNT.pack(len(data)) + data


class _Reader:
    """
    Reads counted values one after the other; anything short or left over is an error.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def numbers(self, layout: struct.Struct) -> tuple[Any, ...]:
        return layout.unpack(self._take(layout.size))

    def count(self) -> int:
        return int(_COUNT.unpack(self._take(_COUNT.size))[0])

    def text(self) -> str:
        return self._take(self.count()).decode("utf-8", "surrogateescape")

    def mount(self) -> Mount:
        access, directory, given = self._take(3)
        path, root = self.text(), self.text()
        return Mount(Access(access), path, root, bool(directory), bool(given))

    def end(self) -> None:
        if self.position != len(self.data):
            raise ValueError(f"{len(self.data) - self.position} bytes are left over in a grant")

    def _take(self, length: int) -> bytes:
        end = self.position + length
        if end > len(self.data):
            raise ValueError("a grant is cut off")
        data = self.data[self.position : end]
        self.position = end
        return data
