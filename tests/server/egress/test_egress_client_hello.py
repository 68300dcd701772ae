"""
ClientHellos: the same reading of them however they are cut, and none of what is not well-formed.
"""

from __future__ import annotations

import contextlib
import ssl
import time
from typing import TYPE_CHECKING

import hellos
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toolcell_server.egress.client_hello import (
    MAXIMUM_BYTES,
    MAXIMUM_RECORDS,
    ClientHello,
    ClientHelloReader,
    Malformed,
    NotTls,
)
from toolcell_worker.battery.hellos import (
    ALPN,
    ENCRYPTED,
    ESNI,
    PRE_SHARED_KEY,
    VERSIONS,
    body,
    extension,
    handshake,
    hello,
    named,
    record,
    records,
    vector,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMED = named(b"example.com")
BOTH, OLD, NEW = (0x0304, 0x0303), (0x0303,), (0x0304,)
OUTER = b"\0" + b"\0\x01\0\x01\x2a" + vector(2, bytes(32)) + vector(2, bytes(144))


def read(data: bytes, cuts: Iterable[int] = ()) -> ClientHello | None:
    """
    What a reader says of the bytes, cut at these places.
    """
    reader = ClientHelloReader()
    places = [*sorted({cut for cut in cuts if 0 < cut < len(data)}), len(data)]
    start = 0
    for place in places:
        found = reader.feed(data[start:place])
        start = place
        if found is not None:
            return found
    return None


SPOKEN = {
    "TLS 1.2 and 1.3": ClientHello("example.com", False, (), BOTH),
    "TLS 1.2 only": ClientHello("example.com", False, (), OLD),
    "TLS 1.3 only": ClientHello("example.com", False, (), NEW),
    "without a name": ClientHello(None, False, (), BOTH),
    "a name in mixed cases": ClientHello("example.com", False, (), BOTH),
    "two protocols": ClientHello("example.com", False, (b"h2", b"http/1.1"), BOTH),
}


@pytest.mark.parametrize("sentence", SPOKEN)
def test_what_openssl_says_is_read_as_it_was_told_to_say_it(sentence: str) -> None:
    """
    Strictness must not refuse what unmodified programs send.
    """
    assert SPOKEN[sentence] == read(hellos.REAL[sentence])


@pytest.mark.parametrize("sentence", SPOKEN)
def test_a_hello_is_the_same_split_at_every_byte(sentence: str) -> None:
    """
    A reader of first packets only can be walked around by whoever cuts them.
    """
    data = hellos.REAL[sentence]
    found = {read(data, [place]) for place in range(1, len(data))}

    assert {SPOKEN[sentence]} == found
    assert SPOKEN[sentence] == read(data, range(len(data)))


def test_a_hello_of_several_records_is_put_together() -> None:
    """
    A long list of protocols makes OpenSSL fill more than one record.
    """
    data = hellos.spoken(protocols=hellos.LONG_PROTOCOLS)
    expected = ClientHello(
        "example.com", False, tuple(map(str.encode, hellos.LONG_PROTOCOLS)), BOTH
    )

    assert data[5 + 2**14] == 22, "a second record begins"
    assert expected == read(data)
    assert expected == read(data, range(0, len(data), 7))


def test_a_hello_with_a_ticket_of_an_earlier_session_is_read() -> None:
    """
    Whoever comes a second time resumes.  Without certificates, so that the test needs none.
    """
    client, server = anonymous(ssl.PROTOCOL_TLS_CLIENT), anonymous(ssl.PROTOCOL_TLS_SERVER)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(down, up, server_hostname="example.com"),
        server.wrap_bio(up, down, server_side=True),
    ]
    for end in ends * 4:
        with contextlib.suppress(ssl.SSLWantReadError):
            end.do_handshake()
    session = ends[0].session

    assert session is not None
    assert session.has_ticket
    assert ClientHello("example.com", False, (), OLD) == read(
        hellos.first_flight(client, "example.com", session)
    )


def anonymous(protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AECDH:ADH:@SECLEVEL=0")
    return context


KEY = extension(
    PRE_SHARED_KEY,
    vector(2, vector(2, bytes(192)) + bytes(4)) + vector(2, vector(1, bytes(32))),
)
TAKEN = {
    "no extensions and no length of them": (
        records(handshake(body()[:-2])),
        ClientHello(None, False, (), OLD),
    ),
    "no extensions": (hello(), ClientHello(None, False, (), OLD)),
    "TLS 1.0 in all places": (
        record(handshake(body(NAMED, version=0x0301, session=b""))),
        ClientHello("example.com", False, (), (0x0301,)),
    ),
    "a key of an earlier session (TLS 1.3)": (
        hello(NAMED, extension(VERSIONS, b"\x02\x03\x04"), KEY),
        ClientHello("example.com", False, (), NEW),
    ),
    "noise among versions and protocols": (
        hello(
            NAMED,
            extension(0x0A0A, b""),
            extension(VERSIONS, b"\x04\x1a\x1a\x03\x04"),
            extension(ALPN, vector(2, vector(1, b"\xfa\xfa") + vector(1, b"h2"))),
        ),
        ClientHello("example.com", False, (b"\xfa\xfa", b"h2"), (0x1A1A, 0x0304)),
    ),
    "an underscore": (hello(named(b"a_b.example")), ClientHello("a_b.example", False, (), OLD)),
    "a label that begins like a number": (
        hello(named(b"1.0x.3com")),
        ClientHello("1.0x.3com", False, (), OLD),
    ),
    "encrypted, or the noise that looks like it": (
        hello(NAMED, extension(ENCRYPTED, OUTER)),
        ClientHello("example.com", True, (), OLD),
    ),
    "encrypted a second time, without a key": (
        hello(NAMED, extension(ENCRYPTED, OUTER[:6] + b"\0\0" + vector(2, b"x"))),
        ClientHello("example.com", True, (), OLD),
    ),
    "the inner form of an encrypted hello": (
        hello(NAMED, extension(ENCRYPTED, b"\x01")),
        ClientHello("example.com", False, (), OLD),
    ),
    "ESNI": (hello(extension(ESNI, b"")), ClientHello(None, True, (), OLD)),
    "a name of 253 bytes": (
        hello(named(b"abc." * 63 + b"d")),
        ClientHello("abc." * 63 + "d", False, (), OLD),
    ),
    "sixteen records": (
        records(handshake(body(NAMED)), range(1, MAXIMUM_RECORDS)),
        ClientHello("example.com", False, (), OLD),
    ),
}


@pytest.mark.parametrize(("data", "expected"), TAKEN.values(), ids=TAKEN)
def test_what_clients_may_say_is_taken(data: bytes, expected: ClientHello) -> None:
    """
    In one piece and byte by byte.
    """
    assert expected == read(data)
    assert expected == read(data, range(len(data)))


WHOLE = handshake(body(NAMED))
ALERT = record(b"\x01\x00", kind=21)
CHANGE = record(b"\x01", kind=20)
MALFORMED = {
    "an alert between the records of a hello": record(WHOLE[:9]) + ALERT + record(WHOLE[9:]),
    "a change of cipher between them": record(WHOLE[:9]) + CHANGE + record(WHOLE[9:]),
    "data between them": record(WHOLE[:9]) + record(b"x", kind=23) + record(WHOLE[9:]),
    "an empty record first": record(b"") + record(WHOLE),
    "an empty record between them": record(WHOLE[:9]) + record(b"") + record(WHOLE[9:]),
    "a record longer than any": record(bytes([1]) + bytes(2**14)),
    "a record of SSL 3": record(WHOLE, version=0x0300),
    "a record of a version that never was": record(WHOLE, version=0x0304),
    "seventeen records": records(WHOLE, range(1, MAXIMUM_RECORDS + 1)),
    "a hello longer than any": record(b"\x01\x01\0\0" + bytes(100)),
    "a message of another type": record(handshake(body(NAMED), kind=2)),
    "a request for a hello": record(handshake(b"", kind=0)),
    "a second hello in the same record": record(WHOLE + WHOLE),
    "a byte behind the hello in the same record": record(WHOLE + b"\0"),
    "an empty hello": record(handshake(b"")),
    "a hello cut off": record(handshake(body(NAMED)[:-1])),
    "a hello of SSL 3": record(handshake(body(NAMED, version=0x0300))),
    "a hello of version 1.3 by its old field": record(handshake(body(NAMED, version=0x0304))),
    "a session id of 33 bytes": record(handshake(body(NAMED, session=bytes(33)))),
    "no cipher suites": record(handshake(body(NAMED, suites=b""))),
    "half a cipher suite": record(handshake(body(NAMED, suites=b"\x13\x01\x13"))),
    "no compression method": record(handshake(body(NAMED, compressions=b""))),
    "a byte behind the extensions": record(handshake(body(NAMED) + b"\0")),
    "one byte where a length must stand": record(handshake(body()[:-1])),
    "half an extension": record(handshake(body(NAMED, b"\0"))),
    "an extension longer than all of them": hello(b"\0\x2b\xff\xff"),
    "an extension twice": hello(NAMED, extension(5, b""), extension(5, b"")),
    "the extension of names twice": hello(NAMED, NAMED),
    "two names in one extension": hello(named(b"example.com", b"evil.example")),
    "no name": hello(named()),
    "an empty extension of names": hello(extension(0, b"")),
    "an empty name": hello(named(b"")),
    "a name of another kind": hello(named(b"example.com", kind=1)),
    "a list of names longer than its extension": hello(extension(0, b"\0\x20\0\0\x01a")),
    "a list of names shorter than its extension": hello(extension(0, b"\0\x04\0\0\x01ab")),
    "a name longer than its list": hello(extension(0, b"\0\x04\0\0\x02a")),
    "a name shorter than its list": hello(extension(0, b"\0\x05\0\0\x01ab")),
    "a NUL in a name": hello(named(b"example.com\0.evil.example")),
    "a NUL at the end of a name": hello(named(b"example.com\0")),
    "a line feed at the end of a name": hello(named(b"example.com\n")),
    "eight bits in a name": hello(named(b"b\xfccher.example")),
    "a dot at the end of a name": hello(named(b"example.com.")),
    "a dot at the start of a name": hello(named(b".example.com")),
    "two dots in a name": hello(named(b"example..com")),
    "a dot alone": hello(named(b".")),
    "an asterisk": hello(named(b"*.example.com")),
    "a port": hello(named(b"example.com:443")),
    "a space": hello(named(b"example.com ")),
    "a label of 64 bytes": hello(named(b"a" * 64 + b".example")),
    "a name of 254 bytes": hello(named(b"abc." * 63 + b"de")),
    "an address": hello(named(b"192.0.2.1")),
    "an address in one number": hello(named(b"3221225985")),
    "an address in hexadecimal": hello(named(b"0xC0.0.2.0x1")),
    "an address of version 6": hello(named(b"2001:db8::1")),
    "an address of version 6 in brackets": hello(named(b"[2001:db8::1]")),
    "no protocols": hello(extension(ALPN, b"\0\0")),
    "an empty protocol": hello(extension(ALPN, b"\0\x03\0\x01a")),
    "a protocol longer than its list": hello(extension(ALPN, b"\0\x02\x02a")),
    "a list of protocols shorter than its extension": hello(extension(ALPN, b"\0\x02\x01ab")),
    "no versions": hello(extension(VERSIONS, b"\0")),
    "half a version": hello(extension(VERSIONS, b"\x03\x03\x04\x03")),
    "versions shorter than their extension": hello(extension(VERSIONS, b"\x02\x03\x04\x03")),
    "an empty encrypted hello": hello(extension(ENCRYPTED, b"")),
    "an encrypted hello of another form": hello(extension(ENCRYPTED, b"\x02")),
    "an inner form with something behind": hello(extension(ENCRYPTED, b"\x01\0")),
    "an outer form without what it encrypts": hello(extension(ENCRYPTED, OUTER[:6] + b"\0\0\0\0")),
    "an outer form cut off": hello(extension(ENCRYPTED, OUTER[:-1])),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_well_formed_hello_is_malformed(data: bytes) -> None:
    """
    In one piece, byte by byte, and again whatever follows.
    """
    for cuts in ((), range(len(data))):
        with pytest.raises(Malformed):
            read(data, cuts)


NOT_TLS = {
    "HTTP": b"GET / HTTP/1.1\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "a hello in the format of SSLv2": bytes.fromhex("802e0103010015000000100100800300800700c0"),
    "an alert": ALERT,
    "a change of cipher": CHANGE,
    "data of TLS": record(b"x", kind=23),
    "a NUL": b"\0",
    "a handshake of no known version": b"\x16\x02",
}


@pytest.mark.parametrize("data", NOT_TLS.values(), ids=NOT_TLS)
def test_another_protocol_is_known_by_its_first_bytes(data: bytes) -> None:
    """
    It must not wait for a hello that never comes.
    """
    with pytest.raises(NotTls):
        read(data[:2])


def test_a_refused_stream_stays_refused() -> None:
    """
    A second try must not go on behind what was refused.
    """
    reader = ClientHelloReader()
    for data in (record(handshake(body(NAMED, NAMED))), b"", record(WHOLE), b""):
        with pytest.raises(Malformed):
            reader.feed(data)


def test_what_follows_the_hello_is_kept_untouched() -> None:
    """
    Early data belongs to the server; the relay sends on exactly what came.
    """
    flight = record(WHOLE) + CHANGE + record(b"early data", kind=23) + b"\x16\x03garbage"
    reader = ClientHelloReader()

    assert ClientHello("example.com", False, (), OLD) == reader.feed(flight)
    assert flight == reader.received


def test_what_came_before_the_hello_was_complete_is_kept_too() -> None:
    """
    Byte by byte, records and all.
    """
    data = records(WHOLE, [1, 2, 60])
    reader = ClientHelloReader()
    answers = [reader.feed(data[place : place + 1]) for place in range(len(data))]

    assert [None] * (len(data) - 1) == answers[:-1]
    assert data == reader.received


FILLER = MAXIMUM_BYTES - 4 * 5 - len(WHOLE) - 4
BOUNDS = {"64 KiB": (FILLER, True), "one byte more": (FILLER + 1, False)}


@pytest.mark.parametrize(("filler", "taken"), BOUNDS.values(), ids=BOUNDS)
def test_a_hello_ends_within_64_kib(filler: int, taken: bool) -> None:
    """
    The bound is exact, counts the headers of records, and does not count what follows.
    """
    longest = records(
        handshake(body(NAMED, extension(21, bytes(filler)))), range(2**14, 2**16, 2**14)
    )
    assert MAXIMUM_BYTES + (not taken) == len(longest)
    for cuts in ((), range(0, len(longest), 1000)):
        with contextlib.nullcontext() if taken else pytest.raises(Malformed):
            assert read(longest + bytes(100_000), cuts) is not None


@given(st.lists(st.binary(max_size=400), max_size=4))
def test_any_bytes_are_a_hello_or_refused(segments: list[bytes]) -> None:
    """
    Another exception would end the egress of a cell at the will of the cell.
    """
    outcome(b"".join(segments), [len(each) for each in segments])


@given(st.binary(max_size=400))
def test_any_body_of_a_hello_is_read_or_refused(data: bytes) -> None:
    """
    Arbitrary bytes rarely get past the headers; these do.
    """
    outcome(records(handshake(data)), ())
    outcome(hello(data), ())


cuts_of_records = st.lists(st.integers(1, 600), max_size=MAXIMUM_RECORDS - 1)
cuts_of_segments = st.lists(st.integers(1, 700), max_size=30)
spoken = st.sampled_from(sorted(hellos.REAL))


@given(spoken, cuts_of_records, cuts_of_segments)
def test_a_hello_does_not_depend_on_records_and_segments(
    sentence: str, fragments: list[int], segments: list[int]
) -> None:
    """
    All ways to deliver the same hello lead to the same decision.
    """
    message = hellos.REAL[sentence][5:]

    assert SPOKEN[sentence] == read(records(message, fragments), segments)


@given(spoken, st.integers(0, 600), st.binary(min_size=1, max_size=3), cuts_of_segments)
def test_a_mutated_hello_does_not_depend_on_segments(
    sentence: str, where: int, what: bytes, segments: list[int]
) -> None:
    """
    What is refused in one piece must not pass in several.
    """
    data = hellos.REAL[sentence]
    place = where % len(data)
    data = data[:place] + what + data[place + len(what) :]

    assert outcome(data, ()) == outcome(data, segments)


@given(spoken, cuts_of_records, st.integers(0, 600), st.binary(max_size=3), st.booleans())
def test_a_mutated_hello_names_what_openssl_reads(
    sentence: str, fragments: list[int], where: int, what: bytes, inserted: bool
) -> None:
    """
    Where two readers disagree about a name, what is checked and what is served differ.
    """
    message = hellos.REAL[sentence][5:]
    place = where % len(message)
    rest = message[place + (0 if inserted else len(what)) :]
    data = records(message[:place] + what + rest, fragments)
    found = outcome(data, ())
    if isinstance(found, ClientHello):
        assert hellos.seen_by_openssl(data) in ([], [found.server_name])


@pytest.mark.parametrize("sentence", SPOKEN)
def test_openssl_reads_the_same_name_in_its_own_hello(sentence: str) -> None:
    """
    The property above must be able to fail: here OpenSSL does read a name.
    """
    assert [SPOKEN[sentence].server_name] == hellos.seen_by_openssl(hellos.REAL[sentence])


def outcome(data: bytes, cuts: Iterable[int]) -> ClientHello | type[ValueError] | None:
    try:
        return read(data, cuts)
    except (Malformed, NotTls) as refused:
        return type(refused)


def in_full_records(message: bytes) -> bytes:
    return records(message, range(2**14, 2**16, 2**14))


HOSTILE = {
    "sixteen thousand extensions": in_full_records(
        handshake(body(*(extension(kind, b"") for kind in range(100, 16_300))))
    ),
    "thirty thousand protocols": in_full_records(
        handshake(body(extension(ALPN, vector(2, b"\x01a" * 30_000))))
    ),
    "a name of sixty thousand bytes": in_full_records(handshake(body(named(b"a." * 30_000)))),
    "a hello that never ends": in_full_records(b"\x01\0\xff\0" + bytes(65_000)),
    "sixteen records of one byte each": records(WHOLE, range(1, 17)),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_hellos_are_read_in_linear_time(data: bytes) -> None:
    """
    The most that is taken, byte by byte: a quadratic step would take minutes.
    """
    began = time.process_time()
    outcome(data, range(len(data)))

    assert time.process_time() - began < 2.0
