"""
Addresses of names, from a real name server and from the host's own resolver.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
from scripted_executor import run
from toolcell_server.battery.addresses import LOOPBACK
from toolcell_server.battery.name_server import Names, serving_names
from toolcell_server.egress import resolving
from toolcell_server.egress.resolving import NameServers, SystemResolver, Unresolved

if TYPE_CHECKING:
    from toolcell_server.egress.addresses import Address
    from toolcell_server.egress.resolving import Resolver


def resolved(resolver: Resolver, name: str) -> tuple[Address, ...]:
    return run(resolver.resolve(name))


def asked(zone: dict[str, tuple[str, ...]], name: str) -> tuple[Any, list[str]]:
    names = Names(zone)
    with serving_names(names) as server:
        host, _, port = server.rpartition(":")
        return resolved(NameServers(((host, int(port)),)), name), names.asked


def test_both_kinds_of_addresses_are_found() -> None:
    """
    A verdict on some of a name's addresses would be a verdict on another name.
    """
    zone: dict[str, tuple[str, ...]] = {"a.example": ("192.0.2.1", "192.0.2.2", "2001:db8::1")}
    found, names = asked(zone, "a.example")

    assert {ip_address(text) for text in zone["a.example"]} == set(found)
    assert ["a.example", "a.example"] == names


def test_a_name_that_there_is_not_has_no_address() -> None:
    """
    That is an answer, and no fault; nothing is appended to it and tried again.
    """
    assert ((), {"nobody.example"}) == (
        (result := asked({}, "nobody.example"))[0],
        set(result[1]),
    )


def test_a_name_without_addresses_has_none() -> None:
    """
    It may have mail and no site.
    """
    assert () == asked({"a.example": ()}, "a.example")[0]


def test_a_name_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A call waits for it.
    """
    monkeypatch.setattr(resolving, "SECONDS", 0.3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((LOOPBACK, 0))
        with pytest.raises(Unresolved):
            resolved(NameServers(((LOOPBACK, silent.getsockname()[1]),)), "a.example")


def test_the_next_name_server_is_asked_when_one_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Two are configured for that reason.
    """
    monkeypatch.setattr(resolving, "SECONDS", 8.0)
    names = Names({"a.example": ("192.0.2.1",)})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone, serving_names(names) as server:
        gone.bind((LOOPBACK, 0))
        host, _, port = server.rpartition(":")
        both = NameServers(((LOOPBACK, gone.getsockname()[1]), (host, int(port))))

        assert (ip_address("192.0.2.1"),) == resolved(both, "a.example")


def test_the_hosts_own_resolver_knows_its_hosts_file() -> None:
    """
    Names of a network are often there only.
    """
    found = resolved(SystemResolver(), "localhost")

    assert set(found) <= {ip_address("127.0.0.1"), ip_address("::1")}
    assert found


@pytest.mark.parametrize(
    ("number", "answer"),
    [(socket.EAI_NONAME, ()), (socket.EAI_NODATA, ()), (socket.EAI_AGAIN, None)],
)
def test_the_hosts_own_resolver_tells_no_address_from_no_answer(
    monkeypatch: pytest.MonkeyPatch, number: int, answer: Any
) -> None:
    """
    The first is for ever and the second passes.
    """

    async def fail(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(number, "as it is")

    async def scenario() -> Any:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", fail)
        return await SystemResolver().resolve("a.example")

    if answer is None:
        with pytest.raises(Unresolved, match="as it is"):
            run(scenario())
    else:
        assert answer == run(scenario())
