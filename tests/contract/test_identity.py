"""
A real server that asks callers who they are, and real clients that say so.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from certifying import Authority
from identities import ALICE, BOB, OPERATOR, TOKENS
from issuing import AUDIENCE, ISSUER, Key, key_set
from plain_calls import TOOLCELL
from running_server import Server, start_server
from toolcell_client import Client
from toolcell_client.errors import NotAuthenticated, ServerUnreachable, UnknownExecution

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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
    (folder / "good.jwt").write_text(key.token(sub="carol", scope="tools:*"))
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
        pytest.raises(ServerUnreachable, match=r"not trusted .* give ca="),
    ):
        client.get_tool("calculate")
    with (
        Client(target(server), attempts=0) as plain,
        pytest.raises(ServerUnreachable, match="may want TLS"),
    ):
        plain.get_tool("calculate")


def test_the_command_line_says_it_in_one_line(server: Server, tmp_path: Path) -> None:
    """
    What gRPC says of each handshake, several times over, would hide what to do.
    """
    (tmp_path / "token").write_text(ALICE)
    other = Authority(tmp_path, "other")
    flags = ["--token-file", str(tmp_path / "token"), "--ca", str(other.ca)]
    environment = {name: value for name, value in os.environ.items() if name != "GRPC_VERBOSITY"}
    done = subprocess.run(
        [*TOOLCELL, "ps", "--target", target(server), *flags],
        capture_output=True, text=True, timeout=40, check=False, env=environment,
    )  # fmt: skip

    assert (3, 1) == (done.returncode, done.stderr.count("\n")), done.stderr
    assert "is not trusted" in done.stderr


def test_the_metrics_count_failures_and_tell_when_the_certificate_ends(server: Server) -> None:
    """
    Certificates that end unnoticed end services.
    """
    text = server.scrape()
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
