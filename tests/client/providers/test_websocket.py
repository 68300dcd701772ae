"""
Frames that the openai package does not send: parts, pings, and what breaks the protocol.
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from toolcell_client.testing.providers.realtime.websocket import accept_key
from websockets.sync.client import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client.testing.providers import ProviderServer
    from websockets.sync.connection import Connection


@pytest.fixture
def connection(provider: ProviderServer) -> Iterator[Connection]:
    headers = {"Authorization": "Bearer key"}
    with connect(f"{provider.realtime_url}?model=m", additional_headers=headers) as opened:
        assert "session.created" == json.loads(opened.recv(30))["type"]
        yield opened


def update(instructions: str) -> str:
    session = {"type": "realtime", "instructions": instructions}
    return json.dumps({"type": "session.update", "session": session})


def answer(connection: Connection) -> Any:
    return json.loads(connection.recv(30))


def test_the_key_of_the_standard() -> None:
    """
    RFC 6455, 1.3.
    """
    assert "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" == accept_key("dGhlIHNhbXBsZSBub25jZQ==")


@pytest.mark.parametrize("length", [10, 200, 70_000])
def test_messages_of_any_length(length: int, connection: Connection) -> None:
    connection.send(update("é" * length))

    assert "é" * length == answer(connection)["session"]["instructions"]


def test_a_message_in_parts(connection: Connection) -> None:
    text = update("Be brief.")
    connection.send(iter([text[:5], text[5:20], text[20:]]))

    assert "session.updated" == answer(connection)["type"]


def test_a_ping_is_answered(connection: Connection) -> None:
    assert connection.ping().wait(30)


def test_what_is_no_json_is_an_error(connection: Connection) -> None:
    connection.send("{")

    assert "invalid_json" == answer(connection)["error"]["code"]


def test_frames_that_are_not_masked_end_the_connection(connection: Connection) -> None:
    connection.socket.sendall(b"\x81\x02hi")
    with pytest.raises(Exception, match="1002"):
        connection.recv(30)


def test_a_browser_sends_its_key_as_a_protocol(provider: ProviderServer) -> None:
    offered: Any = ["realtime", "openai-insecure-api-key.key"]
    with connect(f"{provider.realtime_url}?model=m", subprotocols=offered) as opened:
        assert "realtime" == opened.subprotocol


def test_a_client_that_vanishes_is_no_news(
    provider: ProviderServer, capfd: pytest.CaptureFixture[str]
) -> None:
    headers = {"Authorization": "Bearer key"}
    opened = connect(f"{provider.realtime_url}?model=m", additional_headers=headers)
    opened.socket.shutdown(socket.SHUT_RDWR)
    opened.close()
    provider.stop()

    assert "" == capfd.readouterr().err
