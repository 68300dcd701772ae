"""
Two principals whose names and sessions read the same, one after the other: their hosts and calls
are apart all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from issuing import AUDIENCE, ISSUER, Key, key_set
from raw_hosts import SECONDS, RawHost, beside, manifest
from running_server import Server, start_server
from toolcell.v1 import registry_pb2
from toolcell_client import Client
from toolcell_client.errors import UnknownTool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SESSION = registry_pb2.TOOL_SCOPE_SESSION
KEY = Key("first")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("server")
    (folder / "keys.json").write_bytes(key_set(KEY))
    settings = (
        f'[hosts]\nenabled = true\n[auth.jwt]\nissuer = "{ISSUER}"\naudience = "{AUDIENCE}"\n'
        f'jwks_file = "{folder}/keys.json"\nsession_claim = "sid"\n'
    )
    with start_server(folder, settings) as running:
        yield running


def token(name: str, session: str) -> str:
    return KEY.token(sub=name, sid=session, scope="tools:* toolcell:own_tools")


def test_a_name_and_a_session_that_read_as_anothers_give_nothing_of_his(server: Server) -> None:
    victim, hostile = token("team", "a:b"), token("team:a", "b")
    with (
        RawHost(server.target, victim) as host,
        RawHost(server.target, hostile) as other,
        Client(server.target, token=victim) as caller,
        Client(server.target, token=hostile) as intruder,
    ):
        host.offers(manifest(), scope=SESSION, host_id="the same for both of them")
        with pytest.raises(UnknownTool):
            intruder.run("look_up", {"city": "Rome"})
        welcome = other.offers(manifest(), scope=SESSION, host_id="the same for both of them")
        with beside(lambda: caller.run("look_up", {"city": "Rome"})) as results:
            host.completes(host.hears("start").call, "the victim's own")

    assert "the victim's own" == results.get(timeout=SECONDS).value
    assert [1] == [tool.hosts for tool in welcome.tools]
