"""
Addresses that stand for names: each its own, and none that was not given out.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from toolcell_server.egress.stand_ins import MAXIMUM_NAMES, StandIns


def test_a_name_keeps_its_address_and_an_address_its_name() -> None:
    """
    A client may remember an address for as long as its cell lives.
    """
    names = StandIns()
    first, second = names.address_of("a.example"), names.address_of("b.example")

    assert first == names.address_of("a.example") != second
    assert ("a.example", "b.example") == (
        names.name_of(str(first)),
        names.name_of(str(second)),
    )


def test_an_address_that_was_not_given_out_stands_for_nothing() -> None:
    """
    Counting through the addresses finds no host that nobody asked for.
    """
    names = StandIns()
    names.address_of("a.example")

    assert [None] * 4 == [
        names.name_of(address) for address in ("198.18.0.0", "198.18.0.2", "127.0.0.1", "")
    ]


def test_every_address_lies_where_the_cell_listens() -> None:
    """
    One beside it would be routed nowhere.  A wildcard has names without end; they are bounded.
    """
    names = StandIns()
    given = [names.address_of(f"{number}.example") for number in range(MAXIMUM_NAMES + 1)]

    assert given.pop() is None
    assert MAXIMUM_NAMES == len(set(given))
    assert all(IPv4Address(str(each)) in IPv4Network("198.18.0.0/15") for each in given)
    assert given[0] == names.address_of("0.example")
