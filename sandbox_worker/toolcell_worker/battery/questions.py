"""
Questions to a name server, by hand; and such as none should have to read (RFC 1035 4.1).
"""

from __future__ import annotations

import socket
import struct
import time

HEADER = "123401000001000000000000"
MALFORMED = {
    "nothing": "",
    "one byte": "00",
    "half a header": HEADER[:12],
    "a pointer to itself": HEADER + "c00c00010001",
    "two pointers to each other": HEADER + "c00ec00c00010001",
    "a pointer past the end": HEADER + "ffff00010001",
    "a label past the end": HEADER + "3f6161",
    "a label of an unknown kind": HEADER + "8061000000010001",
    "no end": HEADER + "0161" * 200,
    "counts that lie": "12340100ffffffffffffffff" + "0161000000010001",
    "an answer": "123481800001000100000000" + "0161000000010001",
    "much": "ff" * 4000,
    "a dynamic update": "12342800000100000000000001610000060001",
}
A, NULL, MX, TXT, AAAA, ANY = 1, 10, 15, 16, 28, 255
_FAMILIES = {A: socket.AF_INET, AAAA: socket.AF_INET6}
_ANSWER_BYTES = 2048
_AGAIN_SECONDS = 0.5  # arbitrary
PATIENT_SECONDS = 10.0  # arbitrary; on a busy host whoever answers may just be starting


def question(name: str, kind: int) -> bytes:
    """
    The wire form of a question.
    """
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return bytes.fromhex(HEADER) + labels + struct.pack("!BHH", 0, kind, 1)


def ask(server: tuple[str, int], query: bytes, seconds: float = PATIENT_SECONDS) -> bytes:
    """
    What a name server says over UDP.  It is asked again now and then, as by any resolver: a
    question to whoever ends before he answers is lost.

    Raises:
        OSError: nobody is there, or nothing came.
    """
    end = time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(min(seconds, _AGAIN_SECONDS))
        asking.connect(server)
        while True:
            asking.send(query)
            try:
                return asking.recv(_ANSWER_BYTES)
            except TimeoutError:
                if time.monotonic() > end:
                    raise


def addresses(answer: bytes, kind: int) -> list[str]:
    """
    The addresses of an answer whose names are all the one that was asked for.
    """
    (count,) = struct.unpack_from("!H", answer, 6)
    place = answer.index(0, 12) + 5  # behind the question
    found = []
    for _ in range(count):
        of, length = struct.unpack_from("!2xH6xH", answer, place)
        data = answer[place + 12 : place + 12 + length]
        if of == kind:
            found.append(socket.inet_ntop(_FAMILIES[kind], data))
        place += 12 + length
    return found
