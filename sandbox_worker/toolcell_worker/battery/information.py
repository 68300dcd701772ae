"""
Attacks on what is known: environments, arguments, descriptors, memory, random numbers, names.
"""

from __future__ import annotations

import ctypes
import gc
import os
import random
import re
import resource
import secrets
import signal
import socket
import stat
import sys
import tempfile
import traceback
import uuid
from pathlib import Path
from typing import Any

from toolcell_worker.battery.trying import LIBC, call, every

SECRET = re.compile(rb"[0-9a-f]{32}")
DESCRIPTORS = 1024
PEER_CREDENTIALS, PEER_PIDFD = 17, 77
PIDFD_SEND_SIGNAL, PIDFD_GETFD = 424, 438
ALLOCATIONS = 64
# As many a library has one: made when it is imported, in the process that is forked later.
MADE_AT_LOAD = random.Random()


def read_the_environment_of_the_service(plan: dict[str, Any]) -> Any:
    """
    One's own, as Python, the library and the kernel remember it; and others'.
    """
    pids = ["self", "1", os.getppid(), plan["pid"]]
    files = {f"{p}": lambda p=p: Path(f"/proc/{p}/environ").read_bytes() for p in pids}
    return every(python=lambda: dict(os.environ), library=_library_environment, **files)


def read_what_proc_says_of_others(plan: dict[str, Any]) -> Any:
    """
    Arguments, environments, maps and names of every process.
    """
    found: dict[str, Any] = {}
    for pid in [*(name for name in _names("/proc") if name.isdigit()), str(plan["pid"])]:
        for name in ("cmdline", "environ", "maps", "status", "comm", "mountinfo"):
            path = Path("/proc", pid, name)
            found |= every(**{str(path): path.read_bytes})
    texts = {path: text for path, text in found.items() if isinstance(text, bytes)}
    return {path: SECRET.findall(text) for path, text in texts.items() if SECRET.search(text)}


def read_descriptors_that_were_left_open(plan: dict[str, Any]) -> Any:
    """
    Whatever is open, from its beginning.
    """
    del plan
    found: dict[str, Any] = {}
    for number in range(3, DESCRIPTORS):
        found |= every(**{str(number): lambda n=number: os.pread(n, 4096, 0)})
    return {number: data for number, data in found.items() if isinstance(data, bytes)}


def identify_the_peer_of_a_socket(plan: dict[str, Any]) -> Any:
    """
    Who made the other end, and a handle of him.
    """
    del plan
    found: dict[str, list[int]] = {"pids": [], "pidfds": [], "signalled": [], "taken": []}
    for number in [n for n in range(DESCRIPTORS) if _is_socket(n)]:
        peer = socket.socket(fileno=os.dup(number))
        try:
            credentials = peer.getsockopt(socket.SOL_SOCKET, PEER_CREDENTIALS, 12)
            found["pids"].append(int.from_bytes(credentials[:4], sys.byteorder))
            pidfd = peer.getsockopt(socket.SOL_SOCKET, PEER_PIDFD)
        except OSError:
            continue
        found["pidfds"].append(pidfd)
        for name, result in _use(pidfd).items():
            found[name] += [result] if isinstance(result, int) else []
    return found


def know(plan: dict[str, Any]) -> Any:
    """
    An earlier call, which was told something.
    """
    return len(plan["secret"])


def search_the_memory_for_earlier_calls(plan: dict[str, Any]) -> Any:
    """
    Every object of the interpreter, every frame, and memory that was given back.
    """
    del plan
    gc.collect()
    found: set[bytes] = set()
    for frame in sys._current_frames().values():
        found |= _secrets_of(repr((frame.f_globals, frame.f_locals)))
    inside: list[Any] = gc.get_objects()
    for _ in range(3):  # what holds texts only is not among the objects, but its holder is
        inside = gc.get_referents(*(item for item in inside if not isinstance(item, str | bytes)))
        for item in inside:
            found |= _secrets_of(item) if isinstance(item, str | bytes | bytearray) else set()
    return sorted(found | _in_memory_given_back())


def draw_random_numbers(plan: dict[str, Any]) -> Any:
    """
    From every source that a program trusts not to repeat itself.
    """
    del plan
    return {
        "random": str(random.getrandbits(128)),
        "system": str(random.SystemRandom().getrandbits(128)),
        "secrets": secrets.token_hex(16),
        "uuid4": str(uuid.uuid4()),
        "urandom": os.urandom(16).hex(),
        "temporary name": next(vars(tempfile)["_get_candidate_names"]()) * 4,
        "own generator": str(random.Random().getrandbits(128)),
        "generator made at load": str(MADE_AT_LOAD.getrandbits(128)),
    }


def learn_where_it_runs(plan: dict[str, Any]) -> Any:
    """
    The names of the host, of its boot, of its users.
    """
    files = ("/etc/hostname", "/etc/hosts", "/etc/passwd", "/proc/self/cgroup", *plan["paths"])
    return every(
        **{path: lambda p=path: Path(p).read_text() for path in files},
        name=lambda: [socket.gethostname(), os.uname().nodename, socket.getfqdn()],
        mounts=lambda: Path("/proc/self/mountinfo").read_text(),
        user=lambda: [os.getuid(), os.getlogin()],
    )


def learn_paths_from_errors(plan: dict[str, Any]) -> Any:
    """
    What a path really is: by links, by errors, and by what the server says of a folder where it
    expects a file.
    """
    path = plan["path"]
    return every(
        real=lambda: os.path.realpath(path),
        link=lambda: os.readlink(os.path.dirname(os.path.dirname(path))),
        descriptor=lambda: os.readlink(f"/proc/self/fd/{os.open(os.path.dirname(path), 0)}"),
        error=lambda: _error_of(path),
        spoiled=lambda: os.mkdir(path),
    )


def learn_paths_from_a_refusal(plan: dict[str, Any]) -> Any:
    """
    What the server says of a path that it does not give.
    """
    return [os.path.realpath(os.path.dirname(plan["path"])), _error_of(plan["path"])]


def leave_an_image_of_the_memory(plan: dict[str, Any]) -> Any:
    """
    A process that crashes leaves everything that it knew, where it worked.
    """
    os.chdir(plan["folder"])
    tried = every(
        limit=lambda: resource.setrlimit(resource.RLIMIT_CORE, (-1, -1)),
        softer=lambda: resource.setrlimit(
            resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2
        ),
        dumpable=lambda: call("prctl", 4, 1, 0, 0, 0),
    )
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGABRT, signal.SIG_DFL)
        os.abort()
    _, status = os.waitpid(pid, 0)
    return {"tried": str(tried), "dumped": os.WCOREDUMP(status)}


def _library_environment() -> list[bytes]:
    variables = ctypes.POINTER(ctypes.c_char_p).in_dll(LIBC, "environ")
    found: list[bytes] = []
    while variables and (variable := variables[len(found)]) is not None:
        found.append(variable)
    return found


def _use(pidfd: int) -> dict[str, Any]:
    return every(
        signalled=lambda: call("syscall", PIDFD_SEND_SIGNAL, pidfd, 0, None, 0),
        taken=lambda: call("syscall", PIDFD_GETFD, pidfd, 2, 0),
    )


def _is_socket(number: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:
        return False


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _secrets_of(text: str | bytes | bytearray) -> set[bytes]:
    data = text.encode("utf-8", "replace") if isinstance(text, str) else bytes(text)
    return set(SECRET.findall(data))


def _in_memory_given_back() -> set[bytes]:
    """
    What malloc hands out has not been wiped.
    """
    LIBC.malloc.restype = ctypes.c_void_p
    found: set[bytes] = set()
    for size in (32, 64, 128, 512, 4096, 65536):
        blocks = [LIBC.malloc(size) for _ in range(ALLOCATIONS)]
        for block in filter(None, blocks):
            found.update(SECRET.findall(ctypes.string_at(block, size)))
    return found


def _error_of(path: str) -> str:
    try:
        return Path(path, "nothing").read_text()
    except OSError:
        return traceback.format_exc()
