"""
Attack N7: connections that say another name than the one they were let through for, or none.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import pytest
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

from egress.asking import granted_still_works, reasons
from egress.bed import GRANTED, OTHER

if TYPE_CHECKING:
    from egress.bed import Bed

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
HANDSHAKE = "16"


def _real(name: str | None) -> bytes:
    """
    The first words of OpenSSL to a host.
    """
    context = ssl.create_default_context()
    context.check_hostname = name is not None
    outgoing = ssl.MemoryBIO()
    speaking = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        speaking.do_handshake()
    return outgoing.read()


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
RIGHT, WRONG = _real(GRANTED), _real(OTHER)
DENIED = {
    "another name": (WRONG, "sni_mismatch"),
    "no name": (_real(None), "sni_missing"),
    "a name of an ancestor": (_real("example.test"), "sni_mismatch"),
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


@pytest.mark.parametrize("step", [65536, 1], ids=["at once", "byte by byte"])
def test_a_hello_with_the_granted_name_is_answered(bed: Bed, step: int) -> None:
    """
    The control of what follows; TCP knows no messages, so pieces change nothing.
    """
    result = bed.client.run(
        "run_code",
        {
            "code": SAY.format(
                said=RIGHT, host=GRANTED, port=bed.secure.port, step=step, then="pass"
            ),
            "domains": [bed.url()],
        },
    )

    assert HANDSHAKE == result.raise_for_outcome().value


@pytest.mark.parametrize("step", [65536, 1], ids=["at once", "byte by byte"])
@pytest.mark.parametrize(("said", "reason"), DENIED.values(), ids=DENIED.keys())
def test_a_connection_that_does_not_say_the_granted_name_reaches_nobody(
    bed: Bed, said: bytes, reason: str, step: int
) -> None:
    """
    The name that was looked up is free to choose for whoever shares an address with it.
    """
    before = bed.secure.connections
    with socket.create_connection(("127.0.0.1", bed.secure.port), 5) as outside:
        outside.sendall(said)
    code = SAY.format(said=said, host=GRANTED, port=bed.secure.port, step=step, then="pass")
    result = bed.client.run("run_code", {"code": code, "domains": [bed.url()]})
    granted = bed.client.run("fetch", {"url": bed.url("/after")})

    assert HANDSHAKE != result.raise_for_outcome().value
    assert [("connect", f"{GRANTED}:{bed.secure.port}", reason)] == reasons(result)
    assert ("GET /after", before + 2) == (granted.value, bed.secure.connections)


@pytest.mark.parametrize("said", [b"", RIGHT[:3], RIGHT[:-1]], ids=["nothing", "some", "most"])
def test_half_a_hello_reaches_nobody(bed: Bed, said: bytes) -> None:
    """
    Nobody is dialled before the whole of it was read.
    """
    before = bed.secure.connections
    then = "one.shutdown(socket.SHUT_WR)"
    code = SAY.format(said=said, host=GRANTED, port=bed.secure.port, step=65536, then=then)
    result = bed.client.run("run_code", {"code": code, "domains": [bed.url()]})

    assert before == bed.secure.connections
    assert [("connect", f"{GRANTED}:{bed.secure.port}", "malformed")] == reasons(result)
    granted_still_works(bed)
