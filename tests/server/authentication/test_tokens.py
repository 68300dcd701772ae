"""
Static tokens, and the header that carries them.
"""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from toolcell_server import reloading, settings
from toolcell_server.authentication.authenticator import Authenticator
from toolcell_server.authentication.failure import Kind, NotAuthentic
from toolcell_server.authentication.header import MAXIMUM_CHARACTERS, token_in
from toolcell_server.authentication.tokens import StaticTokens, digest_of
from toolcell_server.authentication.verified import as_is

if TYPE_CHECKING:
    from pathlib import Path

    from toolcell_server.principal import Principal

ALICE = "tc_alice-0123456789abcdefghijklmnopqrstuvwxyz"
BOB = "tc_bob-0123456789abcdefghijklmnopqrstuvwxyz"


def entry(name: str, token: str, more: str = "", table: str = "auth.tokens") -> str:
    return f'[[{table}]]\nname = "{name}"\nsha256 = "{digest_of(token).hex()}"\n{more}\n'


def read(folder: Path, text: str) -> settings.AuthSettings:
    path = folder / "toolcell.toml"
    path.write_text(text)
    return settings.read(str(path)).auth


def whose(authenticator: Authenticator, *headers: str | bytes) -> Principal | None:
    metadata = [("user-agent", "x"), *(("authorization", header) for header in headers)]
    return asyncio.run(authenticator.by_metadata(metadata))


def refusal(authenticator: Authenticator, *headers: str | bytes) -> Kind:
    with pytest.raises(NotAuthentic) as refused:
        whose(authenticator, *headers)
    return refused.value.kind


def test_a_token_is_of_the_principal_that_lists_its_hash(tmp_path: Path) -> None:
    """
    With its roles, scopes and labels, once expanded.
    """
    text = entry("alice", ALICE, 'roles = ["dev"]\nscopes = ["a"]\nlabels = {team = "blue"}')
    expanded = []

    def expand(principal: Principal) -> Principal:
        expanded.append(principal.name)
        return dataclasses.replace(principal, scopes=principal.scopes | {"b"})

    authenticator = Authenticator(StaticTokens(read(tmp_path, text), expand))
    for scheme in ("Bearer", "bearer", "BEARER"):
        found = whose(authenticator, f"{scheme} {ALICE}")
        assert found
        assert ("alice", frozenset({"dev"})) == (found.name, found.roles)
        assert frozenset({"a", "b"}) == found.scopes
        assert {"team": "blue"} == found.labels
    assert ["alice"] == expanded


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        pytest.param((), Kind.NONE, id="none"),
        pytest.param((f"Bearer {BOB}",), Kind.UNKNOWN_TOKEN, id="of nobody"),
        pytest.param((f"Bearer {ALICE}", f"Bearer {ALICE}"), Kind.REPEATED, id="twice the same"),
        pytest.param((f"Bearer {ALICE}", "Bearer x"), Kind.REPEATED, id="two"),
        pytest.param((f"Bearer {ALICE[:-1]}",), Kind.UNKNOWN_TOKEN, id="cut short"),
        pytest.param((f"Bearer {ALICE.upper()}",), Kind.UNKNOWN_TOKEN, id="in capitals"),
        pytest.param((f"Bearer {digest_of(ALICE).hex()}",), Kind.UNKNOWN_TOKEN, id="the hash"),
        pytest.param((f"Bearer {ALICE}\n",), Kind.MALFORMED, id="a line feed"),
        pytest.param((f"Bearer {ALICE}, Bearer x",), Kind.MALFORMED, id="two in one"),
        pytest.param((f" Bearer {ALICE}",), Kind.MALFORMED, id="a blank before"),
        pytest.param((ALICE,), Kind.MALFORMED, id="no scheme"),
        pytest.param((f"Basic {ALICE}",), Kind.MALFORMED, id="another scheme"),
        pytest.param(("Bearer ",), Kind.MALFORMED, id="nothing"),
        pytest.param(("Bearer \u00e4lice",), Kind.MALFORMED, id="not ASCII"),
        pytest.param(("Bearer \u212aey",), Kind.MALFORMED, id="a Kelvin sign"),
        pytest.param((b"Bearer x",), Kind.MALFORMED, id="bytes"),
        pytest.param(("",), Kind.MALFORMED, id="empty"),
        pytest.param(("Bearer " + "a" * MAXIMUM_CHARACTERS,), Kind.OVERSIZED, id="huge"),
    ],
)
def test_refused(headers: tuple[Any, ...], kind: Kind, tmp_path: Path) -> None:
    """
    Of two credentials none is chosen: who checks one and obeys the other lets anybody in.
    """
    authenticator = Authenticator(StaticTokens(read(tmp_path, entry("alice", ALICE)), as_is))

    assert kind == refusal(authenticator, *headers)


def test_a_token_ends_at_its_moment(tmp_path: Path) -> None:
    """
    And not a second later; before it, it is good.
    """
    found = read(tmp_path, entry("alice", ALICE, "expires = 2030-01-01T00:00:00Z"))
    now = 1893456000.0 - 1
    authenticator = Authenticator(StaticTokens(found, as_is), clock=lambda: now)
    assert whose(authenticator, f"Bearer {ALICE}")
    now += 1

    assert Kind.EXPIRED == refusal(authenticator, f"Bearer {ALICE}")


def test_a_file_of_tokens_and_a_kept_token_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A token that leaked must go now; one source that is broken must not keep another's from going.
    """
    monkeypatch.setattr(reloading, "LOOK_SECONDS", 0.0)
    listed, kept = tmp_path / "tokens.toml", tmp_path / "bob"
    listed.write_text(entry("alice", ALICE, table="tokens"))
    kept.write_text(f"{BOB}\n")
    text = (
        f'[auth]\ntokens_file = "{listed}"\n[[auth.tokens]]\nname = "bob"\n'
        f'token = {{file = "{kept}"}}\n'
    )
    authenticator = Authenticator(StaticTokens(read(tmp_path, text), as_is))
    assert whose(authenticator, f"Bearer {ALICE}")
    assert whose(authenticator, f"Bearer {BOB}")
    listed.write_text("half a fi")
    kept.write_text(f"{BOB}-renewed")
    assert Kind.UNKNOWN_TOKEN == refusal(authenticator, f"Bearer {BOB}")
    assert whose(authenticator, f"Bearer {BOB}-renewed")
    assert whose(authenticator, f"Bearer {ALICE}")
    listed.write_text("tokens = []")

    assert Kind.UNKNOWN_TOKEN == refusal(authenticator, f"Bearer {ALICE}")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x = 1", id="another key"),
        pytest.param("[[tokens]]\nname = 'a'\ntoken = {env = 'A'}", id="a reference"),
        pytest.param("[[tokens]]\nname = 'a'\nsha256 = 'hunter2hunter2'", id="no hash"),
        pytest.param("[tokens]\nhunter2hunter2", id="no TOML"),
    ],
)
def test_a_file_of_tokens_that_cannot_be_used_is_an_error_without_its_text(
    text: str, tmp_path: Path
) -> None:
    """
    People paste tokens where hashes belong.
    """
    listed = tmp_path / "tokens.toml"
    listed.write_text(text)
    found = read(tmp_path, f'[auth]\ntokens_file = "{listed}"')
    with pytest.raises((ValueError, settings.SettingsError)) as refused:
        StaticTokens(found, as_is)

    assert "hunter2" not in str(refused.value)


def test_a_short_kept_token_is_refused(tmp_path: Path) -> None:
    """
    What can be guessed will be.
    """
    (tmp_path / "short").write_text("password1")
    text = f'[[auth.tokens]]\nname = "a"\ntoken = {{file = "{tmp_path}/short"}}\n'
    with pytest.raises(ValueError, match="at least 20 characters") as refused:
        StaticTokens(read(tmp_path, text), as_is)

    assert "password1" not in str(refused.value)


def test_other_metadata_is_no_credential() -> None:
    """
    Nor is a key that looks like it.
    """
    assert token_in([("authorization-bin", b"Bearer x"), ("x-authorization", "Bearer x")]) == ""


def test_the_hash_in_the_settings_is_that_of_sha256sum() -> None:
    """
    What `toolcell token new` prints, and printf | sha256sum would.
    """
    assert digest_of("abc").hex().startswith("ba7816bf8f01cfea")
