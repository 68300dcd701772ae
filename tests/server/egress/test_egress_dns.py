"""
Questions of a cell: one plain name or nothing, and read as any other reader would.
"""

from __future__ import annotations

import struct
import time

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st
from queries import HEADER, LONGEST, REAL, message, name, option_record, question, with_edns
from toolcell_server.egress.dns import MAXIMUM_BYTES, Malformed, Question, parse

ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
PLAIN = message(question())


@pytest.mark.parametrize("query", REAL.values(), ids=REAL)
def test_what_resolvers_ask_is_read(query: bytes) -> None:
    """
    Strictness must not refuse what unmodified programs send.
    """
    parsed = parse(query)

    assert ("example.com", 0x1234) == (parsed.name, parsed.message_id)


def test_a_question_says_all_that_an_answer_needs() -> None:
    """
    The name decides in lower case; the echo keeps the cases that came.
    """
    asked = question("eXaMPle.cOM", kind=28)

    expected = Question(0x1234, "example.com", 28, True, True, 1232, asked)
    assert expected == parse(with_edns(asked, option_record(1232)))


SIZES = {
    "no EDNS": (PLAIN, 512),
    "more than 512": (with_edns(question(), option_record(4096)), 4096),
    "less than 512, which is never meant": (with_edns(question(), option_record(0)), 512),
}


@pytest.mark.parametrize(("query", "expected"), SIZES.values(), ids=SIZES)
def test_the_size_that_is_taken_is_never_below_512(query: bytes, expected: int) -> None:
    """
    RFC 6891 §6.2.3.
    """
    assert expected == parse(query).udp_bytes


TAKEN = {
    "the root": ("", ""),
    "one label": ("localhost", "localhost"),
    "an underscore and a hyphen": ("_sip.a-b.example", "_sip.a-b.example"),
    "a label of 63 bytes": ("a" * 63 + ".example", "a" * 63 + ".example"),
    "a name of 255 bytes": (LONGEST, LONGEST),
    "127 labels": (".".join("a" * 127), ".".join("a" * 127)),
    "IDNA in ASCII": ("XN--bcher-KVA.example", "xn--bcher-kva.example"),
}


@pytest.mark.parametrize(("text", "expected"), TAKEN.values(), ids=TAKEN)
def test_a_plain_name_is_taken_up_to_its_bounds(text: str, expected: str) -> None:
    """
    The longest name and label are exact.
    """
    assert expected == parse(message(question(text))).name


ONE_MORE = (1, 0, 0, 1)
OPTION = option_record()
SIGNATURE = b"\0" + struct.pack("!HHIH", 250, 255, 0, 0)
MALFORMED = {
    "two bytes": PLAIN[:2],
    "a header cut off": PLAIN[:11],
    "a header alone": PLAIN[:12],
    "a question cut off in its name": PLAIN[:15],
    "a question without its class": PLAIN[:-2],
    "one byte too few": PLAIN[:-1],
    "one byte too many": PLAIN + b"\0",
    "another message behind": PLAIN + PLAIN,
    "a status query": message(question(), flags=0x1000),
    "an update": message(question(), flags=0x2800),
    "truncated": message(question(), flags=0x0200),
    "no question": message(counts=(0, 0, 0, 0)),
    "no question, but its bytes": message(question(), counts=(0, 0, 0, 0)),
    "two questions": message(question(), question(), counts=(2, 0, 0, 0)),
    "65535 questions": message(question(), counts=(65535, 0, 0, 0)),
    "an answer": message(question(), OPTION, counts=(1, 1, 0, 0)),
    "an authority": message(question(), OPTION, counts=(1, 0, 1, 0)),
    "class CHAOS": message(question("version.bind", 16, class_=3)),
    "class ANY": message(question(class_=255)),
    "a label of 64 bytes": message(b"\x40" + b"a" * 64 + b"\0" + bytes(4)),
    "a label of an extended kind": message(b"\x41\x08" + bytes(6)),
    "a pointer to itself": message(b"\xc0\x0c" + bytes(4)),
    "a pointer to the header": message(b"\xc0\x00" + bytes(4)),
    "a pointer behind a label": message(b"\x07example\xc0\x0c" + bytes(4)),
    "two pointers at each other": message(b"\xc0\x0e\xc0\x0c" + bytes(4)),
    "a pointer beyond the end": message(b"\xff\xff" + bytes(4)),
    "a name of 256 bytes": message(question(LONGEST + "d")),
    "a name that never ends": message(b"\x01a" * 400),
    "a dot in a label": message(b"\x0bexample.com\0" + struct.pack("!HH", 1, 1)),
    "a NUL in a label": message(b"\x0cexample.com\0\0" + struct.pack("!HH", 1, 1)),
    "a space in a label": message(question("exam ple.com")),
    "a line feed at the end of a label": message(question("example.com\n")),
    "an asterisk": message(question("*.example.com")),
    "a backslash": message(question("example\\.com")),
    "eight bits": message(question("b\xfccher.example")),
    "full-width letters in UTF-8": message(question("\xef\xbd\x85xample.com")),
    "an OPT that is not counted": message(question(), OPTION),
    "an OPT counted and not there": message(question(), counts=ONE_MORE),
    "two OPT records": message(question(), OPTION, OPTION, counts=(1, 0, 0, 2)),
    "an OPT and a signature": message(question(), OPTION, SIGNATURE, counts=(1, 0, 0, 2)),
    "a signature (TSIG)": message(question(), SIGNATURE, counts=ONE_MORE),
    "an address as additional record": message(
        question(), b"\0" + struct.pack("!HHIH", 1, 1, 0, 4) + bytes(4), counts=ONE_MORE
    ),
    "an OPT with a name": message(question(), b"\x01a" + OPTION, counts=ONE_MORE),
    "an OPT whose name is a pointer": message(
        question(), b"\xc0\x0c" + OPTION[1:], counts=ONE_MORE
    ),
    "an OPT cut off": message(question(), OPTION[:-1], counts=ONE_MORE),
    "an OPT whose length lies": message(question(), OPTION[:-1] + b"\x01", counts=ONE_MORE),
    "a byte behind an OPT": message(question(), OPTION + b"\0", counts=ONE_MORE),
    "version 1 of EDNS": with_edns(question(), option_record(version=1)),
    "1025 bytes": with_edns(question(), option_record(options=bytes(MAXIMUM_BYTES - 39))),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_plain_question_is_malformed_and_keeps_its_id(data: bytes) -> None:
    """
    Who sent it hears FORMERR with its own id, instead of waiting for nothing.
    """
    with pytest.raises(Malformed) as refused:
        parse(data)

    assert 0x1234 == refused.value.message_id


SILENT = {
    "nothing": b"",
    "one byte": b"\x12",
    "a response": message(question(), flags=0x8180),
    "our own FORMERR": message(flags=0x8081, counts=(0, 0, 0, 0)),
    "three bytes of a response": b"\x12\x34\x80",
}


@pytest.mark.parametrize("data", SILENT.values(), ids=SILENT)
def test_a_response_is_never_answered(data: bytes) -> None:
    """
    Two who answer each other's answers never end, and a forged sender could be ourselves.
    """
    with pytest.raises(Malformed) as refused:
        parse(data)

    assert refused.value.message_id is None


def test_a_message_of_1024_bytes_is_read() -> None:
    """
    The bound is exact.
    """
    query = with_edns(question(), option_record(options=bytes(MAXIMUM_BYTES - 40)))

    assert MAXIMUM_BYTES == len(query)
    assert "example.com" == parse(query).name


@given(st.binary(max_size=1200))
def test_any_bytes_are_a_question_or_malformed(data: bytes) -> None:
    """
    Another exception would end the egress of a cell at the will of the cell.
    """
    read(data)


labels = st.text(ALPHABET, min_size=1, max_size=63)
names = st.lists(labels, min_size=1, max_size=4).map(".".join).filter(lambda text: len(text) < 254)


@given(names, st.integers(0, 65535), st.booleans(), st.one_of(st.none(), st.integers(0, 65535)))
def test_a_question_of_another_library_is_read_as_it_was_meant(
    text: str, message_id: int, desired: bool, udp_bytes: int | None
) -> None:
    """
    What dnspython writes, with any plain name, comes out as it went in.
    """
    flags = dns.flags.Flag.RD if desired else dns.flags.Flag(0)
    edns = {} if udp_bytes is None else {"use_edns": 0, "payload": udp_bytes}
    query = dns.message.make_query(text, "AAAA", flags=flags, id=message_id, **edns)  # type: ignore[arg-type]

    parsed = parse(query.to_wire())
    wire = name(text) + struct.pack("!HH", 28, 1)
    expected = Question(
        *(message_id, text.lower(), 28, desired, udp_bytes is not None),
        *(max(512, udp_bytes or 0), wire),
    )
    assert expected == parsed


mutations = st.lists(
    st.tuples(
        st.sampled_from(["set", "insert", "delete"]), st.integers(0, 120), st.binary(max_size=3)
    ),
    min_size=1,
    max_size=4,
)


def mutated(data: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    for how, where, what in changes:
        place = where % (len(data) + 1)
        skipped = {"set": len(what), "insert": 0, "delete": len(what) + 1}[how]
        data = data[:place] + (b"" if how == "delete" else what) + data[place + skipped :]
    return data


@given(st.sampled_from(list(REAL.values())), mutations)
def test_a_mutated_question_is_read_as_another_library_reads_it(
    query: bytes, changes: list[tuple[str, int, bytes]]
) -> None:
    """
    Where two readers disagree about a name, what is granted and what is reached differ.
    """
    data = mutated(query, changes)
    parsed = read(data)
    if parsed is not None:
        assert_no_difference(data, parsed)


def read(data: bytes) -> Question | None:
    try:
        return parse(data)
    except Malformed:
        return None


def assert_no_difference(data: bytes, parsed: Question) -> None:
    other = dns.message.from_wire(data, question_only=True)
    (asked,) = other.question
    expected = (other.id, asked.name.to_text(omit_final_dot=True).lower(), asked.rdtype, 1)

    root = "." if parsed.name == "" else parsed.name
    assert expected == (parsed.message_id, root, parsed.type, asked.rdclass)
    assert bool(other.flags & dns.flags.Flag.RD) == parsed.recursion_desired


def test_hostile_messages_are_read_in_linear_time() -> None:
    """
    The longest messages that UDP can carry, a thousand times over, in a moment.
    """
    names_without_end = message(b"\x01a" * 32_000)
    options = with_edns(question(), option_record(options=bytes(60_000)))
    one_short = message(b"\x01a" * 127 + b"\x01")
    began = time.process_time()
    for data in (names_without_end, options, one_short) * 1000:
        read(data)

    assert time.process_time() - began < 2.0


def test_the_header_of_the_builders_is_that_of_the_parser() -> None:
    """
    The table above must fail for the reason that it names.
    """
    assert PLAIN == dns.message.make_query("example.com", "A", id=0x1234).to_wire()
    assert 12 == HEADER.size
