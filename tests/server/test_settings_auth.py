"""
The settings of who calls: `[auth]`, `[auth.jwt]`, `[server.tls]`, and who may be reached.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from certifying import Authority
from toolcell_server import settings
from toolcell_server.authentication import making
from toolcell_server.metrics import Metrics
from toolcell_server.secret_sources import Reference
from toolcell_server.settings import SettingsError
from toolcell_server.tls import Tls

if TYPE_CHECKING:
    from toolcell_server.authentication_metrics import AuthenticationMetrics
    from toolcell_server.settings import Settings

HASH = "a" * 64
SECRET = "hunter2-hunter2-hunter2"
JWT = '[auth.jwt]\nissuer = "https://i"\naudience = "a"\n'
TOKEN = f'[[auth.tokens]]\nname = "alice"\nsha256 = "{HASH}"\n'


def read(folder: Path, text: str, **environment: str) -> Settings:
    path = folder / "toolcell.toml"
    path.write_text(text)
    return settings.read(str(path), environment)


def test_nobody_is_asked_unless_the_settings_say_so(tmp_path: Path) -> None:
    """
    And a list that was emptied locks everybody out instead of letting everybody in.
    """
    assert not read(tmp_path, "").auth.enabled
    assert read(tmp_path, TOKEN).auth.enabled
    assert read(tmp_path, "[auth]\ntokens = []").auth.enabled


def test_every_key_reaches_its_value(tmp_path: Path) -> None:
    """
    A key that is read and then dropped is worse than one that is refused.
    """
    found = read(
        tmp_path,
        """
        [server]
        listen = "0.0.0.0:50051"
        metrics_listen = "0.0.0.0:9464"
        metrics_public = true
        [server.tls]
        certificate = "/tls/chain.pem"
        key = "/tls/key.pem"
        client_ca = "/tls/clients.pem"
        require_client_certificate = true
        [auth]
        tokens_file = "/etc/tokens.toml"
        certificate_names = "uri"
        [[auth.tokens]]
        name = "bob"
        token = {env = "BOB"}
        roles = ["dev"]
        scopes = ["a", "toolcell:executions"]
        labels = {team = "blue"}
        expires = "2030-01-01T00:00:00+01:00"
        [[auth.certificates]]
        san = "spiffe://a/b"
        name = "b"
        [auth.jwt]
        issuer = "https://i"
        audience = ["a", "b"]
        jwks_url = "https://i/keys"
        ca_file = "/etc/ca.pem"
        algorithms = ["ES512"]
        name_claim = "mail"
        name_prefix = "i:"
        roles_claim = "r"
        scopes_claim = "s"
        session_claim = "sid"
        leeway_seconds = 5
        refresh_seconds = 60
        """,
    )
    [bob], jwt = found.auth.tokens, found.auth.jwt
    assert jwt
    assert found.server.metrics_public
    names = [reference.name for reference in found.tls.references]
    assert ["/tls/chain.pem", "/tls/key.pem", "/tls/clients.pem"] == names
    assert Reference("env", "BOB") == bob.reference
    assert (1893452400.0, {"team": "blue"}) == (bob.expires, bob.principal.labels)
    assert bob.principal.scopes == {"a", "toolcell:executions"}
    assert found.auth.certificates[0].principal.name == "b"
    assert Reference("file", "/etc/tokens.toml") == found.auth.tokens_file
    assert jwt == settings.JwtSettings(
        issuer="https://i",
        audience=("a", "b"),
        jwks_url="https://i/keys",
        ca_file="/etc/ca.pem",
        algorithms=("ES512",),
        name_claim="mail",
        name_prefix="i:",
        roles_claim="r",
        scopes_claim="s",
        session_claim="sid",
        leeway_seconds=5,
        refresh_seconds=60,
    )


def test_the_environment_may_name_files_and_issuers(tmp_path: Path) -> None:
    """
    In a container there is often nothing else.
    """
    found = read(
        tmp_path,
        "",
        TOOLCELL_SERVER__TLS__CERTIFICATE="/a",
        TOOLCELL_SERVER__TLS__KEY="/b",
        TOOLCELL_AUTH__TOKENS_FILE="/c",
        TOOLCELL_TOKEN="another program's",
        TOOLCELL_TOKEN_FILE="another program's",
        TOOLCELL_CA="another program's",
    )

    assert ["/a", "/b"] == [reference.name for reference in found.tls.references]
    assert found.auth.tokens_file


def test_no_tool_is_granted_the_files_that_say_who_calls(tmp_path: Path) -> None:
    """
    A tool that writes the file of tokens would make itself anybody.
    """
    (tmp_path / "link").symlink_to(tmp_path / "real")
    text = (
        f'[policy]\nroots = [{{path = "{tmp_path}", access = "write"}}]\n'
        f'[auth]\ntokens_file = "{tmp_path}/link"\n'
        f'[[auth.tokens]]\nname = "a"\ntoken = {{file = "{tmp_path}/kept"}}\n'
        f'[server.tls]\ncertificate = "{tmp_path}/crt"\nkey = "{tmp_path}/./key"\n'
    )
    denied = read(tmp_path, text).policy.denied_paths

    for name in ("link", "real", "kept", "crt", "key"):
        assert str(tmp_path / name) in denied


TLS = '[server.tls]\ncertificate = "/a"\nkey = "/b"\n'
PUBLIC = '[server]\nlisten = "0.0.0.0:1"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(PUBLIC, ("server.listen", "[server.tls]", "[auth]", "127.0.0.1:1"), id="open"),
        pytest.param(f"{PUBLIC}{TLS}", ("server.listen", "add [auth]"), id="TLS alone"),
        pytest.param(f"{PUBLIC}{TOKEN}", ("server.listen", "add [server.tls]"), id="tokens alone"),
        pytest.param('[server.tls]\nkey = "/b"', ("server.tls.certificate",), id="no certificate"),
        pytest.param('[server.tls]\ncertificate = "b"\nkey = "/b"', ("absolute",), id="relative"),
        pytest.param('[server.tls]\nclient_ca = "/b"', ("certificate",), id="authorities alone"),
        pytest.param(
            f"{TLS}require_client_certificate = true", ("client_ca",), id="no authorities"
        ),
        pytest.param(
            f'{TLS}client_ca = "/c"\nrequire_client_certificate = false',
            ("every client", "none"),
            id="some clients",
        ),
        pytest.param('[auth]\ncertificate_names = "cn"', ("dns, uri, email",), id="common names"),
        pytest.param(
            '[auth]\ncertificate_names = "dns"', ("server.tls.client_ca",), id="no client_ca"
        ),
        pytest.param('[[auth.tokens]]\nname = "a"', ("sha256 or token",), id="no token"),
        pytest.param(f"{TOKEN}token = {{env = 'A'}}", ("sha256 or token",), id="both"),
        pytest.param(f"{TOKEN}rolls = []", ("mean roles?",), id="a key that is none"),
        pytest.param(f"{TOKEN}expires = 2030-01-01T00:00:00", ("offset",), id="no offset"),
        pytest.param(f'{TOKEN}expires = "soon"', ("offset",), id="no moment"),
        pytest.param(f'{TOKEN}roles = "dev"', ("roles", "list"), id="no list"),
        pytest.param(f"{TOKEN}labels = {{a = 1}}", ("labels.a",), id="a label that is a number"),
        pytest.param(
            f"{TOKEN}{TOKEN}", ("tokens[1].sha256", "tokens[0]"), id="one hash, two principals"
        ),
        pytest.param("[[auth.tokens]]", ("tokens[0]: has no name", "give it one"), id="no name"),
        pytest.param("[auth]", ("auth: says nothing", "[[auth.tokens]]"), id="nobody named"),
        pytest.param("[auth.jwt]", ("auth.jwt: says nothing", "issuer"), id="no JWT named"),
        pytest.param("[server.tls]", ("server.tls: says nothing", "certificate"), id="no papers"),
        pytest.param(TOKEN.replace("alice", "a b"), ("tokens[0].name",), id="a name with a blank"),
        pytest.param("auth.tokens = 3", ("[[auth.tokens]]",), id="no tables"),
        pytest.param("[auth.jwt]\njwks_file = '/k'", ("auth.jwt.issuer",), id="no issuer"),
        pytest.param(JWT, ("jwks_file, jwks_url, secret",), id="no keys"),
        pytest.param(
            f'{JWT}jwks_file = "/k"\njwks_url = "https://i"', ("jwks_file and jwks_url",), id="two"
        ),
        pytest.param(f'{JWT}jwks_url = "http://i.example/k"', ("TLS", "https"), id="plain text"),
        pytest.param(f'{JWT}jwks_url = "https://a:b@i/"', ("password",), id="a password"),
        pytest.param(f'{JWT}jwks_url = "file:///etc/passwd"', ("https",), id="another scheme"),
        pytest.param(
            f'{JWT}jwks_file = "/k"\nalgorithms = ["none"]', ("auth.jwt.algorithms",), id="none"
        ),
        pytest.param(
            f'{JWT}jwks_file = "/k"\nalgorithms = ["RS256", "HS256"]', ("secret",), id="HS256"
        ),
        pytest.param(
            f'{JWT}secret = {{env = "A"}}\nalgorithms = ["RS256"]', ("HS256",), id="a secret for RS"
        ),
        pytest.param(f'{JWT}jwks_file = "/k"\naudience = []', ("audience",), id="for everybody"),
        pytest.param(f'{JWT}secret = "{SECRET}"', ("reference",), id="a secret in the file"),
        pytest.param(f'{JWT}secret = {{vault = "{SECRET}"}}', ("env, file",), id="no provider"),
        pytest.param(f'[[auth.tokens]]\nname = "a"\nsha256 = "{SECRET}"', ("hash",), id="no hash"),
        pytest.param(
            f'[[auth.tokens]]\nname = "a"\ntoken = "{SECRET}"', ("reference",), id="a token"
        ),
    ],
)
def test_refused(text: str, says: tuple[str, ...], tmp_path: Path) -> None:
    """
    Each names the key and the remedy, in one line, and never a secret.
    """
    if text.startswith(JWT) and "audience = []" in text:
        text = text.replace('audience = "a"\n', "")
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, text)
    message = str(refused.value)

    assert all(each in message for each in says), message
    assert "\n" not in message
    assert SECRET not in message


def test_certificates_that_do_not_fit_are_refused_at_start(tmp_path: Path) -> None:
    """
    GRPC would take them, and fail each handshake without a word.
    """
    authority = Authority(tmp_path)
    good, other, old = authority.server(), authority.server("other"), authority.server("old", -1)
    encrypted = tmp_path / "encrypted.key"
    encrypted.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END\n")
    for certificate, key, says in (
        (good.certificate, good.key, ""),
        (good.certificate, other.key, "not that of the certificate"),
        (old.certificate, old.key, "has expired"),
        (good.key, good.key, "no certificate"),
        (good.certificate, good.certificate, "no private key"),
        (good.certificate, encrypted, "key"),
        (Path("/none"), good.key, "cannot be read"),
    ):
        tls = read(tmp_path, f'[server.tls]\ncertificate = "{certificate}"\nkey = "{key}"').tls
        if not says:
            assert Tls(tls).expires() > 0
            continue
        with pytest.raises(SettingsError, match=says) as refused:
            Tls(tls)
        assert "server.tls" in str(refused.value)
        assert "BEGIN" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(f'{JWT}jwks_file = "/none"', "jwks_file", id="no key set"),
        pytest.param(f'{JWT}jwks_url = "http://127.0.0.1:1/"', "jwks_url", id="nobody there"),
        pytest.param('[auth]\ntokens_file = "/none"', "auth.tokens", id="no file of tokens"),
        pytest.param(
            f'{JWT}algorithms = ["HS256"]\nsecret = {{env = "SHORT"}}', "32 bytes", id="short"
        ),
    ],
)
def test_what_cannot_be_had_at_start_is_an_error(
    text: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    To start and refuse everybody would look like everybody's fault.
    """
    monkeypatch.setenv("SHORT", SECRET)

    async def scenario() -> None:
        metrics: AuthenticationMetrics = Metrics().authentication
        async with making.authenticating(read(tmp_path, text).auth, metrics):
            pass

    with pytest.raises(SettingsError, match=says) as refused:
        asyncio.run(scenario())
    assert SECRET not in str(refused.value)
