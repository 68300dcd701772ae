"""
What is promised of any bytes at all: an assertion that fails, or an exception that no parser
declares, is a finding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import dns.flags
import dns.message
from hellos import seen_by_openssl
from toolcell_server.egress import dns_answers, hello_message
from toolcell_server.egress.client_hello import ClientHello, ClientHelloReader, Malformed, NotTls
from toolcell_server.egress.dns import A, Question, parse
from toolcell_server.egress.dns import Malformed as MalformedQuestion
from toolcell_server.egress.dns_framing import Framing

from fuzz import http_target, proxy_target

if TYPE_CHECKING:
    from collections.abc import Callable


def question(data: bytes) -> None:
    """
    As a datagram and as a stream: one plain question, read as dnspython reads it, or Malformed.
    """
    assert _messages(data, len(data)) == _messages(data, 1)
    try:
        asked = parse(data)
    except MalformedQuestion:
        return
    other = dns.message.from_wire(data, question_only=True)
    (entry,) = other.question
    name = entry.name.to_text(omit_final_dot=True).lower() if asked.name else ""
    assert (asked.message_id, asked.name, asked.type) == (other.id, name, entry.rdtype)
    assert asked.recursion_desired == bool(other.flags & dns.flags.Flag.RD)
    for answer in _answers(asked):
        assert len(answer) <= 512
        assert dns.message.from_wire(answer).question == other.question


def _answers(asked: Question) -> list[bytes]:
    with_address = [dns_answers.address(asked, "198.18.0.1", 60)] if asked.type == A else []
    others = (dns_answers.empty, dns_answers.refused_name, dns_answers.failed)
    return with_address + [answer(asked) for answer in others]


def _messages(data: bytes, step: int) -> list[bytes] | None:
    framing = Framing()
    found: list[bytes] = []
    try:
        for place in range(0, len(data), max(1, step)):
            found += framing.feed(data[place : place + step])
    except MalformedQuestion:
        return None
    return found


def client_hello(data: bytes) -> None:
    """
    As a stream and as a hello: the same however it is cut, with the name that OpenSSL reads.
    """
    whole = _outcome(data, len(data))
    assert whole == _outcome(data, 1) == _outcome(data, 7)
    if isinstance(whole, ClientHello):
        assert seen_by_openssl(data) in ([], [whole.server_name])
    try:
        hello_message.parse(data)
    except Malformed:
        return


def _outcome(data: bytes, step: int) -> ClientHello | type[ValueError] | None:
    reader = ClientHelloReader()
    fed = 0
    found = None
    try:
        while found is None and fed < len(data):
            found = reader.feed(data[fed : fed + step])
            fed += step
            assert data[:fed] == reader.received
    except (Malformed, NotTls) as refused:
        return type(refused)
    return found


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "dns": question,
    "client_hello": client_hello,
    "http": http_target.one_input,
    "proxy": proxy_target.one_input,
}
