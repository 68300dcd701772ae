"""
Checks values against schemas in a process of its own, because nothing else can stop a regular
expression: `python -I -m toolcell_server.validator_process`, started by `validator_pool`.

Theory of operation.  Standard input is a socket to the server.  A request is two counted byte
strings, schema and value; the answer is one, JSON.  The process keeps no state but a cache of
validators, and answers one request at a time, in order; the server kills it when an answer is
late.  Should the server be gone by then, the alarm ends it: SIGALRM keeps its default action,
which the kernel carries out whatever Python is busy with.  It holds nothing worth stealing, and
started by root it becomes nobody before it reads anything.

The schema is the operator's and was checked at registration; the value is hostile.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import resource
import signal
import socket
import struct
import sys
from typing import Any, Final

from toolcell_server import schema_check, strict_json, violations

REQUEST: Final = struct.Struct("!III")  # bytes of the schema, of the value; depth of the value
ANSWER: Final = struct.Struct("!I")
READY: Final = b"+"
ALARM_SECONDS: Final = 60  # above any budget of the server
_MEMORY_BYTES: Final = 2**30  # arbitrary; the largest value takes a quarter of it
_NOBODY: Final = 65_534
_WARMING: Final = (
    b'{"anyOf": [{"type": "object", "pattern": "a"}, {"format": "date"}]}',
    b'"x"',
    1,
)
_FRAMES: Final = 20_000  # a recursive schema takes some ten a level


def main() -> int:
    """
    Answer requests until the server closes its end.
    """
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    sys.setrecursionlimit(_FRAMES)
    find(*_WARMING)  # imports what a check imports late, while the files can be read
    _become_nobody()
    with socket.socket(fileno=0) as channel:
        channel.sendall(READY)
        while header := _receive(channel, REQUEST.size):
            schema_bytes, value_bytes, depth = REQUEST.unpack(header)
            schema, value = _receive(channel, schema_bytes), _receive(channel, value_bytes)
            signal.alarm(ALARM_SECONDS)
            answer = json.dumps(find(schema, value, depth)).encode()
            signal.alarm(0)
            channel.sendall(ANSWER.pack(len(answer)) + answer)
    return 0


def find(schema: bytes, value: bytes, depth: int) -> list[violations.Violation]:
    """
    What a value violates, its own syntax included.
    """
    try:
        parsed: Any = strict_json.parse_value(value, len(value), depth)
        return violations.find(_validator(schema), parsed)
    except strict_json.NotStrictJson as exc:
        return [(exc.pointer, str(exc))]
    except (RecursionError, MemoryError):
        return [("", "is too large or too deep to check against its schema")]
    except Exception as exc:  # noqa: BLE001  # a checker that trips over a value is an answer too
        return [("", f"cannot be checked against its schema ({type(exc).__name__})")]


def _become_nobody() -> None:
    if os.geteuid() != 0:
        return
    with contextlib.suppress(OSError):  # a namespace without that id; the checks are the same
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)


@functools.lru_cache(maxsize=256)
def _validator(schema: bytes) -> Any:
    return schema_check.build(json.loads(schema))


def _receive(channel: socket.socket, length: int) -> bytes:
    """
    Exactly that many bytes; fewer, none included, if the server closed its end.
    """
    parts = []
    while length > 0 and (part := channel.recv(min(length, 2**20))):
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


if __name__ == "__main__":
    sys.exit(main())
