"""
Answers to a cell: what a resolver of another hand reads in them.
"""

from __future__ import annotations

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st
from queries import DESIRED, LONGEST, message, option_record, question, with_edns
from toolcell_server.egress import dns_answers
from toolcell_server.egress.dns import Malformed, parse

PLAIN = parse(message(question("eXaMPle.cOM")))
EXTENDED = parse(with_edns(question("eXaMPle.cOM"), option_record()))
ANSWERS = {
    "the address": (
        dns_answers.address(PLAIN, "198.18.3.4", 60),
        ("NOERROR", "QR AA RD RA", ["eXaMPle.cOM. 60 IN A 198.18.3.4"]),
    ),
    "nothing of that type": (dns_answers.empty(PLAIN), ("NOERROR", "QR AA RD RA", [])),
    "a name that is not granted": (
        dns_answers.refused_name(PLAIN),
        ("NXDOMAIN", "QR AA RD RA", []),
    ),
    "a failure of ours": (dns_answers.failed(PLAIN), ("SERVFAIL", "QR RD RA", [])),
    "no question": (dns_answers.malformed(0x1234), ("FORMERR", "QR RA", [])),
}


@pytest.mark.parametrize(("answer", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_another_library_reads_what_was_meant(
    answer: bytes, expected: tuple[str, str, list[str]]
) -> None:
    """
    Code, flags and records, of each answer that there is.
    """
    read = dns.message.from_wire(answer)
    records = [text for each in read.answer for text in each.to_text().splitlines()]

    assert expected == (dns.rcode.to_text(read.rcode()), dns.flags.to_text(read.flags), records)
    assert 0x1234 == read.id


@pytest.mark.parametrize("desired", [True, False], ids=["desired", "not desired"])
def test_whether_recursion_was_desired_is_repeated(desired: bool) -> None:
    """
    RFC 1035 §4.1.1.
    """
    asked = parse(message(question(), flags=DESIRED if desired else 0))

    assert desired == bool(dns_answers.empty(asked)[2] & 0x01)


def test_the_question_is_repeated_byte_for_byte() -> None:
    """
    A resolver that mixes cases at random takes no other answer (DNS 0x20).
    """
    answer = dns_answers.refused_name(PLAIN)

    assert question("eXaMPle.cOM") == answer[12:]


def test_a_refused_name_says_filtered_to_who_can_read_it() -> None:
    """
    Whoever runs dig in a cell must not take the refusal for a typing error.
    """
    extended = dns.message.from_wire(dns_answers.refused_name(EXTENDED))
    plain = dns.message.from_wire(dns_answers.refused_name(PLAIN))

    assert [dns.edns.EDEOption(dns.edns.EDECode.BLOCKED)] == list(extended.options)
    assert (-1, dns.rcode.Rcode.NXDOMAIN) == (plain.edns, plain.rcode())


def test_who_sent_an_option_record_gets_one() -> None:
    """
    RFC 6891 §6.1.1; without it, clients ask again without EDNS.
    """
    answers = [
        dns_answers.address(EXTENDED, "198.18.0.1", 0),
        dns_answers.empty(EXTENDED),
        dns_answers.failed(EXTENDED),
    ]

    assert [(0, 1024, ())] * 3 == [
        (read.edns, read.payload, tuple(read.options))
        for read in map(dns.message.from_wire, answers)
    ]


def test_the_longest_answer_fits_into_512_bytes() -> None:
    """
    No answer needs to be truncated.
    """
    asked = parse(with_edns(question(LONGEST), option_record()))
    answers = [
        dns_answers.address(asked, "198.18.0.1", 60),
        dns_answers.empty(asked),
        dns_answers.refused_name(asked),
        dns_answers.failed(asked),
    ]

    assert 298 == max(map(len, answers))


@given(st.binary(max_size=64))
def test_no_answer_is_ever_answered(tail: bytes) -> None:
    """
    Whatever is sent back to us ends there.
    """
    answers = [dns_answers.empty(EXTENDED), dns_answers.malformed(1), dns_answers.failed(PLAIN)]
    for answer in answers:
        with pytest.raises(Malformed) as refused:
            parse(answer + tail)

        assert refused.value.message_id is None
