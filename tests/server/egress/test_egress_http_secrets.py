"""
Credentials that the relay adds: the server gets them, and nobody else.
"""

from __future__ import annotations

import copy
import pickle

import pytest
import strict_http
from gating import GET, OK, Relay
from toolcell_server.egress.http_actions import ToClient, ToServer
from toolcell_server.egress.http_gate import HttpGate
from toolcell_server.egress.http_secrets import Secret

VALUE = "Bearer squeamish-ossifrage"
ADDED = [("Authorization", Secret(VALUE))]


def with_headers(*lines: bytes) -> bytes:
    return GET[:-2] + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


OWN = {
    "none": GET,
    "one of its own": with_headers(b"authorization: mine"),
    "several of its own": with_headers(b"Authorization: mine", b"AUTHORIZATION: mine too"),
    "one that Connection lists": with_headers(b"Authorization: mine", b"Connection: authorization"),
}


@pytest.mark.parametrize("request_", OWN.values(), ids=OWN)
def test_the_server_gets_the_credential_and_nothing_beside_it(request_: bytes) -> None:
    """
    Which of two headers a server takes is the server's choice; so there is one.
    """
    relay = Relay(extra_headers=ADDED).client(request_)

    assert [VALUE] == strict_http.requests(relay.to_server)[0].values("authorization")


def test_a_name_that_a_gateway_takes_for_the_same_is_replaced() -> None:
    """
    CGI and WSGI turn X_Key and X-Key into one variable.
    """
    relay = Relay(extra_headers=[("X-Key", Secret("k" * 9))]).client(with_headers(b"x_key: mine"))

    assert b"mine" not in relay.to_server


ECHOES = {
    "a header": b"X-Echo: Bearer squeamish-ossifrage",
    "a part of a header": b"X-Echo: you sent <Bearer squeamish-ossifrage>!",
    "the token alone": b"X-Echo: squeamish-ossifrage",
    "the name of a header": b"X-squeamish-ossifrage: 1",
    "a header that matters": b"Location: /?token=squeamish-ossifrage",
}


@pytest.mark.parametrize("line", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("status", [b"200 OK", b"103 Early Hints"])
def test_a_header_that_echoes_the_credential_is_dropped(line: bytes, status: bytes) -> None:
    """
    The tool must not learn it from a server that shows what it got.
    """
    head = b"HTTP/1.1 " + status + b"\r\nX-Kept: 1\r\n" + line
    relay = Relay(extra_headers=ADDED).client(GET)
    relay.server(head + (b"\r\n\r\n" if b"103" in status else b"\r\nContent-Length: 0\r\n\r\n"))

    assert b"X-Kept: 1\r\n" in relay.to_client
    assert b"ossifrage" not in relay.to_client


def test_a_phrase_that_echoes_the_credential_is_dropped() -> None:
    """
    The status line is a head too.
    """
    relay = Relay(extra_headers=ADDED).client(GET)
    relay.server(b"HTTP/1.1 200 squeamish-ossifrage\r\nContent-Length: 0\r\n\r\n")

    assert b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n" == relay.to_client


def test_an_earlier_credential_is_not_echoed_later() -> None:
    """
    A server keeps what it got for as long as the connection lives.
    """
    gate = HttpGate()
    gate.receive_from_client(GET)
    gate.allow(ADDED)
    gate.receive_from_server(OK)
    gate.receive_from_client(GET)
    gate.allow()

    received = gate.receive_from_server(OK.replace(b"OK", b"squeamish-ossifrage"))

    assert b"200" in received[0].data  # type: ignore[union-attr]
    assert b"ossifrage" not in received[0].data  # type: ignore[union-attr]


def test_a_short_value_takes_no_header_away() -> None:
    """
    "1" is in many a header, and no secret.
    """
    relay = Relay(extra_headers=[("X-Version", Secret("2"))]).client(GET).server(OK)

    assert OK == relay.to_client


def test_no_repr_shows_a_credential() -> None:
    """
    Logs and tracebacks hold reprs.
    """
    secret = Secret(VALUE)
    gate = HttpGate()
    (ask,) = gate.receive_from_client(with_headers(b"Authorization: " + VALUE.encode()))
    actions = gate.allow([("X-Key", secret)])
    shown = [repr(each) for each in (secret, ask, actions, gate._echoes, gate, gate._exchange)]

    assert ["***", "***", "***"] == [repr(secret), str(secret), f"{secret}"]
    assert not [each for each in shown if "ossifrage" in each]
    assert "ToServer(3 bytes)" == repr(ToServer(b"abc"))
    assert "ToClient(3 bytes)" == repr(ToClient(b"abc"))


@pytest.mark.parametrize("leave", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_credential_does_not_leave_its_process(leave: object) -> None:
    """
    A pickle is a file or a message in the making.
    """
    with pytest.raises(TypeError, match="not pickled"):
        leave(Secret(VALUE))  # type: ignore[operator]


WRONG = ["", " a", "a ", "ossifrage\r\nB: c", "ossifrage\n", "ossifrage\0", "ossifragé"]


@pytest.mark.parametrize("value", WRONG)
def test_a_credential_that_a_header_cannot_carry_is_a_mistake(value: str) -> None:
    """
    Found when it is read, not when it is sent; and the error does not show it.
    """
    with pytest.raises(ValueError, match="printable ASCII") as refused:
        Secret(value)

    assert "ossifrag" not in str(refused.value)
    assert refused.value.__cause__ is refused.value.__context__ is None


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "Connection", "Expect", "", "A B", "ä"]
)
def test_a_header_that_must_not_be_added_is_a_mistake(name: str) -> None:
    """
    The request still waits: the relay can refuse it.
    """
    gate = HttpGate()
    gate.receive_from_client(GET)

    with pytest.raises(ValueError, match="cannot be added"):
        gate.allow([(name, Secret("a"))])

    assert 2 == len(gate.refuse(403, "host_not_granted"))
