"""
Which denied access an exception shows: an error number, what it names, and what was granted.

A decision, without effects but looking whether a path exists.  It explains to people and models;
the walls have already decided.  A path that is not granted cannot be told from one that is not
there: it is called not granted, because that can be changed.  Only what the call itself asked for
is taken to be missing (`missing.py`), and that is no denial.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from toolcell_worker import witness
from toolcell_worker.wire import Access

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_worker.wire import CellGrant, Mount

MAXIMUM_DENIALS = 8  # arbitrary; an exception group may hold thousands
MAXIMUM_LINKS = 64  # arbitrary; how many causes are followed
SCRATCH = ("/tmp", "/dev/shm")  # noqa: S108  # of the cell
# Visible in every cell, so that what is missing there is really not there.
RUNTIME = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", sys.prefix, sys.base_prefix)
FORBIDDEN = (errno.EPERM, errno.EACCES)
UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL)
NO_FAMILY = (errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT)
WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
OPERATIONS = {
    "open": "open",
    "os.listdir": "list",
    "os.scandir": "list",
    "socket.__new__": "socket",
    "socket.bind": "bind",
    "socket.connect": "connect",
    "socket.getaddrinfo": "resolve",
    "socket.gethostbyname": "resolve",
    "socket.sendmsg": "send",
    "socket.sendto": "send",
    "os.exec": "exec",
    "os.kill": "kill",
}


@dataclass(frozen=True, slots=True)
class Denial:
    """
    One denied access, as a DENIED frame carries it.
    """

    wall: str
    operation: str
    target: str
    reason: str

    def describe(self) -> dict[str, str]:
        """
        The denial with its target bounded and free of what is not Unicode.
        """
        target = self.target[:1024].encode("utf-8", "backslashreplace").decode()
        return {**asdict(self), "target": target}


def find(exc: BaseException, grant: CellGrant) -> list[Denial]:
    """
    The denials that an exception shows, its causes and its members included; without repetition.
    """
    found: list[Denial] = []
    for link in chain(exc):
        denial = explain(link, grant) if isinstance(link, OSError) else None
        if denial and denial not in found:
            found.append(denial)
    return found[:MAXIMUM_DENIALS]


def chain(exc: BaseException) -> Iterator[BaseException]:
    """
    An exception and what lies behind it, nearest first.
    """
    waiting: list[Any] = [exc]
    seen: set[int] = set()
    while waiting and len(seen) < MAXIMUM_LINKS:
        link = waiting.pop(0)
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting.append(link.__cause__)
        if not link.__suppress_context__:
            waiting.append(link.__context__)
        waiting.append(getattr(link, "reason", None))  # urllib keeps it there
        if isinstance(link, BaseExceptionGroup):
            waiting.extend(link.exceptions)


def explain(exc: OSError, grant: CellGrant) -> Denial | None:
    """
    The denial that one error shows, if it shows one.
    """
    ssl = sys.modules.get("ssl")  # whoever raises its errors has it; nobody else pays for it
    if ssl is not None and isinstance(exc, ssl.SSLError):
        return None  # the number is OpenSSL's, not the kernel's
    if isinstance(exc, socket.gaierror):
        return _network(witness.latest(witness.NETWORK), grant)
    if exc.errno in UNREACHABLE or exc.errno in NO_FAMILY:
        return _network(witness.latest(witness.NETWORK), grant)
    if isinstance(exc.filename, str | bytes):
        return _path(exc, os.fsdecode(exc.filename), grant)
    if exc.errno in FORBIDDEN and exc.filename is None:
        return _nameless(grant)
    return None


def lacks_only_existence(exc: OSError, grant: CellGrant) -> bool:
    """
    Whether the path could be written if it were there: then what it lacks is not a grant.
    """
    if not isinstance(exc.filename, str | bytes):
        return False
    path = _absolute(os.fsdecode(exc.filename))
    mount = _granted(path, grant)
    absent = mount is not None and not mount.given and mount.access is Access.WRITE
    return absent and not os.path.lexists(path)


def _nameless(grant: CellGrant) -> Denial | None:
    names = witness.NETWORK | witness.PROCESS | {"os.kill"}
    event = witness.latest(names)
    if event is None:
        return None
    if event[0] in witness.NETWORK:
        return _network(event, grant)
    if event[0] == "os.kill":
        return Denial("processes", "kill", str(event[1][0]), "not_allowed")
    return Denial("seccomp", OPERATIONS.get(event[0], "fork"), _program(event), "not_allowed")


def _program(event: witness.Event) -> str:
    first = event[1][0] if event[1] else ""
    return os.fsdecode(first) if isinstance(first, str | bytes) else ""


def _network(event: witness.Event | None, grant: CellGrant) -> Denial:
    operation = OPERATIONS[event[0]] if event else "connect"
    reason = "not_granted" if grant.network else "no_network"
    wall = "seccomp" if operation == "socket" else "network"
    return Denial(wall, operation, _address(event), reason)


def _address(event: witness.Event | None) -> str:
    if event is None:
        return ""
    name, arguments = event
    if name == "socket.__new__":
        family = arguments[1]
        known = family in set(socket.AddressFamily)
        return socket.AddressFamily(family).name if known else str(family)
    if name in ("socket.getaddrinfo", "socket.gethostbyname"):
        host, port = (*arguments, None)[:2]
        text = os.fsdecode(host) if isinstance(host, str | bytes) else str(host)
        return f"{text}:{port}" if name == "socket.getaddrinfo" and port else text
    address = arguments[1] if len(arguments) > 1 else ""
    if isinstance(address, tuple) and len(address) >= 2:
        return f"{address[0]}:{address[1]}"
    return os.fsdecode(address) if isinstance(address, str | bytes) else str(address)


def _path(exc: OSError, named: str, grant: CellGrant) -> Denial | None:
    event = witness.opened(named)
    operation = _operation(event, named)
    if operation == "exec" and "/" not in named:
        return None  # searched for in PATH: no path was denied
    path = _absolute(named)
    mount = _granted(path, grant)
    if lacks_only_existence(exc, grant):
        return None
    if exc.errno == errno.EROFS:
        return Denial("mounts", operation, path, "read_only")
    if exc.errno in FORBIDDEN:
        return _forbidden(path, operation, mount, _writes(event))
    if exc.errno == errno.ENOENT and mount is None and not _visible(path):
        return Denial("mounts", operation, path, "not_granted")
    return None


def _forbidden(path: str, operation: str, mount: Mount | None, writes: bool) -> Denial:  # noqa: FBT001  # one of two facts
    if operation == "exec" or (mount is None and _beneath(path, SCRATCH)):
        return Denial("mounts", operation, path, "not_allowed")
    if mount is None and not (writes and _beneath(path, RUNTIME)):
        return Denial("landlock", operation, path, "not_granted")
    if writes and (mount is None or mount.access is Access.READ):
        return Denial("landlock", operation, path, "read_only")
    return Denial("identity", operation, path, "not_allowed")


def _operation(event: witness.Event | None, named: str) -> str:
    if event is not None:
        return OPERATIONS.get(event[0], event[0].rpartition(".")[2])
    process = witness.latest(witness.PROCESS)
    if process is not None and _program(process) == named:
        return "exec"
    listed = witness.latest(frozenset({"os.listdir", "os.scandir"}))
    return "list" if listed and _program(listed) == named else "open"


def _writes(event: witness.Event | None) -> bool:
    if event is None or event[0] != "open":
        return event is not None
    mode, flags = (*event[1][1:3], None, None)[:2]
    if isinstance(mode, str) and set(mode) & set("wax+"):
        return True
    return isinstance(flags, int) and bool(flags & WRITE_FLAGS)


def _absolute(named: str) -> str:
    return os.path.normpath(os.path.join(os.getcwd(), named))  # noqa: PTH109, PTH118  # may be gone


def _granted(path: str, grant: CellGrant) -> Mount | None:
    """
    The nearest grant that the path lies in.
    """
    holding = [mount for mount in grant.mounts if _beneath(path, (mount.path,))]
    return max(holding, key=lambda mount: len(mount.path), default=None)


def _visible(path: str) -> bool:
    """
    Whether the cell would show what is at this path, so that it can only be missing.  The private
    /tmp hides the host's: of a folder in it that the tool did not make, nothing is shown.
    """
    if _beneath(path, SCRATCH):
        return os.path.isdir(os.path.dirname(path))  # noqa: PTH112, PTH120  # any text is a path
    return _beneath(path, RUNTIME) or os.path.lexists(path)


def _beneath(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == f or path.startswith(f.rstrip("/") + "/") for f in folders)
