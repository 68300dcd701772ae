"""
Where the bridge may listen, and who may say so.
"""

from __future__ import annotations

from typing import Any

import pytest
from toolcell_client.mcp_server.binding import Listening, Unsafe, address, check


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8000", "127.0.0.1", 8000),
        ("[::1]:0", "::1", 0),
        ("localhost:65535", "localhost", 65535),
    ],
)
def test_addresses(text: str, host: str, port: int) -> None:
    assert (host, port) == address(text)


@pytest.mark.parametrize("text", ["", "8000", ":8000", "a:", "a:b", "a:65536", "a:-1", "a:٣"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="write HOST:PORT"):
        address(text)


TLS = {"certificate": "c", "key": "k"}


@pytest.mark.parametrize(
    ("host", "more", "identity"),
    [
        ("127.0.0.1", {}, False),
        ("localhost", {"share_identity": True}, True),
        ("::1", {}, False),
        ("192.0.2.1", TLS, False),
        ("192.0.2.1", {"behind_proxy": True}, False),
        ("0.0.0.0", {**TLS, "hosts": ("tools.example",)}, False),
    ],
)
def test_what_is_safe(host: str, more: Any, identity: bool) -> None:
    check(Listening(host=host, port=1, **more), has_identity=identity)


@pytest.mark.parametrize(
    ("host", "more", "identity", "remedy"),
    [
        ("127.0.0.1", {}, True, "--share-identity"),
        ("192.0.2.1", TLS, True, "leave out"),
        ("192.0.2.1", {**TLS, "share_identity": True}, True, "listen on 127.0.0.1"),
        ("192.0.2.1", {}, False, "--http-certificate"),
        ("example.com", {}, False, "--http-certificate"),
        ("127.0.0.1.example", {}, False, "--http-certificate"),
        ("127.0.0.1", {"share_identity": True, "behind_proxy": True}, True, "--share-identity"),
        ("0.0.0.0", TLS, False, "--http-host"),
        ("::", TLS, False, "--http-host"),
    ],
)
def test_what_is_not(host: str, more: Any, identity: bool, remedy: str) -> None:
    """
    The text says what to do.
    """
    with pytest.raises(Unsafe, match=remedy):
        check(Listening(host=host, port=1, **more), has_identity=identity)


def test_names_that_a_request_may_use() -> None:
    """
    On a network the names that the operator gave, and those of loopback not.
    """
    local = Listening(host="127.0.0.1", port=1)
    wide = Listening(host="192.0.2.1", port=1, hosts=("tools.example",), origins=("https://a",))

    assert "localhost:*" in local.allowed_hosts
    assert "http://localhost:*" in local.allowed_origins
    assert ["192.0.2.1", "192.0.2.1:*", "tools.example", "tools.example:*"] == wide.allowed_hosts
    assert ["https://a"] == wide.allowed_origins
    assert wide.demands_tokens
    assert not local.demands_tokens


def test_a_proxy_on_this_host_brings_in_strangers() -> None:
    """
    Where it ends TLS for clients elsewhere, loopback is no reason to trust a request.
    """
    assert Listening(host="127.0.0.1", port=1, behind_proxy=True).demands_tokens
