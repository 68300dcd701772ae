"""
The probe: what a cell finds when it tries its own walls.

Theory of operation.  At start the server has each zygote make a throw-away cell of each life
(`cell.py`) and exactly the make that tools get, in which this runs instead of a tool.  Each wall is
tried, not asked for its version: what was refused is up, what worked is not.  The arguments name
canaries that the server planted outside: a file that anybody may read, and the names that the host
has.  Whatever cannot be told from inside (the watchdog, the process tree) the server adds.  Where
cells have no namespaces, another cell tries what a call with domains gets there.

Each is tried by what only that wall refuses.  Namespaces without an effect that the tool could
see (ipc) are verified by inode when a cell is built (`walls/namespaces.py`), and not tried here.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_worker import wire
from toolcell_worker.wire import Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from toolcell_worker.wire import CellGrant

TOOL = ""  # the name under which a cell runs the probe; no tool can have it
ACTIVE = "active"
LOOPBACK = "127.0.0.1"
TRIAL_SECONDS = 5.0  # arbitrary; somebody listens there, on this very host
CAPABILITY_VERSION = 0x2008_0522  # _LINUX_CAPABILITY_VERSION_3 (linux/capability.h)


def perform(arguments: bytes, channel: int, grant: CellGrant) -> int:
    """
    Try every wall; the result is {wall: "active" | reason why it is not}.
    """
    canaries = json.loads(arguments)
    if grant.proxy:
        trial = {"network": lambda: _proxied(grant.proxy, canaries["port"])}
        return _report(trial, channel)
    trials: dict[str, Callable[[], str]] = {
        "identity": lambda: _identity(canaries["host_user"]),
        "mounts": lambda: _mounts(canaries["file"]),
        "processes": _processes,
        "network": _network,
        "hostname": _hostname,
        "landlock": _landlock,
        "seccomp": _seccomp,
        "privileges": lambda: _privileges(bounding=canaries["bounding"]),
        "rlimits": lambda: _rlimits(grant),
        "descriptors": _descriptors,
        "environment": lambda: _environment(grant),
    }
    return _report(trials, channel)


def _report(trials: Mapping[str, Callable[[], str]], channel: int) -> int:
    found = {}
    for wall, trial in trials.items():
        try:
            found[wall] = trial() or ACTIVE
        except Exception as exc:  # noqa: BLE001  # a trial that fails proves nothing
            found[wall] = f"the trial failed: {type(exc).__name__}: {exc}"
    wire.write(channel, Frame.RESULT, json.dumps(found).encode())
    return 0


def _identity(host_user: int) -> str:
    if os.getuid() == 0 or os.geteuid() == 0:
        return "the cell runs as root of its namespace"
    if os.getuid() == host_user and host_user != 0:
        return "the cell has the user id of the service"
    return ""


def _mounts(canary: str) -> str:
    if Path(canary).exists():
        return "a file of the host that was not granted has a name in the cell"
    try:
        Path("/canary").touch()
    except OSError:
        return ""
    return "the root of the cell can be written"


def _processes() -> str:
    return "" if os.getpid() == 2 and os.getppid() == 0 else "the cell sees foreign process ids"


def _network() -> str:
    """
    The filter refuses sockets; that the network is empty the zygote has verified.
    """
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()
    except OSError:
        return ""
    return "a socket could be made without a grant"


def _proxied(proxy: int, other: int) -> str:
    """
    Somebody listens at both ports of the host's loopback; one is the cell's to connect to.
    """
    attempts: dict[str, Callable[[], object]] = {
        "another port could be connected to": lambda: _connected(other),
        "another port could be reached by fast open": lambda: _fast_opened(other),
        "datagrams could be sent": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "a socket could listen": lambda: socket.socket().listen(),
    }
    _connected(proxy)
    for what, attempt in attempts.items():
        try:
            attempt()
        except PermissionError:
            continue
        return what
    return ""


def _connected(port: int) -> None:
    socket.create_connection((LOOPBACK, port), TRIAL_SECONDS).close()


def _fast_opened(port: int) -> None:
    with socket.socket() as one:
        one.sendto(b"x", socket.MSG_FASTOPEN, (LOOPBACK, port))


def _hostname() -> str:
    return "" if socket.gethostname() == "cell" else "the cell knows the host's name"


def _landlock() -> str:
    """
    By its file mode anybody may list /run, and the mount is there: only Landlock refuses.
    """
    if not Path("/run").stat().st_mode & 0o004:
        return "the trial needs a listable /run"
    try:
        next(Path("/run").iterdir(), None)
    except PermissionError:
        return ""
    return "a directory that was not granted could be listed"


def _seccomp() -> str:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(0, 0, 0, 0) == 0:
        return "ptrace is allowed"
    return "" if ctypes.get_errno() == errno.EPERM else "ptrace is refused, but not by the filter"


def _privileges(*, bounding: bool) -> str:
    """
    `bounding`: the set that limits what programs can gain must be empty too.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()
    if libc.capget(header, sets) != 0 or any(sets):
        return "a capability is left"
    if bounding and any(libc.prctl(23, number, 0, 0, 0) == 1 for number in range(64)):
        return "a capability is left in the bounding set"
    return "" if libc.prctl(39, 0, 0, 0, 0) == 1 else "no_new_privs is not set"


def _rlimits(grant: CellGrant) -> str:
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: grant.file_size_bytes,
        resource.RLIMIT_NOFILE: grant.open_files,
    }
    for kind, value in wanted.items():
        if resource.getrlimit(kind) != (value, value):
            return f"limit {kind} is {resource.getrlimit(kind)}, not {value}"
    return ""


def _descriptors() -> str:
    extra = []
    for number in range(4, 256):
        try:
            os.fstat(number)
        except OSError:
            continue
        extra.append(number)
    return f"descriptors {extra} are open" if extra else ""


def _environment(grant: CellGrant) -> str:
    declared = dict(grant.environment)
    foreign: list[Any] = sorted(set(os.environ) - set(declared))
    return f"variables {foreign} were not declared" if foreign else ""
