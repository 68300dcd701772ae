"""
A real server whose callers have certificates, and whose papers are renewed while it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from certifying import Authority, Papers
from cryptography import x509
from identities import ALICE, BOB, CALLS, TOKENS, token
from issuing import AUDIENCE, ISSUER, Key, key_server, key_set
from running_server import start_server
from toolcell_client import Client
from toolcell_client.errors import NotAuthenticated, ServerUnreachable
from waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path


def test_a_certificate_is_a_principal_and_one_of_another_authority_is_nobody(
    tmp_path: Path,
) -> None:
    """
    TLS refuses the stranger; a certificate that is nobody's is refused by us; a token beats both.
    """
    authority, papers = Authority(tmp_path), Authority(tmp_path, "own").server()
    service = authority.sign("service", [x509.UniformResourceIdentifier("spiffe://a/service")])
    ended = authority.sign("ended", [x509.UniformResourceIdentifier("spiffe://a/service")], -1)
    nobody = authority.sign("nobody", [x509.DNSName("nobody.example")])
    foreign = Authority(tmp_path, "foreign").sign(
        "stranger", [x509.UniformResourceIdentifier("spiffe://a/service")]
    )
    settings = (
        f'[server.tls]\ncertificate = "{papers.certificate}"\nkey = "{papers.key}"\n'
        f'client_ca = "{authority.ca}"\n{TOKENS}'
        '[[auth.certificates]]\nsan = "spiffe://a/service"\nname = "service"\n'
        'scopes = ["tools:*"]\n'
    )
    with start_server(tmp_path, settings) as server:

        def client(papers: Papers, token: str = "") -> Client:
            return Client(
                server.target,
                ca=tmp_path / "own.pem",
                certificate=papers.certificate,
                key=papers.key,
                token=token,
                attempts=0,
            )

        with client(service) as one:
            one.run("calculate", {"expression": "1"}).raise_for_outcome()
            assert ["service"] == [execution.principal for execution in one.list_executions()]
        with client(service, token=ALICE) as one:
            assert [] == list(one.list_executions())
        with client(service, token=BOB[:-1]) as one, pytest.raises(NotAuthenticated):
            next(iter(one.list_tools()))
        with client(nobody) as one, pytest.raises(NotAuthenticated):
            next(iter(one.list_tools()))
        for refused in (foreign, ended):
            with client(refused) as one, pytest.raises(ServerUnreachable):
                one.get_tool("calculate")


def test_certificate_tokens_and_keys_are_renewed_without_a_restart(tmp_path: Path) -> None:
    """
    What needs a restart is renewed too late, and a token that leaked lives on.
    """
    first, second = Authority(tmp_path, "first"), Authority(tmp_path, "second")
    papers, renewed = first.server("one"), second.server("two")
    file, old, new = tmp_path / "tokens.toml", Key("old"), Key("new")
    file.write_text(token("alice", ALICE, CALLS).replace("auth.tokens", "tokens"))
    with key_server(key_set(old)) as issuer:
        settings = (
            f'[server.tls]\ncertificate = "{papers.certificate}"\nkey = "{papers.key}"\n'
            f'[auth]\ntokens_file = "{file}"\n[auth.jwt]\nissuer = "{ISSUER}"\n'
            f'audience = "{AUDIENCE}"\njwks_url = "{issuer.url}"\n'
        )
        with start_server(tmp_path, settings) as server:

            def enters(secret: str, authority: Authority) -> bool:
                with Client(server.target, token=secret, ca=authority.ca, attempts=0) as one:
                    try:
                        one.get_tool("calculate")
                    except (NotAuthenticated, ServerUnreachable):
                        return False
                return True

            assert enters(ALICE, first)
            assert enters(old.token(sub="carol", scope="tools:*"), first)
            assert not enters(BOB, first)
            renewed.put_in_place_of(papers)
            file.write_text(token("bob", BOB, CALLS).replace("auth.tokens", "tokens"))
            issuer.body = key_set(new)
            wait_until(lambda: enters(BOB, second))
            assert not enters(BOB, first)
            assert not enters(ALICE, second)
            wait_until(lambda: enters(new.token(sub="carol", scope="tools:*"), second))
            assert not enters(old.token(sub="carol", scope="tools:*"), second)
