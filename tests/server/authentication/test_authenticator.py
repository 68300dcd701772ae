"""
Which credential counts, and which names it cannot have.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from certifying import Authority
from cryptography import x509
from identities import ALICE, BOB, token
from issuing import AUDIENCE, ISSUER, Key, key_set
from toolcell_server import reloading, settings
from toolcell_server.authentication import making
from toolcell_server.authentication.failure import Kind, NotAuthentic
from toolcell_server.metrics import Metrics

if TYPE_CHECKING:
    from pathlib import Path

KEY = Key("a")


class Door:
    """
    Everything at once: tokens, a file of them, signed tokens, certificates.
    """

    def __init__(self, folder: Path) -> None:
        authority = Authority(folder)
        papers = authority.server()
        self.file = folder / "tokens.toml"
        self.file.write_text(token("bob", BOB).replace("auth.tokens", "tokens"))
        (folder / "keys").write_bytes(key_set(KEY))
        path = folder / "toolcell.toml"
        path.write_text(
            f'[auth]\ntokens_file = "{self.file}"\ncertificate_names = "dns"\n'
            f'{token("alice", ALICE)}[[auth.certificates]]\nsan = "a.example"\nname = "agent"\n'
            f'[auth.jwt]\nissuer = "{ISSUER}"\naudience = "{AUDIENCE}"\n'
            f'jwks_file = "{folder}/keys"\n[server.tls]\ncertificate = "{papers.certificate}"\n'
            f'key = "{papers.key}"\nclient_ca = "{authority.ca}"\n'
        )
        self._auth = settings.read(str(path)).auth
        self._authority = authority

    def certificate(self, name: str) -> dict[str, list[bytes]]:
        signed = self._authority.sign("client", [x509.DNSName(name)])
        return {"x509_pem_cert": [signed.certificate.read_bytes()]}

    def who(self, *tokens: str, peer: Any = None) -> str | Kind:
        """
        The name of a caller, or why he has none.
        """

        async def scenario() -> str:
            async with making.authenticating(self._auth, Metrics().authentication) as found:
                metadata = [("authorization", f"Bearer {each}") for each in tokens]
                shown = await found.by_metadata(metadata)
                return (shown or found.by_connection(peer or {})).name

        try:
            return asyncio.run(scenario())
        except NotAuthentic as failure:
            return failure.kind


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


def test_a_token_beats_a_certificate_and_a_bad_one_is_not_passed_over(door: Door) -> None:
    """
    Falling back would be another identity than was asked for.
    """
    peer = door.certificate("b.example")

    assert door.who(peer=peer) == "b.example"
    assert door.who(ALICE, peer=peer) == "alice"
    assert door.who(KEY.token(sub="carol"), peer=peer) == "carol"
    assert Kind.UNKNOWN_TOKEN is door.who(ALICE + "x", peer=peer)
    assert Kind.EXPIRED is door.who(KEY.token(exp=1), peer=peer)
    assert Kind.REPEATED is door.who(ALICE, ALICE, peer=peer)
    assert Kind.NONE is door.who()


def test_a_name_that_the_operator_gives_is_for_nobody_else_to_give(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Whether it stands in the settings or in the file of tokens, as that is now.
    """
    monkeypatch.setattr(reloading, "LOOK_SECONDS", 0.0)
    for name in ("alice", "bob", "agent"):
        assert Kind.NAME_TAKEN is door.who(KEY.token(sub=name))
        assert Kind.NAME_TAKEN is door.who(peer=door.certificate(name))
    assert door.who(peer=door.certificate("a.example")) == "agent"
    door.file.write_text("tokens = []")

    assert door.who(KEY.token(sub="bob")) == "bob"
