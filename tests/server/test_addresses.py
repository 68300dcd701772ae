"""
Addresses to listen on.
"""

from __future__ import annotations

import errno

import pytest
from toolcell_server.addresses import Address, AddressTaken


@pytest.mark.parametrize(
    ("text", "loopback"),
    [
        ("127.0.0.1:50051", True),
        ("127.8.9.10:1", True),
        ("[::1]:0", True),
        ("localhost:65535", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("10.0.0.1:1", False),
        ("[::ffff:10.0.0.1]:1", False),
        ("localhost.example.com:1", False),
        ("2130706433:1", False),
    ],
)
def test_only_addresses_that_nobody_else_reaches_are_loopback(text: str, *, loopback: bool) -> None:
    """
    The server does not authenticate: one wrong answer here opens it to the network.
    """
    try:
        address = Address.parse(text)
    except ValueError:
        assert not loopback
        return

    assert text == str(address)
    assert loopback == address.is_loopback


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        ":1",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "::1:1",
        "a b:1",
        "h:1\n",
        "h:\uff11",
    ],
)
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    """
    A colon forgotten is the usual mistake.
    """
    with pytest.raises(ValueError, match=r"as in 127\.0\.0\.1:50051"):
        Address.parse(text)


def test_an_address_that_cannot_be_had_says_why_and_what_to_change() -> None:
    """
    "In use" and "not yours" have different remedies.
    """
    address = Address("127.0.0.1", 80)
    denied = AddressTaken(address, "server.metrics_listen", errno.EACCES)

    assert str(AddressTaken(address, "server.listen")) == (
        "127.0.0.1:80 is in use; choose another with --listen or server.listen"
    )
    assert "Permission denied" in str(denied)
    assert "--metrics-listen or server.metrics_listen" in str(denied)
