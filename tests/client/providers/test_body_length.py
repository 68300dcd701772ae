"""
A body has the length that its header says, or it is not read.
"""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
from toolcell_client.testing.providers import ProviderServer


@pytest.mark.parametrize("length", ["-1", "+1", "1e3", "x", "9" * 5000])
def test_a_length_that_is_none(length: str) -> None:
    """
    The connection stays open: a server that reads until its end does not answer.
    """
    with ProviderServer() as server:
        place = urlsplit(server.url)
        with socket.create_connection((str(place.hostname), place.port or 0), 10) as connection:
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: {length}"
            connection.sendall(f"{head}\r\nContent-Type: application/json\r\n\r\n{{".encode())
            assert b" 400 " in connection.recv(100)
