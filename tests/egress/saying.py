"""
What attacks on the egress say, and the code by which a cell says it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hellos import spoken
from toolcell_worker.battery.hellos import (
    ENCRYPTED,
    ESNI,
    body,
    extension,
    handshake,
    hello,
    named,
    record,
    vector,
)

from egress.bed import GRANTED, OTHER, PLAIN

if TYPE_CHECKING:
    from egress.bed import Bed

# Any bytes; the result is all that is answered.
SEND = """
one = socket.create_connection(({host!r}, {port}), 5)
one.settimeout(2)
result = b""
try:
    one.sendall({said!r})
    while data := one.recv(65536):
        result += data
except OSError:
    pass
result = result.decode("latin-1")
one.close()
"""
# A ClientHello in pieces, then something else; the result is the first byte of the answer.
SAY = """
said = {said!r}
one = socket.create_connection(({host!r}, {port}), 5)
one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
result = ""
try:
    for start in range(0, len(said), {step}):
        one.sendall(said[start:start + {step}])
    {then}
    result = one.recv(1).hex()
except OSError as exc:
    result = str(exc)
one.close()
"""
# Many connections, one after the other.
CONNECT = """
for _ in range({count}):
    try:
        socket.create_connection(({host!r}, {port}), 5).close()
    except ConnectionError: pass
import time
time.sleep({seconds})
"""
HANDSHAKE = "16"  # the first byte of an answer to a hello


def filled(bed: Bed, payload: str) -> bytes:
    """
    A request of `smuggling`, said to the site without TLS.
    """
    port = bed.plain.port
    names = {"host": f"{PLAIN}:{port}", "other": f"{OTHER}:{port}", "name": PLAIN}
    return payload.format(**names).encode()


def smuggled(bed: Bed) -> list[str]:
    """
    What reached that site, and must not.
    """
    return [path for _, path, _ in bed.plain.seen if "smuggled" in path]


def _added(whole: bytes, *extensions: bytes) -> bytes:
    """
    A hello with more extensions at its end.
    """
    of = whole[9:]
    place = 34
    place += 1 + of[place]
    place += 2 + int.from_bytes(of[place : place + 2], "big")
    place += 1 + of[place]
    return record(handshake(of[:place] + vector(2, of[place + 2 :] + b"".join(extensions))))


GREASE = extension(
    ENCRYPTED, b"\x00\x00\x01\x00\x01\x07" + vector(2, bytes(32)) + vector(2, bytes(64))
)
RIGHT, WRONG = spoken(GRANTED), spoken(OTHER)
# First words of a client, and why they are denied.
UNCLEAR = {
    "another name": (WRONG, "sni_mismatch"),
    "no name": (spoken(None), "sni_missing"),
    "a name of an ancestor": (spoken("example.test"), "sni_mismatch"),
    "a name with a dot at its end": (hello(named(b"api.example.test.")), "malformed"),
    "two names": (hello(named(GRANTED.encode(), OTHER.encode())), "malformed"),
    "the name twice": (_added(RIGHT, named(OTHER.encode())), "malformed"),
    "an address": (hello(named(b"127.0.0.1")), "malformed"),
    "a null byte in the name": (hello(named(b"api.example.test\x00.evil.test")), "malformed"),
    "an encrypted hello": (_added(RIGHT, GREASE), "encrypted_hello"),
    "an encrypted name": (_added(RIGHT, extension(ESNI, bytes(64))), "encrypted_hello"),
    "a request without TLS": (
        f"GET /smuggled HTTP/1.1\r\nHost: {GRANTED}\r\n\r\n".encode(),
        "not_tls",
    ),
    "SSH": (b"SSH-2.0-OpenSSH_9.6\r\n", "not_tls"),
    "an alert first": (record(b"\x01\x00", kind=21) + RIGHT, "not_tls"),
    "a hello of SSL 2": (b"\x80\x2e\x01\x03\x01" + bytes(64), "not_tls"),
    "a length that lies": (record(handshake(body(named(GRANTED.encode()))[:-4])), "malformed"),
}
