"""
Who a client says it is, and to whom it says so.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from certifying import Authority
from cryptography import x509
from toolcell.v1 import registry_pb2
from toolcell_client import AsyncClient, Client, ClientOptions, tokens
from toolcell_client.errors import NotAuthenticated, ServerUnreachable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "tc_0123456789-abcdefghijklmnopqrstuvwxyz"
HERE = "127.0.0.1:1"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("TOOLCELL_") and name != "TOOLCELL_TEST_PATIENCE":
            monkeypatch.delenv(name)


class Listener(grpc.GenericRpcHandler):
    """
    Remembers the metadata of each call, and answers GetTool.
    """

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.target = ""

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        self.heard.append(dict(details.invocation_metadata or ()))
        return grpc.unary_unary_rpc_method_handler(
            lambda _request, _context: registry_pb2.GetToolResponse().SerializeToString()
        )


def listening(papers: Any = None) -> Iterator[Listener]:
    listener = Listener()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1), [listener])
    if papers is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        pair = [(papers.key.read_bytes(), papers.certificate.read_bytes())]
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials(pair))
    server.start()
    listener.target = f"127.0.0.1:{port}"
    yield listener
    server.stop(None).wait()


@pytest.fixture
def plain() -> Iterator[Listener]:
    yield from listening()


def sent(options: dict[str, Any], listener: Listener) -> Any:
    """
    The authorization that a client with these options sends.
    """
    with Client(listener.target, **options) as client:
        client.get_tool("x")
    return listener.heard[-1].get("authorization")


def test_a_token_goes_with_each_call_however_it_is_given(
    plain: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    As a text, in a file, by a function, from the environment; what is given beats the environment.
    """
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert sent({}, plain) is None
    for options in ({"token": TOKEN}, {"token_file": file}, {"credentials": lambda: TOKEN}):
        assert f"Bearer {TOKEN}" == sent(options, plain)
    monkeypatch.setenv("TOOLCELL_TOKEN_FILE", str(file))
    assert f"Bearer {TOKEN}" == sent({}, plain)
    assert "Bearer other" == sent({"token": "other"}, plain)
    assert "Basic x" == sent({"metadata": {"authorization": "Basic x"}}, plain)
    monkeypatch.delenv("TOOLCELL_TOKEN_FILE")
    monkeypatch.setenv("TOOLCELL_TOKEN", TOKEN)

    assert f"Bearer {TOKEN}" == sent({}, plain)


def test_the_asynchronous_client_sends_the_same(plain: Listener) -> None:
    """
    Its twin has the same options.
    """

    async def scenario() -> None:
        async with AsyncClient(plain.target, token=TOKEN) as client:
            await client.get_tool("x")

    asyncio.run(scenario())

    assert f"Bearer {TOKEN}" == plain.heard[-1]["authorization"]


def test_a_token_in_a_file_is_read_again_and_the_last_good_one_stays(tmp_path: Path) -> None:
    """
    An agent renews it under a client that runs for weeks.
    """
    now, file = 0.0, tmp_path / "token"
    file.write_text("first")
    token = tokens.InFile(str(file), lambda: now)
    heard = [token.current()]
    for text in ("second", "", "two words", None, "third"):
        if text is None:
            file.unlink()
        else:
            file.write_text(text)
        now += tokens.LOOK_SECONDS
        heard.append(token.current())

    assert ["first", "second", "second", "second", "second", "third"] == heard


@pytest.mark.parametrize(
    ("target", "stays"),
    [
        ("127.0.0.1:1", True),
        ("127.8.9.1:1", True),
        ("localhost:1", True),
        ("[::1]:1", True),
        ("dns:///localhost:1", True),
        ("dns:127.0.0.1:1", True),
        ("ipv4:127.0.0.1:1,127.0.0.2:2", True),
        ("ipv6:[::1]:1", True),
        ("unix:/run/toolcell", True),
        ("unix-abstract:toolcell", True),
        ("10.0.0.1:1", False),
        ("0.0.0.0:1", False),
        ("example.com:1", False),
        ("localhost.example.com:1", False),
        ("127.0.0.1.example.com:1", False),
        ("ipv4:127.0.0.1:1,10.0.0.1:1", False),
        ("dns://10.0.0.1/localhost:1", False),
        ("dns:///example.com:1", False),
        ("xds:///localhost", False),
        ("127.0.0.1:1@example.com", False),
        ("[::ffff:10.0.0.1]:1", False),
        ("", False),
    ],
)
def test_what_stays_on_this_host_is_recognised(target: str, *, stays: bool) -> None:
    """
    One wrong answer here sends a token to strangers.
    """
    assert stays == tokens.stays_here(target)


@pytest.mark.parametrize(
    "options",
    [{"token": TOKEN}, {"credentials": lambda: TOKEN}, {"metadata": {"authorization": TOKEN}}],
)
def test_a_token_is_never_sent_in_plain_text_to_another_host(options: Any) -> None:
    """
    The remedy is said, the token is not; over TLS it is sent.
    """
    with pytest.raises(ValueError, match="plain text") as refused:
        ClientOptions(target="example.com:1", **options)
    assert "ca=" in str(refused.value)
    assert TOKEN not in str(refused.value)

    ClientOptions(target="example.com:1", tls=True, **options)
    assert TOKEN not in repr(ClientOptions(target=HERE, **options))


def test_a_proxy_of_the_environment_does_not_get_the_token(
    plain: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    GRPC would send a plain-text call through it, also one to this host.
    """
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert f"Bearer {TOKEN}" == sent({"token": TOKEN}, plain)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param({"token": "a", "token_file": "/x"}, "token and token_file", id="two"),
        pytest.param({"token": "a b"}, "no bearer token", id="a blank"),
        pytest.param({"token": "a\nb"}, "no bearer token", id="a line feed"),
        pytest.param({"token": "\u00e4"}, "no bearer token", id="not ASCII"),
        pytest.param({"token_file": "/none"}, "cannot be read", id="no file"),
        pytest.param({"token_file": "/dev/null"}, "no bearer token", id="an empty file"),
        pytest.param({"ca": "/none"}, "ca /none cannot be read", id="no authorities"),
        pytest.param({"ca": "/dev/null"}, "no PEM file", id="no PEM"),
        pytest.param({"certificate": "/a"}, "go together", id="no key"),
        pytest.param({"tls": False, "ca": "/a"}, "tls=False", id="TLS and not"),
        pytest.param(
            {"token": "a", "metadata": {"authorization": "b"}}, "metadata and token", id="twice"
        ),
        pytest.param(
            {"credentials": grpc.ssl_channel_credentials(), "tls": True}, "already", id="twice TLS"
        ),
    ],
)
def test_options_that_cannot_be_used_say_why(options: Any, says: str) -> None:
    """
    When the client is made, not when it is used.
    """
    with pytest.raises(ValueError, match=says):
        ClientOptions(target=HERE, **options)


def test_a_server_of_another_name_or_authority_is_not_spoken_to(tmp_path: Path) -> None:
    """
    Nor is the token sent there; with the right authority it is.
    """
    ours, theirs = Authority(tmp_path), Authority(tmp_path, "theirs")
    for listener in listening(ours.server()):
        assert f"Bearer {TOKEN}" == sent({"token": TOKEN, "ca": ours.ca}, listener)
        assert 1 == len(listener.heard)
        with (
            Client(listener.target, token=TOKEN, ca=theirs.ca) as client,
            pytest.raises(ServerUnreachable, match="ca="),
        ):
            client.get_tool("x")
        assert 1 == len(listener.heard)
    elsewhere = ours.sign("elsewhere", [x509.DNSName("elsewhere.example")])
    for listener in listening(elsewhere):
        with pytest.raises(ServerUnreachable, match="another name"):
            sent({"token": TOKEN, "ca": ours.ca}, listener)
        assert [] == listener.heard


def test_a_server_that_does_not_speak_tls_is_not_sent_a_token(
    plain: Listener, tmp_path: Path
) -> None:
    """
    There is no falling back to plain text.
    """
    with pytest.raises(ServerUnreachable, match="does not speak TLS"):
        sent({"token": TOKEN, "ca": Authority(tmp_path).ca}, plain)

    assert [] == plain.heard


def test_the_error_says_what_to_do() -> None:
    """
    To whoever programs, and to whoever types.
    """
    from toolcell_client.refused import Refusal

    refusal = Refusal(code=grpc.StatusCode.UNAUTHENTICATED, message="the credentials have expired")
    text = str(NotAuthenticated(refusal))

    assert text.startswith("the credentials have expired (")
    assert "token_file=" in text
    assert "--token-file" in text
