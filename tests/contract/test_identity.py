"""
A real server that asks callers who they are, and real clients that say so.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from certifying import Authority, Papers
from cryptography import x509
from issuing import AUDIENCE, ISSUER, Key, key_server, key_set
from plain_calls import TOOLCELL
from running_server import LOCAL, Server, start_server
from toolcell_client import Client
from toolcell_client.errors import NotAuthenticated, ServerUnreachable, UnknownExecution
from toolcell_server import settings
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

ALICE = "tc_alice-0123456789abcdefghijklmnopqrstuvwxyz"
BOB = "tc_bob-0123456789abcdefghijklmnopqrstuvwxyz"
NOBODY = 9  # the port of discard, which nobody serves
OPERATOR = "tc_operator-0123456789abcdefghijklmnopqrst"


def token(name: str, secret: str, more: str = "") -> str:
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return f'[[auth.tokens]]\nname = "{name}"\nsha256 = "{digest}"\n{more}\n'


TOKENS = (
    token("alice", ALICE)
    + token("bob", BOB)
    + token("operator", OPERATOR, 'scopes = ["toolcell:executions"]')
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("identity")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return Authority(folder)


@pytest.fixture(scope="module")
def server(folder: Path, authority: Authority) -> Iterator[Server]:
    """
    Over TLS, on an address that is not loopback's: tokens, signed tokens.
    """
    papers = authority.server()
    key = Key("first")
    (folder / "keys.json").write_bytes(key_set(key))
    (folder / "good.jwt").write_text(key.token(sub="carol"))
    tls = f'[server.tls]\ncertificate = "{papers.certificate}"\nkey = "{papers.key}"\n'
    signed = (
        f'[auth.jwt]\nissuer = "{ISSUER}"\naudience = "{AUDIENCE}"\n'
        f'jwks_file = "{folder}/keys.json"\n'
    )
    flags = ("--listen", "0.0.0.0:0")
    with start_server(folder, f"{tls}{signed}{TOKENS}", flags=flags) as one:
        yield one


def target(server: Server) -> str:
    return f"127.0.0.1:{server.target.rpartition(':')[2]}"


def test_a_caller_is_the_principal_of_his_token(server: Server, authority: Authority) -> None:
    """
    The positive control of all that is refused below.
    """
    with Client(target(server), token=ALICE, ca=authority.ca) as alice:
        result = alice.run("calculate", {"expression": "6 * 7"})
        [execution] = alice.list_executions()

    assert result.raise_for_outcome().value["text"] == "42"
    assert execution.principal == "alice"


def test_a_signed_token_is_as_good(server: Server, folder: Path, authority: Authority) -> None:
    """
    Whoever has an issuer needs no list of tokens.
    """
    with Client(target(server), token_file=folder / "good.jwt", ca=authority.ca) as carol:
        carol.run("calculate", {"expression": "1"}).raise_for_outcome()

        assert {"carol"} == {execution.principal for execution in carol.list_executions()}


def test_without_a_token_or_with_a_wrong_one_nothing_is_told(
    server: Server, authority: Authority
) -> None:
    """
    Not even which tools there are; the text says what to do, and the log who tried, not with what.
    """
    guess = "tc_guess-0123456789abcdefghijklmnopqrstuvw"
    for secret in ("", guess):
        with (
            Client(target(server), token=secret, ca=authority.ca) as stranger,
            pytest.raises(NotAuthenticated, match="--token-file") as refused,
        ):
            next(iter(stranger.list_tools()))
        assert refused.value.reason == "UNAUTHENTICATED"
        assert "guess" not in str(refused.value)
    log = server.log.read_text()

    assert "not authenticated" in log
    assert not re.search("tc_|Bearer|eyJ", log)


def test_executions_of_others_do_not_exist(server: Server, authority: Authority) -> None:
    """
    Watch, Get, Cancel and List are of one's own; an operator's scope sees all.
    """
    with (
        Client(target(server), token=ALICE, ca=authority.ca) as alice,
        Client(target(server), token=BOB, ca=authority.ca) as bob,
        Client(target(server), token=OPERATOR, ca=authority.ca) as operator,
    ):
        ours = alice.run("calculate", {"expression": "2"}).execution_id
        for ask in (
            bob.get_execution,
            bob.cancel,
            lambda execution_id: bob.watch(execution_id).result(),
        ):
            with pytest.raises(UnknownExecution):
                ask(ours)
        assert [] == list(bob.list_executions(principal="alice"))
        assert ours not in {each.execution_id for each in bob.list_executions()}
        assert ours in {each.execution_id for each in operator.list_executions(principal="alice")}
        assert ours == operator.get_execution(ours).execution_id
        assert alice.watch(ours).result().value["text"] == "2"


def test_a_client_that_does_not_know_the_authority_is_told_what_to_check(
    server: Server, tmp_path: Path
) -> None:
    """
    The usual first error of TLS; "no server" would send people to the wrong place.
    """
    other = Authority(tmp_path, "other")
    with (
        Client(target(server), token=ALICE, ca=other.ca, attempts=0) as client,
        pytest.raises(ServerUnreachable, match="TLS"),
    ):
        client.get_tool("calculate")


def test_the_metrics_count_failures_and_tell_when_the_certificate_ends(server: Server) -> None:
    """
    Certificates that end unnoticed end services.
    """
    with urllib.request.urlopen(f"http://{server.metrics}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    [ends] = re.findall(
        r"^toolcell_tls_certificate_expiry_timestamp_seconds (\S+)", text, re.MULTILINE
    )

    assert float(ends) > 1.7e9
    assert re.search(
        r'^toolcell_authentication_failures_total{kind="none"} [1-9]', text, re.MULTILINE
    )
    assert re.search(
        r'^toolcell_refusals_total{reason="UNAUTHENTICATED"} [1-9]', text, re.MULTILINE
    )
    assert re.search(r'grpc_code="Unauthenticated"', text)


def test_a_certificate_is_a_principal_and_one_of_another_authority_is_nobody(
    tmp_path: Path,
) -> None:
    """
    TLS refuses the stranger; a certificate that is nobody's is refused by us; a token beats both.
    """
    authority, papers = Authority(tmp_path), Authority(tmp_path, "own").server()
    service = authority.sign("service", [x509.UniformResourceIdentifier("spiffe://a/service")])
    nobody = authority.sign("nobody", [x509.DNSName("nobody.example")])
    foreign = Authority(tmp_path, "foreign").sign(
        "stranger", [x509.UniformResourceIdentifier("spiffe://a/service")]
    )
    settings = (
        f'[server.tls]\ncertificate = "{papers.certificate}"\nkey = "{papers.key}"\n'
        f'client_ca = "{authority.ca}"\n{TOKENS}'
        '[[auth.certificates]]\nsan = "spiffe://a/service"\nname = "service"\n'
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
        with client(foreign) as one, pytest.raises(ServerUnreachable):
            one.get_tool("calculate")


def test_certificate_tokens_and_keys_are_renewed_without_a_restart(tmp_path: Path) -> None:
    """
    What needs a restart is renewed too late, and a token that leaked lives on.
    """
    first, second = Authority(tmp_path, "first"), Authority(tmp_path, "second")
    papers, renewed = first.server("one"), second.server("two")
    file, old, new = tmp_path / "tokens.toml", Key("old"), Key("new")
    file.write_text(token("alice", ALICE).replace("auth.tokens", "tokens"))
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
            assert enters(old.token(), first)
            assert not enters(BOB, first)
            renewed.put_in_place_of(papers)
            file.write_text(token("bob", BOB).replace("auth.tokens", "tokens"))
            issuer.body = key_set(new)
            wait_until(lambda: enters(BOB, second))
            assert not enters(BOB, first)
            assert not enters(ALICE, second)
            wait_until(lambda: enters(new.token(), second))
            assert not enters(old.token(), second)


def test_the_command_line_says_who_calls(
    server: Server, authority: Authority, folder: Path
) -> None:
    """
    By the environment and by files; without either it is told what to do.
    """
    environment = {"TOOLCELL_TARGET": target(server), "TOOLCELL_CA": str(authority.ca)}
    call = [*TOOLCELL, "call", "calculate", "expression=6*7"]
    (folder / "alice").write_text(ALICE)
    for flags, more in (
        ([], {"TOOLCELL_TOKEN": ALICE}),
        ([], {"TOOLCELL_TOKEN_FILE": str(folder / "alice")}),
        (["--token-file", str(folder / "alice")], {}),
    ):
        done = said([*call, *flags], {**environment, **more})
        assert (0, "42") == (done.returncode, json.loads(done.stdout)["text"])
    done = said(call, environment)

    assert done.returncode == 4
    assert "--token-file" in done.stderr


def said(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    own = {key: value for key, value in os.environ.items() if not key.startswith("TOOLCELL_")}
    return subprocess.run(
        command,
        env={**own, **environment},
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(
            f'[auth.jwt]\nissuer = "i"\naudience = "a"\njwks_url = "http://127.0.0.1:{NOBODY}/"',
            "auth.jwt.jwks_url",
            id="no issuer",
        ),
        pytest.param('[auth]\ntokens_file = "/none"', "auth.tokens", id="no file of tokens"),
        pytest.param(
            '[server.tls]\ncertificate = "/none"\nkey = "/none"', "server.tls", id="no certificate"
        ),
    ],
)
def test_a_server_that_could_let_nobody_in_does_not_start(
    text: str, says: str, tmp_path: Path
) -> None:
    """
    In one line, as every setting that cannot be used.
    """
    file = tmp_path / "settings.toml"
    file.write_text(f"[server]\n{LOCAL}{text}\n")
    program = [sys.executable, "-m", "toolcell_server", "--settings", str(file)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=40, check=False)

    assert (2, "") == (done.returncode, done.stdout)
    assert says in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_the_example_of_the_document_is_read_and_its_tables_name_every_key(tmp_path: Path) -> None:
    """
    An example that does not work is worse than none.
    """
    text = (Path(__file__).parents[2] / "docs/governance/identity.md").read_text()
    [example] = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    file = tmp_path / "example.toml"
    file.write_text(example)
    found = settings.read(str(file))

    assert {"alice", "nightly", "agent"} == found.auth.names
    assert found.auth.jwt
    assert found.tls.client_ca
    named = set(re.findall(r"`\.?(?:[a-z_]+\.)*([a-z_]+)`", text))
    assert set(settings.JwtSettings.__slots__) <= named
    assert {"tokens", "tokens_file", "certificates", "certificate_names"} <= named
