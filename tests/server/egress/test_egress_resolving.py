"""
Addresses of names, from a real name server and from the host's own resolver.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dns.asyncbackend
import pytest
from scripted_executor import run
from toolcell_server.battery.addresses import LOOPBACK
from toolcell_server.battery.name_server import Names, serving_names
from toolcell_server.egress import resolving
from toolcell_server.egress.resolving import NameServers, SystemResolver, Unresolved
from toolcell_server.egress_spawning import ENVIRONMENT
from waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_server.egress.addresses import Address
    from toolcell_server.egress.resolving import Resolver

TESTS = str(Path(__file__).parents[2])


def resolved(resolver: Resolver, name: str) -> tuple[Address, ...]:
    return run(resolver.resolve(name))


@contextlib.contextmanager
def name_servers(names: Names) -> Iterator[NameServers]:
    with serving_names(names) as server:
        host, _, port = server.rpartition(":")
        yield NameServers(((host, int(port)),))


def asked(zone: dict[str, tuple[str, ...]], name: str) -> tuple[Any, list[str]]:
    names = Names(zone)
    with name_servers(names) as resolver:
        return resolved(resolver, name), names.asked


def test_both_kinds_of_addresses_are_found() -> None:
    """
    A verdict on some of a name's addresses would be a verdict on another name.
    """
    zone: dict[str, tuple[str, ...]] = {"a.example": ("192.0.2.1", "192.0.2.2", "2001:db8::1")}
    found, names = asked(zone, "a.example")

    assert {ip_address(text) for text in zone["a.example"]} == set(found)
    assert ["a.example", "a.example"] == names


def test_no_module_is_looked_for_when_a_name_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Behind the egress's walls no file can be read, sniffio's included if something brought it along.
    """
    monkeypatch.setattr(dns.asyncbackend, "sniff", None)
    monkeypatch.setattr(dns.asyncbackend, "_default_backend", None)

    assert (ip_address(LOOPBACK),) == asked({"a.example": (LOOPBACK,)}, "a.example")[0]


@pytest.mark.parametrize(("seconds", "times"), [(0, 2), (60, 1)])
def test_addresses_are_remembered_as_long_as_the_name_server_says(seconds: int, times: int) -> None:
    """
    Who says 0 seconds may say something else the next time, and is asked.
    """
    names = Names({"a.example": ("192.0.2.1",)}, seconds=seconds)

    async def scenario(resolver: Resolver) -> tuple[Any, Any]:
        return await resolver.resolve("a.example"), await resolver.resolve("a.example")

    with name_servers(names) as resolver:
        first, second = run(scenario(resolver))

    assert (ip_address("192.0.2.1"),) == first == second
    assert ["a.example"] * 2 * times == names.asked  # A and AAAA


def test_addresses_are_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    However long the name server says; and an old answer is not mixed with a new one.
    """
    names = Names({"a.example": ("192.0.2.1",)}, {"a.example": ("192.0.2.2",)}, seconds=2**31 - 1)
    monkeypatch.setattr(resolving, "REMEMBERED_SECONDS", 1e-9)

    async def scenario(resolver: Resolver) -> tuple[Any, Any]:
        return await resolver.resolve("a.example"), await resolver.resolve("a.example")

    with name_servers(names) as resolver:
        found = run(scenario(resolver))

    assert ((ip_address("192.0.2.1"),), (ip_address("192.0.2.2"),)) == found


def test_that_there_is_no_address_is_not_remembered() -> None:
    """
    A name that was made a moment ago is there when it is asked for again.
    """
    names = Names({}, seconds=60)

    async def scenario(resolver: Resolver) -> tuple[Any, Any]:
        first = await resolver.resolve("a.example")
        names.zone["a.example"] = ("192.0.2.1",)
        return first, await resolver.resolve("a.example")

    with name_servers(names) as resolver:
        assert ((), (ip_address("192.0.2.1"),)) == run(scenario(resolver))


def test_only_so_many_names_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A wildcard has names without end, and they must not fill the memory.
    """
    monkeypatch.setattr(resolving, "REMEMBERED_NAMES", 2)
    zone: dict[str, tuple[str, ...]] = {f"{each}.example": ("192.0.2.1",) for each in "abc"}
    names = Names(zone, seconds=60)

    async def scenario(resolver: Resolver) -> None:
        for each in "abccba":
            await resolver.resolve(f"{each}.example")

    with name_servers(names) as resolver:
        run(scenario(resolver))

    assert [f"{each}.example" for each in "aabbccaa"] == names.asked


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


@pytest.mark.parametrize("searches", [True, False], ids=["of a program", "of the egress"])
def test_a_name_is_never_tried_again_below_the_hosts_own_domain(
    tmp_path: Path, searches: bool
) -> None:
    """
    That name was never granted, and may be anybody's.  The control: an ordinary program's is.
    """
    (tmp_path / "resolv.conf").write_text(f"search corp.example\nnameserver {LOOPBACK}\n")
    done = subprocess.run(
        [
            *("unshare", "--map-root-user", "--mount", "--net", sys.executable),
            *(
                str(Path(__file__).with_name("searching.py")),
                str(tmp_path / "resolv.conf"),
                "a.example",
            ),
        ],
        env={"PYTHONPATH": TESTS, "PATH": os.environ["PATH"], **({} if searches else ENVIRONMENT)},
        capture_output=True,
        timeout=30 * PATIENCE,
        check=True,
    )

    assert ["a.example", *["a.example.corp.example"] * searches] == json.loads(done.stdout)


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
