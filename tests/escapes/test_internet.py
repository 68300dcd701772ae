"""
The oracle of attacks on the network: whatever reaches the battery's internet is counted.
"""

from __future__ import annotations

import socket
import urllib.request
from typing import TYPE_CHECKING

import dns.message
import dns.query
import pytest
from toolcell_server.battery import addresses
from toolcell_server.battery.ground import Ground
from toolcell_server.battery.internet import GRANTED, KEYED, OTHER, Internet
from toolcell_server.battery.listeners import Listeners
from toolcell_server.battery.name_server import UNREADABLE
from toolcell_server.battery.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def internet(tmp_path: Path) -> Iterator[Internet]:
    internet = Internet(tmp_path / "internet")
    yield internet
    internet.close()


@pytest.fixture
def listeners() -> Iterator[Listeners]:
    listeners = Listeners()
    yield listeners
    listeners.close()


def _ask(internet: Internet, name: str) -> list[str]:
    host, _, port = internet.resolver.partition(":")
    query = dns.message.make_query(name, "A")
    answer = dns.query.udp(query, host, port=int(port), timeout=5)
    return [str(each) for found in answer.answer for each in found]


def _get(internet: Internet, host: str, path: str, **headers: str) -> str:
    url = internet.url(path, addresses.LOOPBACK)
    request = urllib.request.Request(url, headers={"Host": host, **headers})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return str(answer.read().decode())


def test_what_was_granted_is_no_stranger(internet: Internet) -> None:
    assert ["127.0.0.1"] == _ask(internet, GRANTED)
    assert "GET /granted" == _get(internet, GRANTED, "/granted")
    assert (True, []) == (internet.visited(), internet.strangers({GRANTED}))


@pytest.mark.parametrize("name", [OTHER, "unlisted.test"])
def test_a_name_that_was_asked_for_is_counted(internet: Internet, name: str) -> None:
    """
    Whether it is known or not: the question is the message.
    """
    _ask(internet, name)

    assert [f"was asked for: {name}"] == internet.strangers({GRANTED})


def test_a_question_that_cannot_be_read_is_counted(internet: Internet) -> None:
    host, _, port = internet.resolver.partition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.sendto(b"\xff", (host, int(port)))
    _ask(internet, GRANTED)

    assert [f"was asked for: {UNREADABLE}"] == internet.strangers({GRANTED})


@pytest.mark.parametrize(("host", "path"), [(OTHER, "/"), ("", "/"), (GRANTED, "/smuggled")])
def test_a_request_that_nobody_was_granted_is_counted(
    internet: Internet, host: str, path: str
) -> None:
    _get(internet, host, path)

    assert [f"was reached: GET {path} of {host}"] == internet.strangers({GRANTED})


def test_a_secret_that_a_site_was_told_is_heard(internet: Internet) -> None:
    _get(internet, GRANTED, "/granted", Cookie="5ecret")

    assert "5ecret" in internet.heard()


def test_each_run_begins_with_a_site_that_nobody_has_reached() -> None:
    with Session() as session:
        _ask(session.internet, OTHER)
        _get(session.internet, OTHER, "/smuggled")
        session.internet.names.zone.clear()
        Ground(session).close()

        assert ([], 0) == (session.internet.strangers(()), session.internet.plain.connections)
        assert ["127.0.0.1"] == _ask(session.internet, KEYED)


@pytest.mark.parametrize("address", addresses.reachable())
def test_whoever_reaches_an_address_of_this_host_is_counted(
    listeners: Listeners, address: str
) -> None:
    tcp, udp = listeners.tcp(address), listeners.udp(address)
    quiet = listeners.hits()
    socket.create_connection((address, tcp)).close()
    with socket.socket(addresses.family(address), socket.SOCK_DGRAM) as sender:
        sender.sendto(b"", (address, udp))

    assert [] == quiet
    assert 2 == len(listeners.hits())


def test_a_connection_that_stays_is_counted_and_one_that_ended_is_not(
    listeners: Listeners,
) -> None:
    port = listeners.leaving()
    with socket.create_connection((addresses.LOOPBACK, port)) as one:
        one.sendall(b"said")
    ended = listeners.hits()
    with socket.create_connection((addresses.LOOPBACK, port)):
        stayed = listeners.hits()

    assert ([], ["1 connections were not ended"]) == (ended, stayed)
