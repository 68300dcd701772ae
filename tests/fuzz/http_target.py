"""
Hostile bytes for the HTTP gate: `one_input` raises if a promise of it is broken.

An input is what both sides send, in turns: parts separated by 0x1E (which no message of HTTP holds
outside a body), the client's first.  An empty part is the end of that side's file.  Everything is
granted whose path does not hold "secret".  Each input runs twice, whole and byte by byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import strict_http
from gating import Relay
from toolcell_server.egress.http_gate import HELD_BYTES, HELD_CEILING
from toolcell_server.egress.http_lines import HEAD_BYTES
from toolcell_server.egress.http_secrets import Secret

if TYPE_CHECKING:
    from toolcell_server.egress.http_actions import Head

SEPARATOR = b"\x1e"
CREDENTIAL = "fuzz-credential-that-nobody-guesses"
ADDED = [("X-Key", Secret(CREDENTIAL))]


def one_input(data: bytes) -> None:
    """
    Raises:
        AssertionError: the gate broke a promise.
        Exception: it raised where it must only refuse.
    """
    whole = run(data, 2**30)
    if len(data) < 2**13 and not out_of_step(whole):
        same(whole, run(data, 1))


def run(data: bytes, cut: int) -> Relay:
    relay = Relay(granted, ADDED, cut)
    for turn, part in enumerate(data.split(SEPARATOR)):
        (relay.server if turn % 2 else relay.client)(part)
    check(relay, len(data))
    return relay


def granted(head: Head) -> bool:
    return "secret" not in head.target


def check(relay: Relay, size: int) -> None:
    """
    One message upstream for each request that was allowed, and that one; to the client as many
    final responses at most as there were requests; nothing held beyond the bounds.
    """
    sent = strict_http.requests(relay.to_server)
    expected = [f"{head.method} {head.target} HTTP/1.1" for head in relay.allowed]
    assert expected == [message.first for message in sent]
    assert all(message.whole for message in sent[:-1])
    assert all([CREDENTIAL] == message.values("x-key") for message in sent)
    assert not [name for message in sent for name, _ in message.headers if name in NEVER_SENT]

    # A request that was not even asked about may be answered too, by the gate.
    methods = [head.method for head in relay.asked]
    received = strict_http.responses(relay.to_client, methods)
    final = [message for message in received if not message.first.startswith("HTTP/1.1 1")]
    assert len(final) <= len(relay.asked) + 1
    assert not [message for message in received if message.first.startswith("HTTP/1.1 101")]
    assert CREDENTIAL not in "".join(f"{message.first}{message.headers}" for message in received)
    assert relay.most_held <= HELD_CEILING + HELD_BYTES + HEAD_BYTES + size


NEVER_SENT = {"upgrade", "te", "trailer", "keep-alive", "proxy-authorization", "http2-settings"}


def out_of_step(relay: Relay) -> bool:
    """
    Whether the server said more than its response.  Seen at once it ends both connections; seen
    after the next request it is the response to that, as nobody can tell it from one.
    """
    exchange = relay.gate._exchange
    return exchange is not None and exchange.response_done and not exchange.last


def same(whole: Relay, cut: Relay) -> None:
    """
    What was decided and what arrived does not depend on how the bytes were cut.
    """
    assert whole.asked == cut.asked
    assert whole.closed == cut.closed
    assert strict_http.requests(whole.to_server) == strict_http.requests(cut.to_server)
    methods = [head.method for head in whole.asked]
    assert strict_http.responses(whole.to_client, methods) == strict_http.responses(
        cut.to_client, methods
    )
