"""
Attacks by what processes share: sockets, locks, watched files, System V objects, keyrings.

Some are in two parts: one knows a secret and tells it, the other listens.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import select
import socket
import struct
import sysconfig
import time
from pathlib import Path
from typing import Any

from toolcell_worker.battery.trying import LIBC, call, every

CREATE, REMOVE = 0o1000, 0
SIZE = 4096
OPEN_AND_ACCESS = 0x23
USER_KEYRING = -4
RECORD = "hhqqi"
TELLING_SECONDS = 20.0


def reach_an_abstract_socket(plan: dict[str, Any]) -> Any:
    """
    It has a name, and no path.
    """
    return _reach("\0" + plan["name"])


def reach_a_socket_by_its_path(plan: dict[str, Any]) -> Any:
    """
    As docker's, or a message bus's.
    """
    return _reach(plan["path"])


def send_from_a_pair_to_a_path(plan: dict[str, Any]) -> Any:
    """
    A socket that was made connected sends elsewhere.
    """
    address = plan["path"]
    tried: dict[str, Any] = {}
    for kind in (socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, socket.SOCK_STREAM):
        tried |= every(**{str(kind): lambda k=kind: _send_from_pair(k, address)})
    return tried


def tell_by_locks(plan: dict[str, Any]) -> Any:
    """
    The bits of a text: which of the library's files are locked.
    """
    held = []
    for path, bit in zip(_library(plan["start"]), _bits(plan["text"]), strict=False):
        descriptor = os.open(path, os.O_RDONLY)
        held.append(descriptor)
        if bit:
            with contextlib.suppress(BlockingIOError):  # somebody else's, who says as much by it
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    print("told", flush=True)  # noqa: T201  # now the other one may listen
    time.sleep(TELLING_SECONDS)


def hear_by_locks(plan: dict[str, Any]) -> Any:
    """
    Try each lock.
    """
    bits = []
    for path in _library(plan["start"])[: plan["bits"]]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            bits.append(0)
        except BlockingIOError:
            bits.append(1)
        finally:
            os.close(descriptor)
    return _text(bits)


def tell_by_records(plan: dict[str, Any]) -> Any:
    """
    The bits of a text: which bytes of one file are locked for reading, which needs no right to
    write.
    """
    descriptor = os.open(_library(0)[0], os.O_RDONLY)
    for place, bit in enumerate(_bits(plan["text"]), plan["start"]):
        if bit:
            fcntl.fcntl(descriptor, fcntl.F_SETLK, _record(fcntl.F_RDLCK, place))
    print("told", flush=True)  # noqa: T201  # as above
    time.sleep(TELLING_SECONDS)


def hear_by_records(plan: dict[str, Any]) -> Any:
    """
    Ask for each byte whether one could write.
    """
    descriptor = os.open(_library(0)[0], os.O_RDONLY)
    bits = []
    for place in range(plan["start"], plan["start"] + plan["bits"]):
        answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, _record(fcntl.F_WRLCK, place))
        bits.append(int(struct.unpack(RECORD, answer)[0] != fcntl.F_UNLCK))
    return _text(bits)


def watch_what_others_open(plan: dict[str, Any]) -> Any:
    """
    A watch on a file of the library tells when anybody on the host opens it.
    """
    watch = -1
    with contextlib.suppress(OSError):
        watch = call("inotify_init1", 0)
        call("inotify_add_watch", watch, os.fsencode(plan["path"]), OPEN_AND_ACCESS)
    print("ready", flush=True)  # noqa: T201  # now somebody opens it
    if watch < 0 or not select.select([watch], [], [], 1.0)[0]:
        return []
    return [len(os.read(watch, SIZE))]


def leave_in_system_objects(plan: dict[str, Any]) -> Any:
    """
    System V shared memory and a message queue, which outlive whoever made them, and a key.
    """
    key, text = plan["key"], plan["text"].encode()
    return every(
        memory=lambda: ctypes.memmove(_memory(key, CREATE), text, len(text)),
        queue=lambda: call(
            "msgsnd", call("msgget", key, CREATE | 0o666), struct.pack("q", 1) + text, len(text), 0
        ),
        keyring=lambda: call("syscall", _add_key(), b"user", b"battery", text, len(text), -4),
    )


def find_in_system_objects(plan: dict[str, Any]) -> Any:
    """
    Look whether they are there, and remove them.
    """
    key = plan["key"]
    try:
        return every(
            memory=lambda: ctypes.string_at(_memory(key, 0), 64),
            queue=lambda: _received(key),
            keyring=_key_text,
        )
    finally:
        every(
            memory=lambda: call("shmctl", call("shmget", key, SIZE, 0), REMOVE, None),
            queue=lambda: call("msgctl", call("msgget", key, 0), REMOVE, None),
        )


def _reach(address: str) -> Any:
    tried: dict[str, Any] = {}
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        tried |= every(
            **{str(kind): lambda k=kind: socket.socket(socket.AF_UNIX, k).connect(address)}
        )
    family = struct.pack("H", socket.AF_UNIX)
    packed = family + address.encode() + (b"" if address.startswith("\0") else b"\0")

    def by_the_library() -> int:
        return call("connect", call("socket", 1, 1, 0), packed, len(packed))

    return tried | every(by_the_library=by_the_library)


def _send_from_pair(kind: int, address: str) -> int:
    one, other = socket.socketpair(socket.AF_UNIX, kind)
    with one, other:
        return one.sendto(b"reached", address)


def _library(start: int) -> list[str]:
    """
    Files of the standard library from a place on that both have agreed upon.
    """
    folder = Path(sysconfig.get_path("stdlib"))
    paths = [str(path) for path in sorted(folder.glob("[a-z]*/*.py"))]
    start %= len(paths) // 2
    return paths[start:]


def _bits(text: str) -> list[int]:
    return [byte >> place & 1 for byte in bytes.fromhex(text) for place in range(8)]


def _text(bits: list[int]) -> str:
    parts = [bits[start : start + 8] for start in range(0, len(bits), 8)]
    return bytes(sum(bit << place for place, bit in enumerate(part)) for part in parts).hex()


def _record(kind: int, place: int) -> bytes:
    return struct.pack(RECORD, kind, os.SEEK_SET, place, 1, 0)


def _memory(key: int, flags: int) -> int:
    LIBC.shmat.restype = ctypes.c_void_p
    address = LIBC.shmat(call("shmget", key, SIZE, flags | 0o666), None, 0)
    if address in (None, ctypes.c_void_p(-1).value):
        raise OSError(errno.EINVAL, "no memory could be attached")
    return int(address)


def _received(key: int) -> bytes:
    buffer = ctypes.create_string_buffer(SIZE)
    queue = call("msgget", key, 0)
    call("msgrcv", queue, buffer, SIZE - 8, 0, 0o4000)
    return buffer.raw[8:72]


def _key_text() -> bytes:
    keyctl = 250 if os.uname().machine == "x86_64" else 219
    buffer = ctypes.create_string_buffer(64)
    key = call("syscall", keyctl, 10, USER_KEYRING, b"user", b"battery", 0)
    call("syscall", keyctl, 11, key, buffer, 64)
    call("syscall", keyctl, 9, key, USER_KEYRING, 0, 0)
    return buffer.raw


def _add_key() -> int:
    return 248 if os.uname().machine == "x86_64" else 217
