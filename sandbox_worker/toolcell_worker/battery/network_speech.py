"""
Attacks on the network: by saying to a granted host what it was not granted for.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

from toolcell_worker.battery.abroad import connect, get, knock, say_all, visit
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
from toolcell_worker.battery.smuggling import PAYLOADS
from toolcell_worker.battery.trying import every

ANSWER_SECONDS = 1.0
SMUGGLING_SECONDS = 2.0
TRICKLES = 40
TRICKLE_SECONDS = 0.01
HOPS = (
    "Proxy-Authorization: Basic c2VjcmV0",
    "Proxy-Connection: keep-alive",
    "Keep-Alive: timeout=5",
    "TE: trailers",
    "X-One-Hop: secret",
    "Connection: X-One-Hop",
)


def say_another_name_in_tls(plan: dict[str, Any]) -> Any:
    """
    The name that was looked up leads to the host, the one that is said to whoever lives there, too.
    """
    visit(plan)
    name, _ = plan["secure"]
    return say_all(plan, plan["secure"], _hellos(name.encode()), ANSWER_SECONDS)


def smuggle_requests(plan: dict[str, Any]) -> Any:
    """
    Two readers who disagree on where a request ends.
    """
    visit(plan)
    name, port = plan["granted"]
    other = ":".join(map(str, plan["other"]))
    filled = {"host": f"{name}:{port}", "name": name, "other": other}
    sayings = [payload.format(**filled).encode() for payload in PAYLOADS.values()]
    sayings += [
        f"{method} /smuggled HTTP/1.1\r\nHost: {name}:{port}\r\n\r\n".encode()
        for method in ("CONNECT", "TRACE")
    ]
    return say_all(plan, plan["granted"], sayings, SMUGGLING_SECONDS)


def never_end_a_request(plan: dict[str, Any]) -> Any:
    """
    One byte at a time, and never the last.
    """
    visit(plan)
    with connect(plan, *plan["slow"]) as one, contextlib.suppress(OSError):
        one.sendall(b"GET /smuggled HTTP/1.1\r\nX: ")
        for _ in range(TRICKLES):
            one.sendall(b"x")
            time.sleep(TRICKLE_SECONDS)


def reach_others_over_plain_http(plan: dict[str, Any]) -> Any:
    """
    Another host, another port, and by what a proxy would do.
    """
    visit(plan)
    name, port = plan["granted"]
    other, other_port = plan["other"]
    host = f"{other}:{other_port}"
    through = [
        f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
        f"GET http://{host}/smuggled HTTP/1.1\r\nHost: {host}\r\n\r\n",
    ]
    return every(
        host=lambda: knock(plan, other, other_port),
        port=lambda: knock(plan, name, plan["port"]),
        proxy=lambda: say_all(
            plan, (name, port), [text.encode() for text in through], ANSWER_SECONDS
        ),
    )


def tell_the_site_of_a_proxy(plan: dict[str, Any]) -> Any:
    """
    What is between a client and its proxy, and for one hop, is nobody else's business.
    """
    visit(plan)
    return get(plan, *plan["granted"], "/hops", *HOPS)


def _hellos(granted: bytes) -> list[bytes]:
    """
    First words that do not say the granted name, and it alone, in plain sight.
    """
    other = b"other." + granted.partition(b".")[2]
    outer = b"\x00\x00\x01\x00\x01\x07" + vector(2, bytes(32)) + vector(2, bytes(64))
    right = named(granted)
    return [
        hello(named(other)),
        hello(),
        hello(named(granted.partition(b".")[2])),
        hello(named(granted + b".")),
        hello(named(granted, other)),
        hello(right, named(other)),
        hello(named(b"127.0.0.1")),
        hello(named(granted + b"\x00.evil.test")),
        hello(right, extension(ENCRYPTED, outer)),
        hello(right, extension(ESNI, bytes(64))),
        b"GET /smuggled HTTP/1.1\r\nHost: " + granted + b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        record(b"\x01\x00", kind=21) + hello(right),
        b"\x80\x2e\x01\x03\x01" + bytes(64),
        record(handshake(body(right)[:-4])),
        hello(right)[:-1],
    ]
